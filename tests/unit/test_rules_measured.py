"""What rules make of what is measured: silence, interruptions, rate, level, emotion, duration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compline_edge.core.evidence import Evidence
from compline_edge.core.outcome import Truth
from compline_edge.core.speech import Utterance
from compline_shared.taxonomy import Role, Technique
from tests.rule_calls import call, found, truth

TRUE, UNKNOWN, FALSE = Truth.TRUE, Truth.UNKNOWN, Truth.FALSE

GAPS = "collector 2-5 你好 ; other 5-10 你说 ; silence 10-20 ; collector 20-25 好的 ; silence 25-31"


@pytest.mark.parametrize(
    ("condition", "scenes", "expected"),
    [
        ("silence longer than 9 s", GAPS, TRUE),
        ("silence longer than 10 s", GAPS, FALSE),
        ("collector silence longer than 9 s", GAPS, TRUE),
        ("other silence longer than 5 s", GAPS, TRUE),
        ("other silence longer than 7 s", GAPS, FALSE),
        ("collector silence longer than 9 s", f"mixed ; {GAPS}", UNKNOWN),
        ("collector silence longer than 11 s", f"mixed ; {GAPS}", FALSE),
        ("unknown silence longer than 9 s", f"mixed ; {GAPS}", TRUE),
        ("unknown silence longer than 9 s", GAPS, FALSE),
        ("silence longer than 9 s", f"mixed ; {GAPS}", TRUE),
        ("silence longer than 9 s", f"written ; {GAPS}", UNKNOWN),
        ("silence longer than 9 s after other any(你说)", GAPS, TRUE),
        ("silence longer than 5 s after collector any(好的)", GAPS, TRUE),
        ("silence longer than 9 s after collector any(好的)", GAPS, FALSE),
        ("silence longer than 1 s before collector any(你好)", GAPS, TRUE),
        ("silence longer than 1 s", "collector 0-5 你好", FALSE),
        ("silence longer than 1 s", "collector 0-10 你好 ; other 2-3 嗯 ; silence 10-10.5", FALSE),
    ],
)
def test_silence_when_judged_then(condition: str, scenes: str, expected: Truth) -> None:
    assert truth(condition, call(scenes)) is expected


def test_silence_when_an_utterance_has_no_text_then_it_breaks_none() -> None:
    heard = call(GAPS)
    empty = Utterance("", Role.COLLECTOR, 14.0, 16.0, 1.0)
    assert truth("silence longer than 9 s", replace(heard, utterances=(*heard.utterances, empty))) is TRUE


def test_silence_when_speech_left_no_utterance_then_it_may_lie_there() -> None:
    heard = call(GAPS)
    unheard = replace(heard, sides=tuple(replace(side, speech=side.speech + 2) for side in heard.sides))
    assert [truth(f"silence longer than {s} s", unheard) for s in (5, 9, 10)] == [TRUE, UNKNOWN, FALSE]


OVERLAPS = (
    "other 0-5 我想说 ; collector 3-7 你别说 ; other 10-15 听我说 ; collector 14-18 不听 ; "
    "other 30-35 我这边 ; collector 31-31.5 嗯 ; other 40-41 对 ; collector 40.2-45 那就好"
)
"""The collector interrupts at 3 s for 2 s and at 14 s for 1 s; a mm and a yes are no turns."""


@pytest.mark.parametrize(
    ("condition", "scenes", "expected"),
    [
        ("collector interrupts 2 times", OVERLAPS, TRUE),
        ("collector interrupts 2 times in 11 s", OVERLAPS, TRUE),
        ("collector interrupts 2 times in 10 s", OVERLAPS, FALSE),
        ("collector interrupts 3 times", OVERLAPS, FALSE),
        ("interrupts 2 times", OVERLAPS, TRUE),
        ("other interrupts 1 times", OVERLAPS, FALSE),
        ("collector interrupts longer than 1.9 s", OVERLAPS, TRUE),
        ("collector interrupts longer than 2 s", OVERLAPS, FALSE),
        ("collector interrupts 1 times after other any(听我说)", OVERLAPS, FALSE),
        ("collector interrupts 1 times within 5 s of other any(听我说)", OVERLAPS, TRUE),
        ("collector interrupts longer than 1.5 s within 1 s of other any(听我说)", OVERLAPS, FALSE),
        ("collector interrupts 1 times", f"mixed ; {OVERLAPS}", UNKNOWN),
        ("collector interrupts 1 times", f"written ; {OVERLAPS}", UNKNOWN),
        ("collector interrupts 1 times", "other 0-5 我想说 ; collector 4.8-8 你别说", FALSE),
    ],
)
def test_interruption_when_judged_then(condition: str, scenes: str, expected: Truth) -> None:
    assert truth(condition, call(scenes)) is expected


PACE = f"collector 0-4 {'好' * 32} ; collector 4-8 {'好' * 8} ; other 8-16 {'行' * 8}"
"""The collector speaks 8 and 2 syllables a second, 5 over all; the other 1."""


@pytest.mark.parametrize(
    ("condition", "scenes", "expected"),
    [
        ("collector rate above 4.9 syllables/s", PACE, TRUE),
        ("collector rate above 5 syllables/s", PACE, FALSE),
        ("collector rate below 5.1 syllables/s", PACE, TRUE),
        ("collector rate below 5 syllables/s", PACE, FALSE),
        ("other rate below 2 syllables/s", PACE, TRUE),
        ("rate above 2.9 syllables/s", PACE, TRUE),  # 48 in 16 s
        ("rate above 2.9 syllables/s", f"mixed ; {PACE}", TRUE),
        ("collector rate above 2.9 syllables/s", f"mixed ; {PACE}", UNKNOWN),
        ("collector rate above 2.9 syllables/s", f"written ; {PACE}", UNKNOWN),
        ("collector rate above 2.9 syllables/s", f"unclear collector ; {PACE}", UNKNOWN),
        ("collector rate above 2.9 syllables/s", "collector 0-4 好好好", UNKNOWN),  # too short
        ("collector rate above 5 syllables/s", f"collector 0-6 {'hao ' * 31}", TRUE),
    ],
)
def test_rate_when_judged_then(condition: str, scenes: str, expected: Truth) -> None:
    assert truth(condition, call(scenes)) is expected


def test_rate_when_true_then_it_lies_where_somebody_is_beyond_it() -> None:
    fast, slow = (found(f"collector rate {c} syllables/s", call(PACE))[0] for c in ("above 4.9", "below 5.1"))
    assert (fast.start, slow.start) == (0.0, 4.0)


VOICES = (
    "level collector 0-6 -30 dBFS ; level collector 6-12 -31 dBFS ; level collector 12-15 -15 dBFS ; "
    "level collector 15.4-17 -14 dBFS ; level other 20-34 -12 dBFS"
)


@pytest.mark.parametrize(
    ("condition", "scenes", "expected"),
    [
        ("level above -13 dBFS", VOICES, TRUE),
        ("collector level above -13 dBFS", VOICES, FALSE),
        ("collector level above -16 dBFS for 5 s", VOICES, TRUE),  # two levels in one stretch
        ("collector level above -16 dBFS for 5.1 s", VOICES, FALSE),
        ("collector level below -30 dBFS for 6 s", VOICES, TRUE),
        ("collector level below -31 dBFS", VOICES, FALSE),
        ("collector level above median by 14 dB for 5 s", VOICES, TRUE),  # median -30
        ("collector level above median by 16 dB", VOICES, FALSE),
        ("collector level below median by 1 dB", VOICES, FALSE),
        ("level above median by 14 dB", VOICES, TRUE),
        ("other level above median by 1 dB", VOICES, FALSE),
        ("other level above median by 1 dB", VOICES.replace("20-34", "20-29"), UNKNOWN),  # too little
        ("level above median by 14 dB", VOICES.replace("20-34", "20-29"), UNKNOWN),
        ("unknown level above median by 1 dB", VOICES, UNKNOWN),
        ("collector level above median by 14 dB", f"mixed ; {VOICES}", UNKNOWN),
        ("collector level above -16 dBFS", f"mixed ; {VOICES}", UNKNOWN),
        ("collector level above -10 dBFS", f"mixed ; {VOICES}", FALSE),
        ("unknown level above -16 dBFS", f"mixed ; {VOICES}", TRUE),
        ("collector level above -16 dBFS", "collector 0-9 你好", UNKNOWN),
    ],
)
def test_level_when_judged_then(condition: str, scenes: str, expected: Truth) -> None:
    assert truth(condition, call(scenes)) is expected


FELT = "emotion collector angry 70% ; emotion collector sad 10% ; emotion other angry 20%"


@pytest.mark.parametrize(
    ("condition", "scenes", "expected"),
    [
        ("collector emotion angry above 69%", FELT, TRUE),
        ("collector emotion angry above 70%", FELT, FALSE),
        ("emotion angry above 50%", FELT, TRUE),
        ("other emotion angry above 50%", FELT, FALSE),
        ("collector emotion happy above 0%", FELT, UNKNOWN),  # no model told
        ("collector emotion angry above 10%", f"mixed ; {FELT}", UNKNOWN),
        ("collector emotion angry above 10%", "collector 0-9 你好", UNKNOWN),
    ],
)
def test_emotion_when_judged_then(condition: str, scenes: str, expected: Truth) -> None:
    assert truth(condition, call(scenes)) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("duration longer than 59 s", TRUE),
        ("duration longer than 60 s", FALSE),
        ("duration shorter than 61 s", TRUE),
        ("duration shorter than 60 s", FALSE),
        ("written", TRUE),
        ("spoken", FALSE),
    ],
)
def test_duration_when_judged_then(condition: str, expected: Truth) -> None:
    assert truth(condition, Evidence(duration=60.0)) is expected


def test_medium_when_a_call_is_judged_then_it_is_spoken() -> None:
    assert [truth(c, call("collector 0-1 好")) for c in ("spoken", "written")] == [TRUE, FALSE]


def test_finding_when_it_has_no_place_then_it_lies_at_the_end() -> None:
    long, angry = (
        found(c, replace(call(FELT), duration=60.0))[0]
        for c in ("duration longer than 1 s", "emotion angry above 50%")
    )
    assert [(n.start, n.role, n.technique, n.confidence) for n in (long, angry)] == [
        (60.0, Role.UNKNOWN, Technique.RULE, 100),
        (60.0, Role.COLLECTOR, Technique.RULE, 70),
    ]


@pytest.mark.parametrize(("percent", "confidence"), [(60, 60), (95, 80)])
def test_emotion_when_its_share_is_large_then_it_is_no_surer_than_what_is_measured(
    percent: int, confidence: int
) -> None:
    (finding,) = found("collector emotion angry above 30%", call(f"emotion collector angry {percent}%"))
    assert finding.confidence == confidence
