"""What the judge keeps of recordings: one current verdict a call, and never an original lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from compline_edge.core.branch_policy import AS_CALIBRATED
from compline_edge.core.noticed import Noticed
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.judging import Judge, Stopped
from compline_edge.pipeline import CallListener
from compline_edge.reading import TextReader
from compline_edge.senses.watch import file_of
from compline_shared.lexicon import parse_pack
from compline_shared.messages import Verdict
from compline_shared.taxonomy import Abstention, Category, Pass, Role, Severity, Technique
from tests.judging_home import arrival_of, judging, write_call
from tests.spoken import ScriptReader, ScriptTranscriber, SoundIsSpeech

NAMED = "Call recording 孙浩_261120_101231.wav"
UNNAMED = "recording.wav"
THREAT = Noticed(
    category=Category.THREAT,
    severity=Severity.SERIOUS,
    confidence=90,
    role=Role.COLLECTOR,
    technique=Technique.LEXICON_AUDIO,
    entry=1,
    phrase="",
    start=1.0,
    end=2.0,
)
LESSER, GRAVE = "你这个老赖", "打断你的腿"
PACK = parse_pack(
    "@pack own\n@version 1\n@language zh-CN\n"
    f"@category abuse\n1001 | notice | {LESSER} | not: - | {LESSER} | deadbeat\n"
    f"@category threat\n2001 | serious | {GRAVE} | not: - | {GRAVE} | break your leg\n",
    name="own.lex",
)


def listening(said: str) -> CallListener:
    """A listener that hears this in the fourth second of a mono call."""
    return CallListener(
        transcriber=ScriptTranscriber({Role.UNKNOWN: {3: said}}),
        spotters=(),
        texts=TextReader(TextMatcher((PACK,))),
        entries={entry.id: entry for entry in PACK.entries},
        voice_activity=SoundIsSpeech,
    )


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    with judging(tmp_path) as judge:
        yield judge


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    return tmp_path / "phone"


def kept(judge: Judge) -> list[Verdict]:
    return judge.home.vault.verdicts()


def say_live(judge: Judge, path: Path, *, seconds: float) -> None:
    judge.live_verdict(
        path,
        AS_CALIBRATED,
        file=file_of(path.stat()),
        started=int(path.stat().st_mtime - seconds),
        seconds=seconds,
        noticed=[THREAT],
    )


@pytest.mark.parametrize("name", [NAMED, UNNAMED])
def test_recording_when_it_grows_after_it_was_judged_then_the_longer_verdict_supersedes(
    judge: Judge, phone: Path, name: str
) -> None:
    judge.recording(arrival_of(write_call(phone / name, seconds=2)))
    judge.recording(arrival_of(write_call(phone / name, seconds=4)))
    assert [(v.pass_, v.duration, v.supersedes) for v in kept(judge)] == [
        (Pass.FULL, 2, 0),
        (Pass.FULL, 4, 1),
    ]


def test_recording_when_its_inode_is_another_call_then_nothing_is_superseded(
    judge: Judge, phone: Path
) -> None:
    first = write_call(phone / NAMED, seconds=2)
    judge.recording(arrival_of(first))
    second = first.rename(phone / "Call recording 孙浩_261121_101231.wav")
    judge.recording(arrival_of(write_call(second, seconds=3)))
    assert [v.supersedes for v in kept(judge)] == [0, 0]


def test_recording_when_it_arrives_twice_then_it_is_judged_once(judge: Judge, phone: Path) -> None:
    arrival = arrival_of(write_call(phone / NAMED, seconds=2))
    judge.recording(arrival)
    judge.recording(arrival)
    assert len(kept(judge)) == 1


def test_recording_when_a_live_pass_came_before_then_it_supersedes_that(judge: Judge, phone: Path) -> None:
    path = write_call(phone / UNNAMED, seconds=2)
    say_live(judge, path, seconds=1.5)
    judge.recording(arrival_of(path))
    live, full = kept(judge)
    assert (live.pass_, live.speech, live.answered, live.duration) == (Pass.LIVE, 0, False, 1)
    assert (full.pass_, full.supersedes) == (Pass.FULL, live.seq)


def test_live_verdict_when_the_full_pass_has_spoken_then_nothing_is_kept(judge: Judge, phone: Path) -> None:
    path = write_call(phone / UNNAMED, seconds=2)
    judge.recording(arrival_of(path))
    say_live(judge, path, seconds=1.5)
    assert [v.pass_ for v in kept(judge)] == [Pass.FULL]


def test_growing_when_a_lesser_finding_is_alone_then_it_leaves_a_second_later(
    judge: Judge, phone: Path
) -> None:
    path = write_call(phone / UNNAMED, seconds=2)
    replace(judge, listener=listening(LESSER)).growing(path, ScriptReader([{3: LESSER}], 10))
    (live,) = kept(judge)
    assert (live.pass_, live.duration, live.severity) == (Pass.LIVE, 5, Severity.NOTICE)


def test_growing_when_a_grave_finding_follows_then_both_leave_at_once(judge: Judge, phone: Path) -> None:
    path = write_call(phone / UNNAMED, seconds=2)
    script = {3: LESSER + GRAVE}
    replace(judge, listener=listening(script[3])).growing(path, ScriptReader([script], 10))
    (live,) = kept(judge)
    assert (live.duration, len(live.findings), live.severity) == (
        4,
        2,
        Severity.WARNING,
    )  # nobody knows who spoke


def test_recording_when_its_file_has_gone_then_a_verdict_without_evidence_abstains(
    judge: Judge, phone: Path
) -> None:
    arrival = arrival_of(write_call(phone / UNNAMED, seconds=2))
    arrival.path.unlink()
    judge.recording(arrival)
    (verdict,) = kept(judge)
    assert (verdict.abstained, verdict.coverage, verdict.evidence) == (Abstention.UNREADABLE, 0, None)
    assert verdict.started == int(arrival.changed)


def test_recording_when_its_file_was_only_renamed_then_its_verdict_supersedes_the_abstention(
    judge: Judge, phone: Path
) -> None:
    arrival = arrival_of(write_call(phone / UNNAMED, seconds=2))
    arrival.path.rename(phone / "renamed.wav")
    judge.recording(arrival)
    judge.recording(arrival_of(phone / "renamed.wav"))
    assert [(v.abstained is None, v.supersedes) for v in kept(judge)] == [(False, 0), (True, 1)]


def test_recording_when_originals_are_to_go_then_it_goes_once_its_evidence_is_sealed(tmp_path: Path) -> None:
    path = write_call(tmp_path / "phone" / NAMED, seconds=2)
    content = path.read_bytes()
    with judging(tmp_path, remove_originals=True) as judge:
        judge.recording(arrival_of(path))
        assert b"".join(judge.home.vault.evidence(1)) == content
    assert not path.exists()


def test_recording_when_it_grew_since_it_arrived_then_the_original_stays(tmp_path: Path) -> None:
    path = write_call(tmp_path / "phone" / NAMED, seconds=2)
    arrival = arrival_of(path)
    write_call(path, seconds=4)
    with judging(tmp_path, remove_originals=True) as judge:
        judge.recording(arrival)
    assert path.exists()


def test_recording_when_the_agent_is_ending_then_it_breaks_off_and_stays_unseen(
    judge: Judge, phone: Path
) -> None:
    arrival = arrival_of(write_call(phone / NAMED, seconds=4))
    judge.stopping.set()
    with pytest.raises(Stopped):
        judge.recording(arrival)
    judge.stopping.clear()
    judge.recording(arrival)
    assert [v.duration for v in kept(judge)] == [4]
