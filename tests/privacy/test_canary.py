"""Plays a day full of planted names, numbers and words through the real programs and looks for them everywhere."""

from __future__ import annotations

import json
import shutil
import sqlite3
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from compline_edge.clock import SystemClock
from compline_edge.vault.home import open_home
from compline_shared.enrolment import read_kept_grant
from compline_shared.topics import up
from programs import Stage, stage
from tests.edge_program import eventually
from tests.privacy.day import RUOXI, VIOLATION, lay_out, recording
from tests.privacy.relay import Relay
from tests.privacy.scan import find_leaks, gather
from tests.running_hub import Client

WITHIN = 90.0
"""Seconds that the day may take."""
VERDICTS = 4  # two calls, a broken one, a conversation


@dataclass(frozen=True, slots=True)
class Traces:
    """What the day left behind, by place, and what was said in it."""

    places: dict[str, bytes]  # while the programs run, and again once they have ended
    copy: Path  # of everything on the disk while the programs run
    heard: tuple[str, ...]  # what the transcriber wrote into the vault
    categories: frozenset[str]  # that came to stand on the page
    leaked: dict[str, bytes]  # wire and broker after a careless handset has sent the name


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Traces:
    folder = tmp_path_factory.mktemp("day")
    copy = tmp_path_factory.mktemp("copy") / "day"
    relays: list[Relay] = []

    def via(broker: int) -> str:
        relays.append(Relay(broker, folder))
        return f"127.0.0.1:{relays[0].port}"

    with stage(folder, via=via) as running:
        lay_out(
            running.storage,
            RUOXI,
            calls={"101500": recording("private-account"), "113000": recording("swearing-debtor")},
        )
        eventually(lambda: _through(running), "the day is through", within=WITHIN)
        (relay,) = relays
        shelf = _read(running, "api/verdicts?limit=500")
        page = shelf + _read(running, "") + _read(running, "api/summary") + _read(running, "api/handsets")
        places = _on_disk(folder) | gather(
            wire_up=bytes(relay.up), wire_down=bytes(relay.down), broker=folder / "hub" / "broker", page=page
        )
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("broker", "phone", "*.sock"))
        leaked = _leaked(folder, relay)
    relay.close()
    ended = _on_disk(folder)
    del ended["hub_everything"]  # has the broker in it, and so what was leaked
    return Traces(
        places={place: content + ended.get(place, b"") for place, content in places.items()},
        copy=copy,
        heard=_heard(folder / "handset"),
        categories=frozenset(
            finding["category"]
            for verdict in json.loads(shelf)["verdicts"]
            for finding in verdict["findings"]
        ),
        leaked=leaked,
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


@pytest.mark.parametrize("name", ["hub/hub.db", "hub/hub.db-wal", "hub/logs/hub.jsonl"])
def test_places_when_gathered_then_the_running_hubs_own_files_are_among_them(
    traces: Traces, name: str
) -> None:
    assert (traces.copy / name).read_bytes() in traces.places["hub_everything"]


def leak_row(day: Path, written: str) -> None:
    """Write into the hub's database as the hub does; what it holds stays in the write-ahead log."""
    with closing(sqlite3.connect(day / "hub" / "hub.db")) as connection:
        connection.execute("UPDATE handset SET name = ?", (written,))
        connection.commit()


def leak_line(day: Path, written: str) -> None:
    """Log a recording's file name."""
    (log,) = (day / "handset" / "logs").glob("*.jsonl")
    with log.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"event": "verdict_kept", "file": f"{written}_20261120101500.wav"}) + "\n")


def leak_temporary(day: Path, written: str) -> None:
    """Leave an empty temporary file with a telling name."""
    (day / "tmp" / f"{written}.wav").touch()


def leak_chat(day: Path, written: str) -> None:
    """Keep a chat beside the vault."""
    (day / "handset" / "chat.bak").write_bytes(f"{written}您好".encode("gb18030"))


LEAKS: dict[str, Callable[[Path, str], None]] = {
    "hub_database": leak_row,
    "logs": leak_line,
    "temporary": leak_temporary,
    "handset": leak_chat,
}


@pytest.fixture
def day(traces: Traces, tmp_path: Path) -> Iterator[Path]:
    """The day on the disk, its database held open as the hub holds it, so that nothing leaves the log."""
    copy = Path(shutil.copytree(traces.copy, tmp_path / "day"))
    with closing(sqlite3.connect(copy / "hub" / "hub.db")) as held:
        held.execute("SELECT name FROM handset").fetchall()
        yield copy


@pytest.mark.parametrize("place", LEAKS)
@pytest.mark.parametrize("canary", [RUOXI.name, RUOXI.number])
def test_scan_when_a_program_leaks_into_a_place_then_it_is_found(day: Path, place: str, canary: str) -> None:
    LEAKS[place](day, canary)

    assert place in {leak.place for leak in find_leaks(_on_disk(day), [canary])}


def test_scan_when_a_row_leaks_then_only_the_write_ahead_log_has_it(day: Path) -> None:
    leak_row(day, RUOXI.name)

    files = gather(main=day / "hub" / "hub.db", wal=day / "hub" / "hub.db-wal")
    assert {leak.place for leak in find_leaks(files, [RUOXI.name])} == {"wal"}


@pytest.mark.parametrize("place", ["wire_up", "broker"])
def test_scan_when_a_handset_sends_a_name_then_wire_and_broker_show_it(traces: Traces, place: str) -> None:
    assert place in {leak.place for leak in find_leaks(traces.leaked, [RUOXI.name])}


def _on_disk(folder: Path) -> dict[str, bytes]:
    """What the programs keep outside the phone's own storage."""
    return gather(
        hub_database=sorted((folder / "hub").glob("hub.db*")),
        hub_everything=folder / "hub",
        logs=[folder / "hub" / "logs", folder / "handset" / "logs", folder / "hub.log", folder / "agent.log"],
        temporary=folder / "tmp",
        handset=folder / "handset",
    )


def _leaked(folder: Path, relay: Relay) -> dict[str, bytes]:
    """Send the name in clear as the handset could, for the broker to keep; returns what wire and broker then hold."""
    (path,) = (folder / "handset").rglob("grant.json")
    grant = read_kept_grant(path.read_bytes())
    client = Client(grant.handset, relay.handset_context(), client_id="careless")
    client.connect_until_in(relay.port)
    client.client.publish(up(grant.place.handset), RUOXI.name.encode(), qos=1, retain=True)
    client.acknowledged.get(timeout=WITHIN)
    client.close()

    def held() -> dict[str, bytes]:
        return gather(wire_up=bytes(relay.up), broker=folder / "hub" / "broker")

    eventually(lambda: RUOXI.name.encode() in held()["broker"], "the broker has written what it keeps")
    return held()


def _through(running: Stage) -> bool:
    running.check()
    verdicts = json.loads(_read(running, "api/verdicts?limit=500"))["verdicts"]
    return sum(1 for verdict in verdicts if verdict["superseded_by"] is None) >= VERDICTS


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
