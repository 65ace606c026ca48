"""A report is its handset's word alone."""

from __future__ import annotations

import msgspec
import pytest

from compline_shared.commands import Freeze, sign_command
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.message_frame import sign_message
from compline_shared.reports import MAX_RESULTS, USE, CommandOutcome, Result, sign_report, verify_report
from tests.bindings import ELSEWHERE, HANDSET, PLACE, STRANGER, command, report


def test_report_when_verified_then_as_signed() -> None:
    assert verify_report(sign_report(report(), HANDSET), HANDSET.public_key(), PLACE.handset) == report()


def test_report_when_placed_then_handset_binding_and_epoch() -> None:
    assert report().place == PLACE


def test_report_when_another_signed_it_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match="signature"):
        verify_report(sign_report(report(), STRANGER), HANDSET.public_key(), PLACE.handset)


def test_report_when_it_comes_on_another_handsets_topic_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match="signature"):
        verify_report(sign_report(report(), HANDSET), HANDSET.public_key(), HandsetId(ELSEWHERE.hex()))


def test_report_when_it_names_another_handset_than_its_context_then_malformed() -> None:
    moved = msgspec.structs.replace(report(), handset=ELSEWHERE)
    frame = sign_message(moved, HANDSET, use=USE, handset=PLACE.handset)
    with pytest.raises(MalformedFrame, match="another handset"):
        verify_report(frame, HANDSET.public_key(), PLACE.handset)


def test_command_when_taken_for_a_report_then_malformed() -> None:
    with pytest.raises(MalformedFrame, match="signature"):
        verify_report(sign_command(command(Freeze()), HANDSET), HANDSET.public_key(), PLACE.handset)


def test_report_when_it_tells_more_results_than_a_handset_remembers_then_malformed() -> None:
    told = tuple(Result(bytes([n]) * 16, CommandOutcome.DONE) for n in range(MAX_RESULTS + 1))
    frame = sign_report(msgspec.structs.replace(report(), results=told), HANDSET)
    with pytest.raises(MalformedFrame, match="does not hold"):
        verify_report(frame, HANDSET.public_key(), PLACE.handset)
