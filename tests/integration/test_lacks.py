"""Where a part of the judging is not installed for the language, that is said once, and judging goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import structlog

from compline_edge.agent import open_agent
from compline_edge.clock import BootClock
from compline_edge.core.lack_words import Lack, judging_without
from compline_edge.settings import EdgeSettings
from compline_edge.wiring import instruments, lacks_of
from tests.edge_program import MODELS, edge
from tests.lives import bound

PARTS = {
    Lack.CLASSIFIER: "zh-text",
    Lack.RULES: "rules",
    Lack.LANGUAGE_MODEL: "zh-ngram",
    Lack.EMOTION: "zh-emotion",
    Lack.VOICES: "speaker-telephone",
    Lack.DOUBT: "doubt",
}
EVERY = [(), *((lack,) for lack in Lack), tuple(Lack)]


@pytest.fixture
def models(tmp_path: Path, lacking: tuple[Lack, ...]) -> Path:
    """The shipped models without some of them."""
    folder = tmp_path / "models"
    folder.mkdir()
    for part in MODELS.iterdir():
        if part.is_dir() and part.name not in {PARTS[lack] for lack in lacking}:
            (folder / part.name).symlink_to(part)
    return folder


def told(lacking: tuple[Lack, ...]) -> list[str]:
    return (judging_without(lacking) or "").splitlines()


@pytest.mark.parametrize("lacking", EVERY)
def test_inspect_when_a_part_is_lacking_then_it_says_so_once_judges_and_ends_well(
    models: Path, tmp_path: Path, lacking: tuple[Lack, ...]
) -> None:
    (tmp_path / "a.txt").write_text("你这个老赖，你去死吧\n" * 3, encoding="utf-8")
    done = edge(
        "inspect", "--format", "jsonl", "--models", models, tmp_path / "a.txt", home=tmp_path / "user"
    )
    assert done.stderr.splitlines() == told(lacking)
    assert done.returncode == 0
    assert all(json.loads(line)["findings"] for line in done.stdout.splitlines())


@pytest.mark.parametrize("lacking", EVERY)
def test_language_model_when_nothing_is_read_with_it_then_it_does_not_lack(
    models: Path, lacking: tuple[Lack, ...]
) -> None:
    settings = EdgeSettings(models=str(models), transcriber="vosk")
    assert lacks_of(settings) == tuple(lack for lack in lacking if lack is not Lack.LANGUAGE_MODEL)


@pytest.mark.parametrize("lacking", [(Lack.LANGUAGE_MODEL,)])
def test_language_model_when_a_vosk_model_is_the_only_recogniser_then_it_does_not_lack(
    models: Path, tmp_path: Path
) -> None:
    (models / "zh-ctc-telephone").unlink()
    (models / "vosk-model-small-cn-0.22").mkdir()
    assert lacks_of(EdgeSettings(models=str(models))) == ()


@pytest.mark.parametrize("lacking", EVERY)
def test_lacks_when_looked_for_then_as_when_loaded(models: Path, lacking: tuple[Lack, ...]) -> None:
    settings = EdgeSettings(models=str(models))
    assert lacks_of(settings) == instruments(settings).lacks == lacking


@pytest.mark.parametrize("lacking", [(), tuple(Lack)])
async def test_agent_when_a_part_is_lacking_then_its_log_names_it_at_the_start(
    models: Path, tmp_path: Path, lacking: tuple[Lack, ...]
) -> None:
    home, _, _ = bound(tmp_path, clock=BootClock())  # type: ignore[arg-type]
    (tmp_path / "phone").mkdir()
    settings = EdgeSettings(home=str(home), recordings=(str(tmp_path / "phone"),), models=str(models))
    with structlog.testing.capture_logs() as logged:
        async with open_agent(settings) as agent:
            assert agent.lacks == lacking
    assert [event["part"] for event in logged if event["event"] == "judging_without"] == [
        lack.value for lack in lacking
    ]


@pytest.mark.parametrize("lacking", [(), tuple(Lack)])
def test_status_when_a_part_is_lacking_then_it_says_so(
    models: Path, tmp_path: Path, lacking: tuple[Lack, ...]
) -> None:
    home, _, _ = bound(tmp_path, clock=BootClock())  # type: ignore[arg-type]
    asked = edge(
        *("status", "--format", "json", "--home", home),
        home=tmp_path / "user",
        COMPLINE_EDGE_MODELS=str(models),
    )
    row = json.loads(asked.stdout)
    assert row["without"] == [lack.value for lack in lacking]
    assert [line for line in row["told"] if line in told(tuple(Lack))] == told(lacking)
