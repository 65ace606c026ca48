"""One encoding for each value: the decoder accepts exactly what the encoder writes."""

from __future__ import annotations

from contextlib import suppress

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from compline_shared.codec import Value, decode, encode
from compline_shared.errors import MalformedFrame

LIMIT = 65_536
SCALARS = st.one_of(
    st.integers(-(2**64), 2**64 - 1), st.binary(max_size=300), st.text(max_size=40), st.booleans(), st.none()
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=6), st.dictionaries(st.integers(0, 2**64 - 1), inner, max_size=6)
    ),
    max_leaves=12,
).filter(lambda value: _depth(value) <= 8)


def _depth(value: Value) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if members is None else 1 + max(map(_depth, members), default=0)


@given(VALUES)
def test_codec_when_round_tripped_then_same_value(value: Value) -> None:
    assert decode(encode(value), limit=LIMIT) == value


@given(VALUES)
def test_codec_when_encoded_then_cbor2_reads_the_same(value: Value) -> None:
    assert cbor2.loads(encode(value)) == value


@given(st.binary(max_size=200))
def test_codec_when_any_bytes_decode_then_they_are_the_canonical_ones(data: bytes) -> None:
    with suppress(MalformedFrame):
        assert encode(decode(data, limit=LIMIT)) == data


@given(VALUES, st.data())
def test_codec_when_mutated_then_refused_or_canonical(value: Value, data: st.DataObject) -> None:
    frame = bytearray(encode(value))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(MalformedFrame):
        assert encode(decode(bytes(frame), limit=LIMIT)) == bytes(frame)
