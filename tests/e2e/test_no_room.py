"""An agent on a disk that is nearly full: it stops judging, says so in plain words, and goes on by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from compline_edge.vault.durable import RESERVE
from tests.edge_program import SAMPLE_DAY, Branch, edge, eventually
from tests.small_disk import fill, small_disk

CHAT = SAMPLE_DAY / "chats"


@pytest.fixture
def branch(tmp_path: Path) -> Iterator[Branch]:
    with small_disk(tmp_path / "handset", mebibytes=40):
        branch = Branch(tmp_path)
        branch.enrol()
        try:
            yield branch
        finally:
            branch.stop()


def test_agent_when_too_little_is_free_then_it_stops_says_so_and_judges_by_itself_once_there_is_room(
    branch: Branch,
) -> None:
    home = branch.folder / "handset"
    ballast = fill(home, leaving=RESERVE - 2**20)
    shutil.copyfile(next(CHAT.rglob("*.jsonl")), branch.storage / "chat.jsonl")
    branch.start_agent(COMPLINE_EDGE_LIVE="false")

    eventually(lambda: "judging_stopped" in branch.log(), "judging stops")
    status = edge("status", "--format", "json", "--home", str(home), home=branch.folder / "user")
    said = terminal(branch)
    ballast.unlink()
    eventually(lambda: "judging_again" in branch.log(), "judging goes on")
    later = edge("status", "--format", "json", "--home", str(home), home=branch.folder / "user")

    assert json.loads(status.stdout)["short_of"] == "disk"
    assert any("存储空间不足" in sentence for sentence in json.loads(status.stdout)["told"])
    assert json.loads(status.stdout)["owed"] == 0
    assert "Too little storage is free: calls and chats are not judged now" in said
    assert json.loads(later.stdout)["short_of"] is None
    assert json.loads(later.stdout)["owed"] >= 1
    assert branch.log().count("judging_stopped") == 1
    assert "Calls and chats are judged again" in terminal(branch)


def terminal(branch: Branch) -> str:
    return " ".join((branch.folder / "compline-edge.out").read_text().split())
