"""What a collector is told of the binding: the right sentence for each state, in both languages."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from compline_edge.core.binding_life import Bound, Freezing, Frozen, Life, Stage, Wiped, Wiping
from compline_edge.core.lease import Account, Reading
from compline_edge.core.lease_words import outlook, slot_means, told
from compline_shared.lease import DAY, HOUR
from compline_shared.reports import Cause

LIFE = Life(handset=bytes(8), binding=bytes(8), epoch=1)


def used(seconds: float, *, running: float | None = None) -> Account:
    return Account(seconds, seconds if running is None else running, Reading(b"boot", 0.0, 0.0))


@pytest.mark.parametrize(
    ("hours", "chinese", "english"),
    [
        (0, "约24小时后提醒，约72小时后冻结", "warns in about 24 hours and freezes its vault in about 72"),
        (23, "约1小时后提醒，约49小时后冻结", "warns in about 1 hours and freezes its vault in about 49"),
        (30, "再过约42小时，保险库将被冻结", "In about 42 hours its vault freezes"),
        (72, "租期已到。程序下次运行时", "freezes when the agent runs next"),
        (30 * 24, "密钥将被销毁", "keys are destroyed"),
    ],
)
def test_outlook_when_bound_then_it_says_what_happens_when(hours: int, chinese: str, english: str) -> None:
    sentences = outlook(LIFE, used(hours * HOUR)).splitlines()
    assert len(sentences) == 2
    assert chinese in sentences[0]
    assert english in sentences[1]


@pytest.mark.parametrize(
    ("stage", "chinese", "english"),
    [
        (Freezing(None), "租期正常", "The lease is good"),
        (Frozen(Cause.COMMAND), "已解除绑定", "was unbound"),
        (Frozen(Cause.LEASE), "若再开机运行约29天", "after about 29 more days"),
        (Wiping(None), "正在擦除", "is being wiped"),
        (Wiped(Cause.COMMAND), "已擦除", "was wiped"),
    ],
)
def test_outlook_when_in_a_state_then_it_says_so(stage: Stage, chinese: str, english: str) -> None:
    sentence = outlook(replace(LIFE, stage=stage), used(DAY / 2))
    assert chinese in sentence
    assert english in sentence


@pytest.mark.parametrize("stage", [Bound(), Freezing(None)])
def test_told_when_the_lease_is_good_then_nothing(stage: Stage) -> None:
    assert told(replace(LIFE, stage=stage), used(HOUR)) is None


def test_outlook_when_wiped_without_an_account_then_it_says_so() -> None:
    assert "was wiped" in outlook(replace(LIFE, stage=Wiped(Cause.LEASE)), None)


def test_slot_when_it_is_a_file_then_an_old_copy_is_named_as_what_opens() -> None:
    assert "can open that copy" in slot_means(rollback_resistant=False)


def test_slot_when_it_is_rollback_resistant_then_an_old_copy_is_named_as_what_does_not() -> None:
    assert "cannot open what was frozen" in slot_means(rollback_resistant=True)
