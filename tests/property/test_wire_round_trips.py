"""Every verdict survives the wire, and nothing but a verdict comes out of it."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from compline_shared.codec import encode
from compline_shared.errors import MalformedFrame
from compline_shared.messages import Verdict
from compline_shared.wire import (
    ABSOLUTE,
    MAX_VERDICT,
    SegmentBase,
    canonical,
    decode_base,
    decode_verdict,
    encode_base,
    encode_verdict,
)
from tests.verdicts import BASE, BASES, VERDICTS, typical

NUMBERS = st.lists(st.one_of(st.integers(-(2**40), 2**40), st.binary(max_size=64)), max_size=60)


@given(VERDICTS, BASES)
def test_verdict_when_round_tripped_then_equal(verdict: Verdict, base: SegmentBase) -> None:
    assert decode_verdict(encode_verdict(verdict, base), base) == verdict


@given(VERDICTS)
def test_verdict_when_canonical_then_within_the_limit(verdict: Verdict) -> None:
    assert len(canonical(verdict)) <= MAX_VERDICT


@given(VERDICTS, st.data())
def test_verdict_when_mutated_then_malformed_or_another_verdict(
    verdict: Verdict, data: st.DataObject
) -> None:
    frame = bytearray(canonical(verdict))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(MalformedFrame):
        assert canonical(decode_verdict(bytes(frame), ABSOLUTE)) == bytes(frame)


@given(VERDICTS, st.data())
def test_verdict_when_cut_short_then_malformed_or_another_verdict(
    verdict: Verdict, data: st.DataObject
) -> None:
    frame = canonical(verdict)[: data.draw(st.integers(0, 40))]
    with suppress(MalformedFrame):
        assert canonical(decode_verdict(frame, ABSOLUTE)) == frame


@given(NUMBERS)
def test_verdict_when_any_array_then_malformed_or_a_verdict(members: list[int | bytes]) -> None:
    frame = encode(list(members))
    with suppress(MalformedFrame):
        assert canonical(decode_verdict(frame, ABSOLUTE)) == frame


@given(st.integers(0, 2**18), st.data())
def test_verdict_when_shape_is_changed_then_malformed_or_a_verdict(shape: int, data: st.DataObject) -> None:
    members: list[int | bytes] = [shape, 1, 1_795_000_000, 290, 263, 171]
    members += data.draw(
        st.lists(
            st.one_of(st.integers(-130, 70_000), st.just(b"\x01" * 48), st.just(b"\x01" * 8)), max_size=20
        )
    )
    frame = encode(list(members))
    with suppress(MalformedFrame):
        assert canonical(decode_verdict(frame, ABSOLUTE)) == frame


@given(BASES)
def test_base_when_round_tripped_then_equal(base: SegmentBase) -> None:
    assert decode_base(encode_base(base)) == base


@given(st.binary(max_size=70))
def test_base_when_any_bytes_then_malformed_or_canonical(data: bytes) -> None:
    with suppress(MalformedFrame):
        assert encode_base(decode_base(data)) == data


def test_verdict_when_relative_then_smaller_than_canonical() -> None:
    assert len(encode_verdict(typical(), BASE)) < len(canonical(typical()))
