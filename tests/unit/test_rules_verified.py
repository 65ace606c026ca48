"""Rules on one channel whose speakers were told by voice: roles count, doubt is unknown, a slip is no absence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compline_edge.core.evidence import Evidence, Side
from compline_edge.core.outcome import Truth
from compline_shared.taxonomy import Role
from tests.rule_calls import call, found, truth

TRUE, UNKNOWN, FALSE = Truth.TRUE, Truth.UNKNOWN, Truth.FALSE
CALL = "collector 0-10 你好请问今天方便还款吗 ; other 10-20 你们不要再打电话了 ; collector 21-31 好的再见"
LEVELS = "level collector 0-12 -30 dBFS ; level collector 12-17 -15 dBFS ; level other 20-34 -12 dBFS"


def verified(scenes: str = CALL) -> Evidence:
    return replace(call(scenes), apart=False, verified=True)


def mixed() -> Evidence:
    return call(f"mixed ; {CALL}")


@pytest.mark.parametrize(
    ("condition", "by_voice", "without"),
    [
        ("collector any(方便还款)", TRUE, UNKNOWN),
        ("other any(不要再打)", TRUE, UNKNOWN),
        ("other any(方便还款)", FALSE, UNKNOWN),
        ("collector interrupts 1 times", UNKNOWN, UNKNOWN),
        ("any(方便还款)", TRUE, TRUE),
    ],
)
def test_rule_when_speakers_are_told_by_voice_then_roles_count(
    condition: str, by_voice: Truth, without: Truth
) -> None:
    assert (truth(condition, verified()), truth(condition, mixed())) == (by_voice, without)


def test_level_when_speakers_are_told_by_voice_then_it_is_compared_with_the_voice_of_its_own() -> None:
    condition = "collector level above median by 14 dB"
    assert truth(condition, verified(LEVELS)) is TRUE
    assert truth(condition, call(f"mixed ; {LEVELS}")) is UNKNOWN


def doubtful() -> Evidence:
    """The same call, where nobody knows who said the first words."""
    known = verified()
    first, *rest = known.utterances
    return replace(known, utterances=(replace(first, role=Role.UNKNOWN), *rest))


@pytest.mark.parametrize("condition", ["collector any(方便还款)", "other any(方便还款)"])
def test_rule_when_it_is_not_sure_who_spoke_then_it_is_unknown_for_both(condition: str) -> None:
    assert truth(condition, doubtful()) is UNKNOWN


def test_absence_when_nobody_said_it_then_it_is_the_collectors() -> None:
    (finding,) = found("collector none(本次通话会录音)", verified())
    assert finding.role is Role.COLLECTOR


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [(verified(), UNKNOWN), (call(CALL), TRUE)],  # control: in two channels it is surely the other side's
)
def test_absence_when_the_other_side_seems_to_have_said_it_then_only_two_channels_tell(
    evidence: Evidence, expected: Truth
) -> None:
    assert truth("collector none(不要再打)", evidence) is expected


@pytest.mark.parametrize(("speech", "clear"), [(1.8, True), (120.0, False)])
def test_absence_when_an_unknown_speaker_was_hardly_understood_then_it_counts_by_its_length(
    speech: float, clear: bool
) -> None:
    sides = (
        Side(Role.COLLECTOR, 71.5, 0.75),
        Side(Role.UNKNOWN, speech, 0.3),
        Side(Role.OTHER, 48.6, 0.7),
    )
    assert replace(verified(), sides=sides).clear(Role.COLLECTOR) is clear
