"""`compline-edge run` beside a real hub: unreadable and running calls, kills, and days without a hub."""

from __future__ import annotations

import json
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phone import arrive, record_live
from tests.edge_program import SAMPLE_DAY, Branch, eventually

SPOKEN = SAMPLE_DAY / "calls/Recordings/Call/Call recording 孙浩_261120_101231.wav"
"""41 s, stereo, with threats."""
AT_ONCE = 8.0
"""Seconds within which the agent ends on a busy machine; judging the long call takes many times as long."""
PACE = 4.0
"""Times the speed of talking at which the recorder writes."""


@pytest.fixture
def branch(tmp_path: Path) -> Iterator[Branch]:
    branch = Branch(tmp_path)
    try:
        branch.enrol()
        yield branch
    finally:
        branch.stop()


def repeated(source: Path, target: Path, *, times: int) -> Path:
    """A WAV that says the same over and over."""
    with wave.open(str(source), "rb") as once, wave.open(str(target), "wb") as call:
        call.setparams(once.getparams())
        said = once.readframes(once.getnframes())
        for _ in range(times):
            call.writeframes(said)
    return target


def is_shown(branch: Branch, **fields: object) -> Callable[[], bool]:
    """Whether a verdict with these fields stands on the page."""
    return lambda: any(
        all(verdict[name] == value for name, value in fields.items()) for verdict in branch.verdicts()
    )


def test_agent_when_recordings_cannot_be_read_then_verdicts_that_abstain_stand_on_the_page(
    branch: Branch,
) -> None:
    branch.start_hub()
    branch.start_agent()
    for name, content in (
        ("empty.wav", b""),
        ("locked.amr", b"PK\x03\x04" + bytes(60)),
        ("text.mp3", b"x" * 900),
    ):
        (branch.folder / name).write_bytes(content)
        arrive(branch.folder / name, branch.storage, name)

    eventually(lambda: len(branch.verdicts()) == 3, "three verdicts")

    assert sorted((v["abstained"], v["coverage"], v["kind"]) for v in branch.verdicts()) == [
        ("empty", 0, "call"),
        ("encrypted", 0, "call"),
        ("unreadable", 0, "call"),
    ]


def test_agent_when_a_call_is_being_recorded_then_it_is_judged_live_and_afterwards_in_full(
    branch: Branch,
) -> None:
    branch.start_hub()
    branch.start_agent()
    eventually(lambda: "agent_started" in branch.log(), "the agent watches")
    stop = threading.Event()
    target = branch.storage / "Call" / SPOKEN.name
    recorder = threading.Thread(
        target=record_live, args=(SPOKEN, target), kwargs={"stop": stop, "pace": PACE}
    )
    recorder.start()
    try:
        eventually(is_shown(branch, **{"pass": "live"}), "a live verdict")
        assert recorder.is_alive()
        recorder.join()
        eventually(is_shown(branch, **{"pass": "full"}), "the full verdict")
    finally:
        stop.set()
        recorder.join()

    *live, full = branch.verdicts()
    assert {verdict["pass"] for verdict in live} == {"live"}
    assert full["pass"] == "full"
    assert [verdict["supersedes"] for verdict in (*live, full)] == [0, *(verdict["seq"] for verdict in live)]
    assert {verdict["superseded_by"] for verdict in live} == {full["seq"]}
    assert "threat" in {finding["category"] for finding in full["findings"]}


def test_agent_when_killed_while_judging_then_every_file_is_judged_once(branch: Branch) -> None:
    days = range(11, 16)
    for day in days:
        arrive(SPOKEN, branch.storage, f"Call recording 孙浩_2611{day}_101231.wav")
    branch.start_hub()
    branch.start_agent()
    eventually(lambda: "verdict_kept" in branch.log(), "a first verdict is kept")

    branch.kill_agent()
    kept = branch.log().count("verdict_kept")
    branch.start_agent()

    eventually(lambda: len(branch.verdicts()) >= len(days), "all verdicts on the page")
    branch.stop_agent()
    assert 0 < kept < len(days)
    shown = branch.verdicts()
    assert [verdict["seq"] for verdict in shown] == list(range(1, len(days) + 1))
    assert len({verdict["started"] for verdict in shown}) == len(days)
    assert {verdict["pass"] for verdict in shown} == {"full"}


def test_agent_when_asked_to_end_during_a_long_call_then_it_ends_soon_and_the_call_stays_unjudged(
    branch: Branch,
) -> None:
    arrive(SPOKEN, branch.storage, "a.wav")
    arrive(repeated(SPOKEN, branch.folder / "long.wav", times=20), branch.storage, "b.wav")
    branch.start_agent()
    eventually(lambda: "verdict_kept" in branch.log(), "the short call is judged")

    asked = time.monotonic()
    branch.stop_agent()

    assert time.monotonic() - asked < AT_ONCE
    log = branch.log()
    assert (log.count("verdict_kept"), log.count("agent_stopped"), log.count('"error"')) == (1, 1, 0)


def test_agent_when_more_folders_are_watched_than_cores_then_all_are_judged(branch: Branch) -> None:
    folders = [branch.storage / f"folder{number}" for number in range(16)]
    for folder in folders:
        folder.mkdir()
    for number, name in ((0, "first.wav"), (15, "last.wav")):
        (folders[number] / name).touch()
    branch.start_agent(COMPLINE_EDGE_RECORDINGS=json.dumps([str(folder) for folder in folders]))

    eventually(lambda: branch.log().count("verdict_kept") == 2, "both are judged")


def test_agent_when_the_hub_is_down_then_what_it_judged_arrives_once_the_hub_is_up(branch: Branch) -> None:
    branch.start_agent()
    arrive(SPOKEN, branch.storage, SPOKEN.name)
    eventually(lambda: "verdict_kept" in branch.log(), "the verdict is kept")

    branch.start_hub()

    eventually(is_shown(branch, **{"pass": "full"}), "the verdict on the page")
    (verdict,) = branch.verdicts()
    assert (verdict["kind"], verdict["coverage"], verdict["abstained"]) == ("call", 100, None)
    assert "threat" in {finding["category"] for finding in verdict["findings"]}
