"""The drafting of verdicts and the joining of sightings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compline_edge.core.corroboration import SAME_PLACE, SURE, corroborate
from compline_edge.core.judgement import Circumstances, Observed, draft_verdict, gravest, unreadable
from compline_edge.core.noticed import Noticed
from compline_shared.messages import MAX_FINDINGS, Versions
from compline_shared.taxonomy import Abstention, Category, Kind, Pass, Role, Severity, Technique

HEARD = Noticed(
    category=Category.THREAT,
    severity=Severity.SERIOUS,
    confidence=60,
    role=Role.COLLECTOR,
    technique=Technique.LEXICON_AUDIO,
    entry=2001,
    phrase="去单位找领导",
    start=10.0,
    end=12.0,
)
READ = replace(HEARD, technique=Technique.LEXICON_TEXT, confidence=50, start=10.4, end=12.1)
CALL = Circumstances(kind=Kind.CALL, started=1_790_000_000)

noticed = st.builds(
    Noticed,
    category=st.sampled_from(Category),
    severity=st.sampled_from(Severity),
    confidence=st.integers(0, 100),
    role=st.sampled_from(Role),
    technique=st.sampled_from(Technique),
    entry=st.integers(0, 65_535),
    phrase=st.just(""),
    start=st.floats(0, 100_000),
    end=st.floats(0, 100_000),
)


def test_corroborate_when_two_techniques_agree_then_one_surer_finding() -> None:
    (joined,) = corroborate([HEARD, READ])
    assert joined.confidence == 80


def test_corroborate_when_one_technique_repeats_itself_then_no_surer() -> None:
    (joined,) = corroborate([HEARD, replace(HEARD, start=10.5)])
    assert joined.confidence == HEARD.confidence


def test_corroborate_when_places_differ_then_findings_stay_apart() -> None:
    assert len(corroborate([HEARD, replace(READ, start=12.1 + SAME_PLACE, end=15.0)])) == 2


def test_corroborate_when_speakers_differ_then_findings_stay_apart() -> None:
    assert len(corroborate([HEARD, replace(READ, role=Role.OTHER)])) == 2


def test_corroborate_when_characters_and_pinyin_agree_then_no_surer_than_the_text_they_read() -> None:
    (joined,) = corroborate([READ, replace(READ, technique=Technique.LEXICON_PINYIN, confidence=45)])
    assert joined.confidence == READ.confidence


def test_corroborate_when_a_graver_sighting_is_doubtful_then_the_sure_lesser_one_stands() -> None:
    doubtful = replace(HEARD, severity=Severity.VETO, confidence=30)
    (joined,) = corroborate([doubtful, replace(READ, severity=Severity.WARNING, confidence=90, entry=2002)])
    assert (joined.severity, joined.entry, joined.confidence) == (Severity.WARNING, 2002, 93)


def test_corroborate_when_a_graver_finding_is_sure_enough_then_it_stays_as_sure_as_it_was() -> None:
    grave = replace(HEARD, severity=Severity.VETO, confidence=60)
    (joined,) = corroborate([grave, replace(READ, severity=Severity.WARNING, confidence=90, entry=2002)])
    assert (joined.severity, joined.confidence) == (Severity.VETO, 60)


@given(st.lists(noticed, max_size=40))
def test_corroborate_when_given_anything_then_no_sure_severity_is_lost(sightings: list[Noticed]) -> None:
    sure = gravest(n for n in sightings if n.confidence >= SURE)
    assert (gravest(corroborate(sightings)) or 0) >= (sure or 0)


@given(st.lists(noticed, max_size=80), st.floats(0, 1e6), st.floats(0, 1))
def test_draft_verdict_when_given_anything_then_every_field_is_in_bounds(
    sightings: list[Noticed], duration: float, coverage: float
) -> None:
    observed = Observed(duration=duration, noticed=tuple(sightings), coverage=coverage)
    verdict = draft_verdict(observed, CALL, versions=Versions(), now=1_790_000_100, pass_=Pass.FULL)
    assert len(verdict.findings) + verdict.findings_dropped == len(sightings)
    assert len(verdict.findings) <= MAX_FINDINGS


def test_draft_verdict_when_there_are_too_many_findings_then_the_gravest_stay() -> None:
    many = [replace(HEARD, severity=Severity.NOTICE, start=float(i)) for i in range(MAX_FINDINGS)]
    observed = Observed(duration=60, noticed=(*many, replace(HEARD, severity=Severity.VETO, start=59.0)))
    verdict = draft_verdict(observed, CALL, versions=Versions(), now=1_790_000_100, pass_=Pass.FULL)
    assert verdict.severity is Severity.VETO


@pytest.mark.parametrize("severity", [Severity.VETO, Severity.SERIOUS])
def test_draft_verdict_when_the_speaker_is_unknown_then_neither_veto_nor_alarm(severity: Severity) -> None:
    observed = Observed(duration=60, noticed=(replace(HEARD, severity=severity, role=Role.UNKNOWN),))
    verdict = draft_verdict(observed, CALL, versions=Versions(), now=1_790_000_100, pass_=Pass.FULL)
    assert verdict.severity is Severity.WARNING
    assert not verdict.urgent


def test_draft_verdict_when_the_words_only_sound_alike_then_no_veto() -> None:
    alike = replace(HEARD, severity=Severity.VETO, technique=Technique.LEXICON_PINYIN)
    observed = Observed(duration=60, noticed=(alike,))
    verdict = draft_verdict(observed, CALL, versions=Versions(), now=1_790_000_100, pass_=Pass.FULL)
    assert verdict.severity is Severity.SERIOUS


def test_draft_verdict_when_nothing_could_be_read_then_it_abstains_with_the_reason() -> None:
    verdict = draft_verdict(
        unreadable(Abstention.ENCRYPTED), CALL, versions=Versions(), now=1_790_000_100, pass_=Pass.FULL
    )
    assert (verdict.abstained, verdict.coverage) == (Abstention.ENCRYPTED, 0)
