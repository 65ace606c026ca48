"""Plays a day full of planted names, numbers and words through the real programs and looks for them everywhere."""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from compline_edge.clock import SystemClock
from compline_edge.vault.identity import open_home
from programs import Stage, stage
from tests.privacy.day import RUOXI, VIOLATION, lay_out, recording
from tests.privacy.relay import Relay
from tests.privacy.scan import find_leaks, gather

WITHIN = 90.0
"""Seconds that the day may take."""
VERDICTS = 4  # two calls, a broken one, a conversation


@dataclass(frozen=True, slots=True)
class Traces:
    """What the day left behind, by place, and what was said in it."""

    places: dict[str, bytes]
    heard: tuple[str, ...]  # what the transcriber wrote into the vault
    categories: frozenset[str]  # that came to stand on the page
    wire_bytes: int


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Traces:
    folder = tmp_path_factory.mktemp("day")
    relays: list[Relay] = []

    def via(broker: int) -> str:
        relays.append(Relay(broker))
        return f"127.0.0.1:{relays[0].port}"

    with stage(folder, via=via) as running:
        lay_out(
            running.storage,
            RUOXI,
            calls={"101500": recording("private-account"), "113000": recording("swearing-debtor")},
        )
        shelf = _wait(running)
        page = _read(running, "") + _read(running, "api/summary") + _read(running, "api/handsets")
    (relay,) = relays
    relay.close()
    return Traces(
        places=gather(
            wire_up=bytes(relay.up),
            wire_down=bytes(relay.down),
            broker=folder / "hub" / "broker",
            hub_database=sorted((folder / "hub").glob("hub.db*")),
            hub_everything=folder / "hub",
            page=shelf + page,
            logs=[
                folder / "hub" / "logs",
                folder / "handset" / "logs",
                folder / "hub.log",
                folder / "agent.log",
            ],
            temporary=folder / "tmp",
            handset=folder / "handset",
        ),
        heard=_heard(folder / "handset"),
        categories=frozenset(
            finding["category"]
            for verdict in json.loads(shelf)["verdicts"]
            for finding in verdict["findings"]
        ),
        wire_bytes=len(relay.up),
    )


def test_day_when_played_then_its_violation_stands_on_the_page(traces: Traces) -> None:
    assert "improper_payment" in traces.categories


def test_day_when_played_then_every_place_has_something_to_scan(traces: Traces) -> None:
    assert {place for place, content in traces.places.items() if not content} <= {"temporary"}


def test_canaries_when_the_day_is_through_then_they_are_nowhere(traces: Traces) -> None:
    assert find_leaks(traces.places, [*RUOXI.canaries, VIOLATION]) == []


def test_spoken_words_when_transcribed_then_they_are_nowhere_but_in_the_vault(traces: Traces) -> None:
    said = [utterance[:8] for utterance in traces.heard if len(utterance) >= 8]
    assert len(said) >= 5
    assert find_leaks(traces.places, said) == []


PLACES = (
    "wire_up",
    "wire_down",
    "broker",
    "hub_database",
    "hub_everything",
    "page",
    "logs",
    "temporary",
    "handset",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("canary", [RUOXI.name, RUOXI.number])
def test_scan_when_a_leak_is_planted_in_a_place_then_it_is_found(
    traces: Traces, place: str, canary: str
) -> None:
    leaking = traces.places | {place: traces.places[place] + b"\x00" + canary.encode() + b"\x00"}
    assert {leak.place for leak in find_leaks(leaking, [canary])} == {place}


def test_scan_when_the_agent_logs_a_file_name_then_it_is_found(traces: Traces) -> None:
    line = json.dumps({"event": "verdict_kept", "file": f"{RUOXI.name}@{RUOXI.number}_20261120101500.wav"})
    assert find_leaks({"logs": traces.places["logs"] + line.encode()}, RUOXI.canaries)


def _wait(running: Stage) -> bytes:
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        running.check()
        shelf = _read(running, "api/verdicts?limit=500")
        if sum(1 for v in json.loads(shelf)["verdicts"] if v["superseded_by"] is None) >= VERDICTS:
            return shelf
        time.sleep(0.2)
    pytest.fail(f"the day was not through within {WITHIN:.0f} s")


def _read(running: Stage, path: str) -> bytes:
    with urllib.request.urlopen(running.page + path, timeout=5) as answer:
        return bytes(answer.read())


def _heard(home: Path) -> tuple[str, ...]:
    with open_home(home, clock=SystemClock()) as opened:
        return tuple(
            utterance.text
            for verdict in opened.vault.verdicts()
            for utterance in opened.vault.text(verdict.seq)
        )
