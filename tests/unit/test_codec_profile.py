"""The strict CBOR profile refuses what it must, at once and in little memory."""

from __future__ import annotations

import json
import time
import tracemalloc
from pathlib import Path

import pytest

from compline_shared.codec import MAX_DEPTH, Value, decode, encode
from compline_shared.errors import MalformedFrame

LIMIT = 65_536
REFUSED = json.loads((Path(__file__).parents[1] / "vectors" / "cbor_refused.json").read_text("utf-8"))
GOOD: list[Value] = [
    0,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    2**64 - 1,
    -1,
    -25,
    -(2**64),
    b"",
    b"\x00" * 24,
    "门",
    True,
    False,
]


def frame_of(vector: dict[str, object]) -> bytes:
    head = bytes.fromhex(str(vector.get("head", "")))
    body = bytes.fromhex(str(vector.get("repeat", ""))) * int(str(vector.get("times", 0)))
    return head + body + bytes.fromhex(str(vector.get("tail", "")))


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector["why"])
def test_decode_when_trapped_then_refuses_at_once(vector: dict[str, object]) -> None:
    frame = frame_of(vector)
    started = time.perf_counter()
    with pytest.raises(MalformedFrame):
        decode(frame, limit=LIMIT)
    assert time.perf_counter() - started < 0.05


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector["why"])
def test_decode_when_trapped_then_stays_within_memory(vector: dict[str, object]) -> None:
    frame = frame_of(vector)
    tracemalloc.start()
    with pytest.raises(MalformedFrame):
        decode(frame, limit=LIMIT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * LIMIT


@pytest.mark.parametrize("value", GOOD, ids=repr)
def test_decode_when_encoded_then_gives_value_back(value: Value) -> None:
    assert decode(encode(value), limit=LIMIT) == value


def test_decode_when_full_of_members_then_memory_is_a_multiple_of_input() -> None:
    frame = encode([0] * 65_000)
    tracemalloc.start()
    decode(frame, limit=LIMIT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * LIMIT


def test_decode_when_limit_is_exceeded_by_one_then_refuses() -> None:
    with pytest.raises(MalformedFrame, match="above the limit of 3"):
        decode(encode(b"abc"), limit=3)


def test_encode_when_nested_to_the_limit_then_decodes() -> None:
    value: Value = 0
    for _ in range(MAX_DEPTH):
        value = [value]
    assert decode(encode(value), limit=LIMIT) == value


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        {"a": 1},
        {-1: 1},
        {True: 1},
        2**64,
        -(2**64) - 1,
        bytearray(b"x"),
        {1, 2},
        Ellipsis,
        [[[[[[[[[0]]]]]]]]],
    ],
    ids=repr,
)
def test_encode_when_outside_the_profile_then_refuses(value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)  # type: ignore[arg-type]


def test_encode_when_subclass_of_bytes_then_refuses() -> None:
    class Sneaky(bytes):
        """Bytes with something beside them."""

    with pytest.raises(TypeError):
        encode(Sneaky(b"x"))


def test_encode_when_nested_maps_too_deep_then_refuses() -> None:
    value: Value = 0
    for _ in range(MAX_DEPTH + 1):
        value = {1: value}
    with pytest.raises(TypeError):
        encode(value)
