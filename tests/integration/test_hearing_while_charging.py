"""Finished recordings are heard with another recogniser while the phone is on the charger, where one is set.

The second recogniser is a real Vosk model, an English one that goes by the name of a Chinese one: what it makes of
Mandarin is nothing to judge, but its verdicts tell its version.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from compline_edge.settings import EdgeSettings
from compline_edge.wiring import instruments
from compline_shared.messages import Verdict
from tests.edge_program import MODELS
from tests.english_speech import english_model
from tests.judging_home import arrival_of, judging, write_call

VOSK = range(128, 256)
"""Versions of Vosk's models, in the low byte of what judged."""


class Battery(NamedTuple):
    """What the system tells of it, as psutil gives it."""

    percent: float
    secsleft: int
    power_plugged: bool | None


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The shipped models."""
    folder = tmp_path / "models"
    folder.mkdir()
    for part in MODELS.iterdir():
        if part.is_dir():
            (folder / part.name).symlink_to(part)
    return folder


def plugged(monkeypatch: pytest.MonkeyPatch, *, now: bool | None) -> None:
    """Have the machine tell of a half-full battery that is on the charger, or not, or that nobody knows of."""
    monkeypatch.setattr(psutil, "sensors_battery", lambda: Battery(50.0, 3_600, now))


def test_recording_when_the_phone_is_charging_then_the_second_recogniser_hears_it(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (models / "vosk-model-small-cn-0.22").symlink_to(english_model())
    ready = instruments(EdgeSettings(models=str(models), charging_transcriber="vosk"))
    assert ready.problems == ()
    told: list[Verdict] = []
    with judging(tmp_path / "home") as plain:
        judge = replace(plain, told=told.append, instead=ready.instead(lambda: None))
        for place, now in enumerate((False, None, True, False)):
            plugged(monkeypatch, now=now)
            judge.recording(arrival_of(write_call(tmp_path / str(place) / "call.wav", seconds=3 + place)))
    heard_by = [verdict.versions.model % 256 in VOSK for verdict in told]
    assert heard_by == [False, False, True, False]
    assert len({(verdict.versions.lexicon, verdict.versions.rules) for verdict in told}) == 1
    assert {verdict.abstained for verdict in told} == {None}


def test_recording_when_there_is_no_battery_then_it_counts_as_charging(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (models / "vosk-model-small-cn-0.22").symlink_to(english_model())
    ready = instruments(EdgeSettings(models=str(models), charging_transcriber="vosk"))
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None)
    hearing = ready.instead(lambda: None)()
    assert hearing is not None
    assert hearing.versions.model % 256 in VOSK


def test_second_recogniser_when_it_is_not_installed_then_that_is_a_problem_and_the_usual_one_hears(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = instruments(EdgeSettings(models=str(models), charging_transcriber="vosk"))
    (problem,) = ready.problems
    assert "No vosk model for the language zh-CN" in problem
    plugged(monkeypatch, now=True)
    assert ready.instead(lambda: None)() is None


@pytest.mark.parametrize("asked", ["", "ctc"])
def test_second_recogniser_when_it_is_none_or_the_usual_one_then_nothing_more_is_loaded(
    models: Path, asked: str
) -> None:
    ready = instruments(EdgeSettings(models=str(models), charging_transcriber=asked))  # type: ignore[arg-type]
    assert ready.while_charging is None
