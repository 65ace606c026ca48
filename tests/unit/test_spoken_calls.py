"""Spoken evaluation: who says what, how turns become telephone recordings, and what alarms are counted as."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from models.eval import spoken
from models.eval.authored_sets import CALLS, rows
from models.eval.telephone_calls import AMR, BABBLE_DB, MULAW, Turn, in_babble, sides, whole, write
from models.train.telephone import Line
from models.voices import casting
from models.voices.casting import COLLECTORS, OTHERS, REHEARSING, TEACHING, Utterance, of_call, of_sentence

from compline_edge.core.noticed import Noticed
from compline_edge.senses.recording import open_recording
from compline_shared.taxonomy import Category, Role, Severity, Technique


@pytest.fixture
def turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Turn]:
    """Two turns that were spoken: a tone by the collector, another by the debtor."""
    monkeypatch.setattr(casting, "AUDIO", tmp_path / "audio")
    made = []
    for collector, voice, hertz in ((True, "wen", 500), (False, "yu", 900)):
        said = Utterance(voice, f"{hertz}")
        said.path.parent.mkdir(parents=True, exist_ok=True)
        tone = 0.2 * np.sin(2 * np.pi * hertz * np.arange(casting.RATE) / casting.RATE)
        with wave.open(str(said.path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(casting.RATE)
            file.writeframes((tone * 32_767).astype(np.int16).tobytes())
        made.append(Turn(collector=collector, said=said))
    return made


def test_voices_when_a_call_is_cast_then_no_two_of_its_people_sound_alike() -> None:
    for call in map(str, range(200)):
        voices = {of_call(call, who) for who in ("collector", "debtor", "other")}
        assert len(voices) == 3


def test_voices_when_it_is_rehearsed_or_taught_then_none_of_them_is_measured_on() -> None:
    measured = {of_sentence(row[-1], "collector") for row in rows("violations.tsv")}
    assert measured == set(COLLECTORS)
    uses = [set(COLLECTORS) | set(OTHERS), set(REHEARSING), set(TEACHING)]
    assert sum(map(len, uses)) == len(set.union(*uses)) == len(set(casting.VOICES.values()))


def test_utterance_when_its_voice_changes_then_it_is_kept_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Utterance("wen", "您好")
    before = said.path
    assert Utterance("yu", "您好").path != before
    monkeypatch.setitem(casting.VOICES, "wen", casting.Voice(1.0, 1.0, 1.3))
    assert said.path != before


def test_sides_when_turns_are_put_together_then_each_is_on_its_channel_and_none_overlaps(
    turns: list[Turn],
) -> None:
    both = sides(turns, "7")
    loud = np.abs(both) > 0.05
    collector, other = np.flatnonzero(loud[0]), np.flatnonzero(loud[1])
    assert min(len(collector), len(other)) > 8_000
    assert collector[-1] + 0.3 * casting.RATE < other[0]
    assert np.array_equal(both, sides(turns, "7"))
    assert sides(turns, "8").shape != both.shape


@pytest.mark.parametrize("line", [MULAW, AMR])
def test_recording_when_sent_over_a_line_then_the_product_reads_two_channels_at_8_khz(
    turns: list[Turn], tmp_path: Path, line: Line
) -> None:
    both = sides(turns, "7")
    write(both, line, tmp_path / "call.wav")
    with open_recording(tmp_path / "call.wav") as recording:
        assert (recording.info.channels, recording.info.sample_rate) == (2, 8_000)
        heard = np.concatenate(list(recording.blocks()), axis=1) / 32_768
    assert abs(heard.shape[1] - both.shape[1]) < 1_600
    for side, hertz in ((0, 500), (1, 900)):
        loudest = np.abs(np.fft.rfft(heard[side])).argmax() * casting.RATE / heard.shape[1]
        assert loudest == pytest.approx(hertz, abs=20)


def test_babble_when_added_then_speech_is_so_much_louder() -> None:
    chance = np.random.default_rng(1)
    speech, others = (chance.standard_normal(16_000).astype(np.float32) for _ in range(2))
    added = in_babble(speech, [others], "7") - speech
    assert 10 * np.log10(np.mean(speech**2) / np.mean(added**2)) == pytest.approx(BABBLE_DB, abs=0.1)


def test_whole_when_a_turn_was_not_spoken_then_the_call_is_left_out(turns: list[Turn]) -> None:
    missing = Turn(collector=True, said=Utterance("wen", "nobody said this"))
    calls = {"1": turns, "2": [*turns, missing]}
    assert [call for call, _ in whole(iter(calls.items()))] == ["1"]


def noticed(category: Category, severity: Severity) -> Noticed:
    return Noticed(category, severity, 80, Role.COLLECTOR, Technique.CLASSIFIER, 0, "")


def test_judged_when_it_was_abstained_from_then_nothing_counts_as_found() -> None:
    threat = (noticed(Category.THREAT, Severity.WARNING),)
    heard = spoken.Judged(threat, abstained=False, duration=4.0, errors=(0, 1))
    assert heard.finds(frozenset({"threat"}), Severity.WARNING)
    assert not heard.finds(frozenset({"threat"}), Severity.SERIOUS)
    assert not heard.finds(frozenset({"abuse"}), Severity.NOTICE)
    given_up = spoken.Judged(threat, abstained=True, duration=4.0, errors=(0, 1))
    assert not given_up.finds(frozenset({"threat"}), Severity.WARNING)
    assert given_up.reaches(Severity.WARNING)


@pytest.mark.parametrize(("name", "many"), list(zip(CALLS, (40, 43, 13), strict=True)))
def test_compliant_calls_when_read_then_turns_are_in_order_and_somebody_collects(
    name: str, many: int
) -> None:
    calls: dict[str, list[list[str]]] = {}
    for row in rows(name):
        calls.setdefault(row[0], []).append(row)
    assert len(calls) == many
    for said in calls.values():
        assert [int(row[1]) for row in said] == list(range(1, len(said) + 1))
        assert {"collector"} < {row[2] for row in said} <= {"collector", "debtor", "other"}
