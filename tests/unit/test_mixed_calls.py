"""A call of one channel, the collector's voice known: each hears his own words, and unknown accuses nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compline_edge.core.judgement import Circumstances, draft_verdict, severity_of
from compline_edge.core.noticed import Noticed
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.core.voiceprint import Voiceprint, unpack
from compline_edge.pipeline import CallListener, Listened
from compline_edge.reading import TextReader
from compline_shared.lexicon import parse_pack
from compline_shared.messages import Versions
from compline_shared.taxonomy import Category, Kind, Pass, Role, Severity
from tests.speakers import NOBODYS, OURS, THEIRS, VOICE, LevelEncoder, VoicedReader, voice
from tests.spoken import Script, ScriptTranscriber, SoundIsSpeech

PACK = parse_pack(
    "@pack own\n@version 1\n@language zh-CN\n"
    "@category threat\n2001 | veto | 打断你的腿 | not: - | 打断你的腿 | violence\n",
    name="own.lex",
)
THREAT = "打断你的腿"
TALK = "今天天气"


def listener(script: Script, enrolled: Voiceprint | None = VOICE) -> CallListener:
    return CallListener(
        transcriber=ScriptTranscriber({Role.UNKNOWN: script}),
        spotters=(),
        texts=TextReader(TextMatcher((PACK,))),
        entries={entry.id: entry for entry in PACK.entries},
        voice_activity=SoundIsSpeech,
        encoder=LevelEncoder(),
    ).knowing(lambda: enrolled)


def heard(
    levels: dict[int, int], *, threat_at: int, enrolled: Voiceprint | None = VOICE, live: bool = False
) -> Listened:
    script: Script = {second: THREAT if second == threat_at else TALK for second in range(16)}
    told: list[Noticed] = []
    reader = VoicedReader([script], 16, levels=levels)
    listened = listener(script, enrolled).listen(reader, notice=told.append if live else None)
    if live:
        assert [n.category for n in told] == [n.category for n in listened.observed.noticed]
    return listened


TURNS = {second: OURS if second < 8 else THEIRS for second in range(16)}


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(("second", "role"), [(3, Role.COLLECTOR), (12, Role.OTHER)])
def test_mixed_call_when_a_side_threatens_then_the_threat_is_that_sides(
    second: int, role: Role, live: bool
) -> None:
    listened = heard(TURNS, threat_at=second, live=live)
    assert [u.role for u in listened.utterances] == [Role.COLLECTOR] * 8 + [Role.OTHER] * 8
    found = [n.role for n in listened.observed.noticed if n.category is Category.THREAT]
    assert found == ([Role.COLLECTOR] if role is Role.COLLECTOR else [])  # who is threatened may swear


def gravest(listened: Listened) -> Severity | None:
    verdict = draft_verdict(
        listened.observed, Circumstances(Kind.CALL, 0), versions=Versions(), now=1, pass_=Pass.FULL
    )
    return verdict.severity


def test_mixed_call_when_it_is_not_sure_who_threatens_then_there_is_neither_veto_nor_alarm() -> None:
    listened = heard({**TURNS, 4: NOBODYS}, threat_at=4)
    (threat,) = (n for n in listened.observed.noticed if n.category is Category.THREAT)
    assert threat.role is Role.UNKNOWN
    assert severity_of(threat) is gravest(listened) is Severity.WARNING


def test_mixed_call_when_the_same_words_are_surely_the_collectors_then_they_are_a_veto() -> None:
    """Control: what is unknown above is what keeps it from being grave."""
    assert gravest(heard(TURNS, threat_at=4)) is Severity.VETO


def test_mixed_call_when_no_voice_is_enrolled_then_all_is_of_unknown_speakers() -> None:
    listened = heard(TURNS, threat_at=3, enrolled=None)
    assert {u.role for u in listened.utterances} == {Role.UNKNOWN}
    assert [n.role for n in listened.observed.noticed] == [Role.UNKNOWN]


def test_mixed_call_when_the_voiceprint_is_another_models_then_all_is_of_unknown_speakers() -> None:
    listened = heard(TURNS, threat_at=3, enrolled=replace(VOICE, model=2))
    assert {u.role for u in listened.utterances} == {Role.UNKNOWN}


def test_mixed_call_when_the_voiceprint_cannot_be_read_then_it_is_judged_without() -> None:
    def unreadable() -> Voiceprint:
        return unpack(b"")

    script: Script = dict.fromkeys(range(4), TALK)
    listened = listener(script).knowing(unreadable).listen(VoicedReader([script], 4))
    assert {u.role for u in listened.utterances} == {Role.UNKNOWN}


def test_mixed_call_when_somebody_else_is_enrolled_then_the_roles_are_turned() -> None:
    other = Voiceprint(1, 60.0, voice(1))
    assert heard(TURNS, threat_at=3, enrolled=other).utterances[0].role is Role.OTHER


def test_mixed_call_when_nobody_speaks_then_it_is_silent() -> None:
    listened = listener({}).listen(VoicedReader([{}], 5))
    assert listened.observed.abstained is not None
    assert listened.observed.abstained.code == "silent"


def test_mixed_call_when_through_then_nothing_that_was_said_is_lost() -> None:
    listened = heard(TURNS, threat_at=3)
    assert "".join(u.text for u in listened.utterances) == TALK * 3 + THREAT + TALK * 12
    assert listened.observed.speech == pytest.approx(16.0)
