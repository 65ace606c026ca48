"""The frames that the protocol page shows are what the code makes, byte for byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compline_hub.core.ordering import WIPES_AN_HOUR
from compline_hub.core.orders import FIRST_PAUSE, LONGEST_PAUSE
from compline_hub.core.reporting import MANY_TRIES, PAUSE
from compline_hub.core.standing import NONCES
from compline_hub.service.restoring import COUNTER_STEP
from compline_shared.commands import Freeze, sign_command, verify_command
from compline_shared.ids import HandsetId
from compline_shared.message_frame import MAX_MESSAGE
from compline_shared.reports import (
    MAX_RESULTS,
    BindingState,
    Cause,
    CommandOutcome,
    sign_report,
    verify_report,
)

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
HANDSET = HandsetId("00112233445566ff")
HANDSET_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
COMMAND_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(0x40, 0x60)))


def shown(section: str) -> bytes:
    """The hex example in a section of the page."""
    text = PAGE.split(f"## {section}", 1)[1].split("\n## ", 1)[0]
    (block,) = re.findall(r"```\n([0-9a-f\n]+)```", text)
    return bytes.fromhex(block.replace("\n", ""))


def test_command_when_shown_on_the_page_then_it_is_a_freeze_at_its_place_and_signs_to_the_same_bytes() -> (
    None
):
    frame = shown("Commands")

    command = verify_command(frame, COMMAND_KEY.public_key(), HANDSET)

    assert (command.epoch, command.counter, command.body, len(frame)) == (3, 41, Freeze(), 115)
    assert sign_command(command, COMMAND_KEY) == frame


def test_report_when_shown_on_the_page_then_it_is_frozen_and_signs_to_the_same_bytes() -> None:
    frame = shown("Reports")

    report = verify_report(frame, HANDSET_KEY.public_key(), HANDSET)

    assert (report.state, report.cause, report.counter) == (BindingState.FROZEN, Cause.COMMAND, 45)
    assert len(report.results) == 2
    assert sign_report(report, HANDSET_KEY) == frame


@pytest.mark.parametrize("kind", [BindingState, Cause, CommandOutcome])
def test_code_when_it_goes_on_the_wire_then_the_page_numbers_it(
    kind: type[BindingState] | type[Cause] | type[CommandOutcome],
) -> None:
    text = " ".join(PAGE.split())
    assert [member for member in kind if f"{int(member)} {member.code}" not in text] == []


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("at most 8,192 bytes", MAX_MESSAGE == 8_192),
        ("at most 8 results", MAX_RESULTS == 8),
        ("after 60 s doubled up to 1 h", (FIRST_PAUSE, LONGEST_PAUSE) == (60, 3_600)),
        ("reports less than 60 s apart", PAUSE == 60),
        ("is sent three times", MANY_TRIES == 3),
        ("last eight is a repetition", NONCES == 8),
        ("a fourth wipe within an hour", WIPES_AN_HOUR == 3),
        ("every counter up by 65,536", COUNTER_STEP == 65_536),
    ],
)
def test_bound_when_the_page_states_it_then_the_code_has_it(words: str, value: bool) -> None:
    assert words in " ".join(PAGE.split())
    assert value
