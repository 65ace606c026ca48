"""A call's channels become one observation: roles, silence, coverage, required notices, what was not understood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.noticed import Noticed
from compline_edge.core.rules import compile_rules
from compline_edge.core.speech import Heard, SpeechBlock
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.hearing import Ear
from compline_edge.pipeline import CallListener, Listened
from compline_edge.ports import TranscriberStream
from compline_edge.reading import TextReader
from compline_edge.senses.rule_packs import load_rules
from compline_shared.lexicon import parse_pack
from compline_shared.messages import Voice
from compline_shared.taxonomy import Abstention, Category, Role, Severity
from tests.spoken import Script, ScriptReader, ScriptTranscriber, SoundIsSpeech

PACK = parse_pack(
    "@pack own\n@version 1\n@language zh-CN\n"
    "@category abuse\n1001 | serious | 你这个老赖 | not: - | 老赖 | deadbeat\n"
    "@category missing_disclosure\n9001 | notice | 我是某某银行 | not: - | 我是某某银行 | names the firm\n",
    name="own.lex",
)
MATCHER = TextMatcher((PACK,))
ENTRIES = {entry.id: entry for entry in PACK.entries}
RULES = tuple(map(compile_rules, load_rules(Path(__file__).parents[2] / "models", "zh-CN").sound()))
INSULT = "你这个老赖"
TALK: Script = dict.fromkeys(range(10), "今天天气")
"""Ten seconds of speech at four syllables a second that nothing is wrong with."""


def listener(
    *scripts: Script, confidence: float = 0.9, collector_channel: int = 0, model: bool = True
) -> CallListener:
    ours = {Role.UNKNOWN: scripts[0]} if len(scripts) == 1 else {}
    roles = [Role.COLLECTOR if c == collector_channel else Role.OTHER for c in range(len(scripts))]
    transcriber = ScriptTranscriber(ours or dict(zip(roles, scripts, strict=True)), confidence)
    return CallListener(
        transcriber=transcriber if model else None,
        spotters=(),
        texts=TextReader(MATCHER),
        entries=ENTRIES,
        voice_activity=SoundIsSpeech,
        collector_channel=collector_channel,
        rules=RULES,
    )


def heard(
    *scripts: Script,
    seconds: int = 10,
    stated: float | None = None,
    broken: Abstention | None = None,
    confidence: float = 0.9,
    collector_channel: int = 0,
) -> Listened:
    listening = listener(*scripts, confidence=confidence, collector_channel=collector_channel)
    return listening.listen(ScriptReader(scripts, seconds, stated, broken))


def categories(listened: Listened) -> list[Category]:
    return [noticed.category for noticed in listened.observed.noticed]


@pytest.mark.parametrize("channel", [0, 1])
def test_call_when_the_collectors_channel_insults_then_the_collector_did(channel: int) -> None:
    quiet: Script = {0: "您好", 1: "在的", 2: "好的"}
    scripts = [quiet, quiet]
    scripts[channel] = {0: "您好", 3: INSULT, 5: "再见"}

    seen = heard(*scripts, collector_channel=channel).observed

    assert [(n.category, n.role) for n in seen.noticed] == [(Category.ABUSE, Role.COLLECTOR)]
    assert all(3.0 <= n.start < n.end <= 4.0 for n in seen.noticed)


def test_call_when_the_other_channel_insults_then_nothing_is_found() -> None:
    assert categories(heard({0: "您好", 1: "在吗"}, {2: "您好", 3: INSULT})) == []


def test_call_when_it_is_mono_then_nobody_knows_who_spoke() -> None:
    listened = heard({0: "您好", 3: INSULT})
    assert [n.role for n in listened.observed.noticed] == [Role.UNKNOWN]
    assert {utterance.role for utterance in listened.utterances} == {Role.UNKNOWN}


def test_call_when_words_are_unsure_then_the_finding_is_no_surer() -> None:
    (sure,), (unsure,) = (heard({3: INSULT}, confidence=c).observed.noticed for c in (0.9, 0.6))
    assert (sure.confidence, unsure.confidence) == (round(95 * 0.9), round(95 * 0.6))


def test_call_when_both_speak_in_turn_then_utterances_are_in_order_of_time() -> None:
    listened = heard({0: "您好", 2: "请问"}, {1: "在的", 3: "什么"})
    assert [u.text for u in listened.utterances] == ["您好", "在的", "请问", "什么"]


def test_call_when_nobody_speaks_then_it_is_silent() -> None:
    listened = heard({}, {})
    assert (listened.observed.abstained, listened.observed.coverage) == (Abstention.SILENT, 1.0)
    assert (listened.observed.noticed, listened.utterances) == ((), ())


def test_call_when_it_has_no_block_then_it_is_empty() -> None:
    assert heard(TALK, seconds=0).observed.abstained is Abstention.EMPTY


def test_call_when_its_end_is_missing_then_coverage_is_the_part_that_was_heard() -> None:
    seen = heard(TALK, stated=40.0, broken=Abstention.TRUNCATED).observed
    assert (seen.abstained, seen.coverage, seen.duration) == (Abstention.TRUNCATED, 0.25, 40.0)


def test_call_when_its_end_is_missing_and_nobody_says_how_much_then_coverage_is_not_whole() -> None:
    seen = heard(TALK, broken=Abstention.TRUNCATED).observed
    assert seen.coverage == 0.99


def test_call_when_no_model_is_there_then_it_says_so() -> None:
    seen = listener(TALK, model=False).listen(ScriptReader((TALK,), 10)).observed
    assert (seen.abstained, seen.duration, seen.noticed) == (Abstention.NO_MODEL, 10.0, ())


def test_call_when_no_notice_is_given_then_the_absence_stands_at_its_end() -> None:
    first = heard(TALK).observed.noticed[0]
    assert (first.category, first.rule, first.severity) == (Category.MISSING_DISCLOSURE, 1, Severity.NOTICE)
    assert (first.start, first.end) == (10.0, 10.0)


def test_call_when_a_notice_is_given_then_none_is_missing() -> None:
    assert categories(heard({**TALK, 0: "我是某某银行"})) == []


def test_call_when_only_the_other_side_names_a_bank_then_the_notice_is_missing() -> None:
    assert set(categories(heard(TALK, {0: "我是某某银行"}))) == {Category.MISSING_DISCLOSURE}


@pytest.mark.parametrize(("seconds", "claimed"), [(7, False), (8, True)])
def test_call_when_too_short_to_judge_an_absence_then_none_is_claimed(seconds: int, claimed: bool) -> None:
    assert bool(heard(TALK, seconds=seconds).observed.noticed) is claimed


def test_call_when_it_was_recorded_at_8_khz_then_no_absence_is_claimed() -> None:
    narrow = ScriptReader((TALK,), 10, sample_rate=8_000)
    assert categories(listener(TALK).listen(narrow)) == []


def test_call_when_its_end_is_missing_then_no_absence_is_claimed() -> None:
    assert categories(heard(TALK, stated=40.0, broken=Abstention.TRUNCATED)) == []


def test_call_when_the_model_cannot_follow_then_it_abstains_and_claims_no_absence() -> None:
    seen = heard(TALK, confidence=0.3).observed
    assert (seen.abstained, seen.coverage, seen.noticed) == (Abstention.POOR_AUDIO, 0.0, ())


def test_call_when_the_model_cannot_follow_then_what_it_noticed_is_worth_half_live_and_in_the_verdict() -> (
    None
):
    script: Script = {**TALK, 7: INSULT}
    told: list[Noticed] = []
    listening = listener(script, confidence=0.4)
    observed = listening.listen(ScriptReader((script,), 10), notice=told.append).observed
    assert [n.confidence for n in observed.noticed] == [n.confidence for n in told] == [round(95 * 0.4) // 2]


def test_call_when_the_model_follows_one_side_only_then_coverage_is_that_sides_share() -> None:
    mumbling: Script = dict.fromkeys(range(10, 20), "")
    seen = heard(TALK, mumbling, seconds=20).observed
    assert (seen.abstained, seen.coverage) == (Abstention.POOR_AUDIO, 0.5)


@pytest.mark.parametrize(
    ("other", "answered", "effective"),
    [({}, False, False), ({0: "在的"}, True, False), ({0: "在的", 1: "好的"}, True, True)],
)
def test_call_when_the_other_side_speaks_then_it_is_answered_and_in_the_end_effective(
    other: Script, answered: bool, effective: bool
) -> None:
    seen = heard(TALK, other).observed
    assert (seen.answered, seen.effective) == (answered, effective)


def test_call_when_heard_then_progress_and_sightings_are_told_as_they_come() -> None:
    told: list[float | Noticed] = []
    script: Script = {0: "您好", 1: INSULT}

    listener(script).listen(ScriptReader((script,), 3), progress=told.append, notice=told.append)

    assert [t.category if isinstance(t, Noticed) else t for t in told] == [1.0, Category.ABUSE, 2.0, 3.0]


def ear(script: Script, *, confidence: float = 0.9) -> Ear:
    return Ear(
        role=Role.COLLECTOR,
        voice_activity=SoundIsSpeech(),
        stream=ScriptTranscriber({Role.COLLECTOR: script}, confidence).open(Role.COLLECTOR),
        spotting=(),
        reader=TextReader(MATCHER),
        entries=ENTRIES,
    )


def second(level: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.full(16_000, level, dtype=np.int16)


def test_ear_when_it_hears_then_it_returns_what_is_new_and_keeps_all() -> None:
    listening = ear({0: INSULT, 1: "您好", 2: INSULT})

    fresh = [len(listening.hear(second(8_000))) for _ in range(3)]

    assert fresh == [1, 0, 1]
    assert (len(listening.noticed), listening.speech) == (2, 3.0)


@dataclass(slots=True)
class Torn:
    """A stream whose utterances are parts of longer ones."""

    whole: TranscriberStream

    def feed(self, block: SpeechBlock) -> Heard:
        heard = self.whole.feed(block)
        return replace(heard, utterances=tuple(replace(u, torn=True) for u in heard.utterances))

    def finish(self) -> Heard:
        return self.whole.finish()


@pytest.mark.parametrize(("torn", "role"), [(True, Role.UNKNOWN), (False, Role.COLLECTOR)])
def test_ear_when_a_sentence_is_torn_then_what_is_found_in_it_is_an_unknown_speakers(
    torn: bool, role: Role
) -> None:
    listening = ear({0: INSULT})
    if torn:
        listening.stream = Torn(listening.stream)
    assert [noticed.role for noticed in listening.hear(second(8_000))] == [role]


def test_ear_when_a_notice_is_given_then_it_is_disclosed_and_not_noticed() -> None:
    listening = ear({0: "我是某某银行"})

    assert list(listening.hear(second(8_000))) == []
    assert [notice.entry for notice in listening.notices] == [9001]


def test_ear_when_a_voice_is_heard_then_its_level_and_rate_are_bounded_numbers() -> None:
    listening = ear({0: "今天天气", 1: "今天天气"})

    for _ in range(2):
        listening.hear(second(8_000))

    assert listening.clarity == pytest.approx(0.9)
    assert listening.voice == Voice(loudness=-12, peak_loudness=-12, rate=4)


def test_ear_when_nobody_speaks_then_there_is_no_voice() -> None:
    listening = ear({})
    listening.hear(second(0))
    listening.finish()
    assert (listening.voice, listening.clarity, listening.doubting.understood) == (None, 0.0, True)


@pytest.mark.parametrize(("seconds", "understood"), [(4, True), (5, False)])
def test_ear_when_little_was_said_then_it_does_not_call_it_poor(seconds: int, understood: bool) -> None:
    listening = ear(TALK, confidence=0.3)
    for _ in range(seconds):
        listening.hear(second(8_000))
    assert listening.doubting.understood is understood
