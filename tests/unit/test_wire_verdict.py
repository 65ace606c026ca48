"""The verdict encoder takes a closed verdict and nothing else."""

from __future__ import annotations

import msgspec
import pytest

from compline_shared.codec import decode, encode
from compline_shared.errors import MalformedFrame, OutOfBounds
from compline_shared.masking import Pseudonym
from compline_shared.messages import Verdict, Voice
from compline_shared.taxonomy import Kind, Pass, Severity
from compline_shared.wire import ABSOLUTE, canonical, decode_base, decode_verdict
from tests.refusals import VERDICT
from tests.verdicts import finding, typical

BROKEN: list[dict[str, object]] = [
    {"kind": 1},
    {"contact": b"8 bytes!"},
    {"contact": "120 0000 0000"},
    {"evidence": Pseudonym(b"8 bytes!")},
    {"seq": True},
    {"seq": 0},
    {"seq": 2**53},
    {"seq": "1"},
    {"coverage": 101},
    {"coverage": 99.5},
    {"duration": -1},
    {"answered": 1},
    {"findings": [finding()]},
    {"findings": (finding(),) * 33},
    {"findings": ("words",)},
    {"findings": (msgspec.structs.replace(finding(), category="abuse"),)},
    {"findings": (msgspec.structs.replace(finding(), confidence=101),)},
    {"voice": Voice(loudness=1, peak_loudness=0, rate=0)},
    {"voice": Voice(loudness=0, peak_loudness=0, rate=0, angry=11)},
    {"voice": Voice(loudness=0, peak_loudness=0, rate=0, overlap=-1)},
    {"versions": None},
    {"abstained": Kind.CALL},
]


@pytest.mark.parametrize("change", BROKEN, ids=repr)
def test_encoder_when_field_is_not_what_masking_makes_then_refuses(change: dict[str, object]) -> None:
    with pytest.raises(OutOfBounds):
        canonical(msgspec.structs.replace(typical(), **change))


def test_encoder_when_refusing_then_names_the_field_and_not_its_value() -> None:
    with pytest.raises(OutOfBounds) as refusal:
        canonical(msgspec.structs.replace(typical(), contact="王小明"))
    assert "contact" in str(refusal.value)
    assert "王小明" not in str(refusal.value)


def test_encoder_when_subclass_of_verdict_then_refuses() -> None:
    class Wordy(Verdict, frozen=True, kw_only=True):
        """A verdict with room for words."""

        words: str = "secret"

    with pytest.raises(OutOfBounds):
        canonical(Wordy(seq=1, started=0, judged=0, kind=Kind.CALL, pass_=typical().pass_))


def test_encoder_when_control_is_sound_then_encodes() -> None:
    assert decode_verdict(canonical(typical()), ABSOLUTE) == typical()


@pytest.mark.parametrize(
    "members",
    [
        [],
        [1, 2, 3],
        {1: 2},
        [1 << 17, 1, 0, 0, 0, 0],
        [-1, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [24, 1, 0, 0, 0, 0],
        [1 << 7, 1, 0, 0, 0, 0],
        [1 << 7, 1, 0, 0, 0, 0, b"seven.."],
        [1 << 7, 1, 0, 0, 0, 0, b"nine bytes"],
        [1 << 7, 1, 0, 0, 0, 0, 8],
        [1 << 10, 1, 0, 0, 0, 0, -20, -10, 21],
        [1 << 10, 1, 0, 0, 0, 0, -20, -10, 12 << 5],
        [1 << 10, 1, 0, 0, 0, 0, -20, -10, 12 << 9],
        [1 << 10, 1, 0, 0, 0, 0, -20, -10, -1],
        [1 << 11, 1, 0, 0, 0, 0, 0],
        [1 << 12, 1, 0, 0, 0, 0, 0],
        [1 << 14, 1, 0, 0, 0, 0, 1],
        [1 << 16, 1, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 7],
        [0, 1, 0, 0, 0, 0, 1 << 9, 101, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 0, 50, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, b"12345", 0, 0, 0, 0],
        [0, 1, 0, 0, 0, True],
        [0, 1, 0, 0, 0, 0, *[1 << 9, 50, 0, 0, 0] * 33],
    ],
    ids=repr,
)
def test_decoder_when_array_is_no_verdict_then_malformed(members: list[int | bytes]) -> None:
    with pytest.raises(MalformedFrame, match=VERDICT):
        decode_verdict(encode(list(members) if isinstance(members, list) else members), ABSOLUTE)


@pytest.mark.parametrize(
    "frame", [b"", b"\x80", encode([1, 2, 3, 4]), encode([1, 2, 3, 4, 70_000]), encode([1, 2, 3, 4, b"x"])]
)
def test_base_when_not_five_bounded_integers_then_malformed(frame: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode_base(frame)


def test_verdict_when_encoded_then_only_integers_and_one_byte_string() -> None:
    members = decode(canonical(typical(findings=(finding(Severity.VETO), finding()))), limit=768)
    assert isinstance(members, list)
    assert [type(member) for member in members if type(member) is not int] == [bytes]


@pytest.mark.parametrize(
    ("pass_", "severities", "urgent"),
    [
        (Pass.LIVE, [Severity.NOTICE], True),
        (Pass.LIVE, [], False),
        (Pass.FULL, [Severity.WARNING], False),
        (Pass.FULL, [Severity.WARNING, Severity.SERIOUS], True),
    ],
)
def test_verdict_when_grave_or_its_call_still_runs_then_it_is_urgent(
    pass_: Pass, severities: list[Severity], urgent: bool
) -> None:
    findings = tuple(finding(severity) for severity in severities)
    verdict = msgspec.structs.replace(typical(findings=findings), pass_=pass_)
    assert verdict.urgent is urgent
