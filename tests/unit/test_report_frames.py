"""A report is its handset's word alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from compline_shared import envelope
from compline_shared.codec import encode
from compline_shared.commands import Freeze, sign_command
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.message_frame import sign_message
from compline_shared.reports import MAX_RESULTS, USE, CommandOutcome, Result, sign_report, verify_report
from tests.bindings import ELSEWHERE, HANDSET, PLACE, STRANGER, command, report
from tests.refusals import ELSEWHERE as OTHER_HANDSET
from tests.refusals import MEMBERS, SIGNATURE


def test_report_when_verified_then_as_signed() -> None:
    assert verify_report(sign_report(report(), HANDSET), HANDSET.public_key(), PLACE.handset) == report()


def test_report_when_placed_then_handset_binding_and_epoch() -> None:
    assert report().place == PLACE


def test_report_when_another_signed_it_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify_report(sign_report(report(), STRANGER), HANDSET.public_key(), PLACE.handset)


def test_report_when_it_comes_on_another_handsets_topic_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify_report(sign_report(report(), HANDSET), HANDSET.public_key(), HandsetId(ELSEWHERE.hex()))


def test_report_when_it_names_another_handset_than_its_context_then_malformed() -> None:
    moved = msgspec.structs.replace(report(), handset=ELSEWHERE)
    frame = sign_message(moved, HANDSET, use=USE, handset=PLACE.handset)
    with pytest.raises(MalformedFrame, match=OTHER_HANDSET):
        verify_report(frame, HANDSET.public_key(), PLACE.handset)


def test_command_when_taken_for_a_report_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match=SIGNATURE):
        verify_report(sign_command(command(Freeze()), HANDSET), HANDSET.public_key(), PLACE.handset)


def test_report_when_it_tells_more_results_than_a_handset_remembers_then_malformed() -> None:
    told = tuple(Result(bytes([n]) * 16, CommandOutcome.DONE) for n in range(MAX_RESULTS + 1))
    frame = sign_report(msgspec.structs.replace(report(), results=told), HANDSET)
    with pytest.raises(MalformedFrame, match=MEMBERS):
        verify_report(frame, HANDSET.public_key(), PLACE.handset)


@pytest.mark.parametrize(
    "point",
    [
        bytes(32),
        b"\x01" + bytes(31),
        bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        b"\xec" + b"\xff" * 30 + b"\x7f",
    ],
    ids=["0", "1", "order 8", "order 8 too", "-1"],
)
def test_report_when_its_answer_key_is_a_point_of_small_order_then_malformed(point: bytes) -> None:
    """Sealing to it would fail at the hub; X25519 of a point of small order is 0 (RFC 7748, section 6.1)."""
    fields = msgspec.structs.asdict(report())
    names = [f.name for f in msgspec.structs.fields(report())]
    payload = encode([_plain(point if name == "answer_key" else fields[name]) for name in names])
    frame = envelope.sign(payload, HANDSET, context=f"compline/1 report {PLACE.handset}".encode())
    with pytest.raises(MalformedFrame, match=MEMBERS):
        verify_report(frame, HANDSET.public_key(), PLACE.handset)


def test_control_report_when_its_answer_key_is_sound_then_the_same_way_of_signing_is_taken() -> None:
    fields = msgspec.structs.asdict(report())
    payload = encode([_plain(fields[f.name]) for f in msgspec.structs.fields(report())])
    frame = envelope.sign(payload, HANDSET, context=f"compline/1 report {PLACE.handset}".encode())
    assert verify_report(frame, HANDSET.public_key(), PLACE.handset) == report()


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(bytes,))
