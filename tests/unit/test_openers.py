"""What opens a segment is found once, and never answers for another one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_hub.service.openers import Openers
from compline_shared.batch import Batch
from compline_shared.errors import MalformedFrame
from compline_shared.ids import BindingId, HandsetId
from compline_shared.place import Place
from compline_shared.segment import Sealer
from compline_shared.wire import SegmentBase
from tests.verdicts import BASE

PLACE = Place(HandsetId("a" * 16), BindingId("b" * 16), 1)
KEY = X25519PrivateKey.generate()


def batch(place: Place = PLACE, key: X25519PrivateKey = KEY, base: SegmentBase = BASE) -> Batch:
    sealer = Sealer(key.public_key(), place, base)
    entries = (sealer.seal(base.first_seq, b"one"), sealer.seal(base.first_seq + 1, b"two"))
    return Batch(place, sealer.enc, sealer.header, base.first_seq, entries, bytes(32))


def test_find_when_a_segment_comes_in_two_batches_then_the_second_needs_no_key_exchange() -> None:
    openers, sent = Openers([KEY]), batch()
    first = openers.find(sent)
    assert first is not None

    again = openers.find(replace(sent, first_seq=sent.first_seq + 1, entries=sent.entries[1:]))

    assert again is first
    assert first.open(sent.first_seq + 1, sent.entries[1]) == b"two"


def test_find_when_another_segment_bears_the_same_encapsulation_then_it_is_tried_anew() -> None:
    openers, sent, other = Openers([KEY]), batch(), batch()
    assert openers.find(sent) is not None

    moved = replace(sent, place=replace(PLACE, epoch=2))
    headed = replace(sent, header=other.header)

    assert openers.find(moved) is None
    assert openers.find(headed) is None


def test_find_when_an_entry_is_of_another_segment_then_what_is_remembered_does_not_open_it() -> None:
    openers, sent, other = Openers([KEY]), batch(), batch()
    opener = openers.find(sent)
    assert opener is not None

    with pytest.raises(MalformedFrame):
        opener.open(sent.first_seq, other.entries[0])


def test_find_when_more_segments_come_than_are_remembered_then_the_oldest_is_opened_anew() -> None:
    openers = Openers([KEY], remembered=2)
    sent = [batch() for _ in range(3)]
    found = [openers.find(one) for one in sent]

    again = [openers.find(one) for one in reversed(sent)]

    assert again[:2] == [found[2], found[1]]
    assert again[2] is not None
    assert again[2] is not found[0]


def test_find_when_no_key_opens_it_then_none_comes_each_time() -> None:
    openers, sent = Openers([KEY]), batch(key=X25519PrivateKey.generate())

    assert [openers.find(sent), openers.find(sent)] == [None, None]
