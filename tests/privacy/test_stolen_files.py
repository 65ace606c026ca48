"""What a thief of files reads in every state of a handset's life is what the threat model says, and no more."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_edge.core.binding_life import Life
from compline_edge.vault import binding
from compline_edge.vault.life_files import LifeFiles
from tests.attacker import PAGE, Found, Loot, databases, fits, read_all, windows
from tests.privacy.scan import find_leaks
from tests.stolen import CANARIES, OFFICER, WORDS, Album, Photograph, Story

THREAT_MODEL = Path(__file__).parents[2] / "docs" / "threat-model.md"
COLUMNS = {
    "files": "files",
    "+ slot": "files, slot",
    "+ copy": "files, earlier files",
    "+ slot + copy": "files, slot, earlier files",
    "+ copy with slot": "files, earlier files, earlier slot",
    "+ slot + copy with slot": "files, slot, earlier files, earlier slot",
}
"""Headings in the threat model, and what is stolen."""
OPENS = ("sealed", "opens", "sealed", "opens", "opens", "opens")
SEALED = ("sealed", "sealed", "sealed", "sealed", "opens", "opens")
STATES = {
    "bound": OPENS,
    "bound, lease renewed": OPENS,
    "freezing, cut off before the slot": OPENS,
    "freezing, cut off after the slot": SEALED,
    "frozen by command": SEALED,
    "frozen by lease": SEALED,
    "frozen, a re-bind was sent in vain": SEALED,
    "thawing, cut off before the slot": SEALED,
    "thawing, cut off after the slot": OPENS,
    "thawed again": OPENS,
    "frozen again after a re-bind": SEALED,
    "wiping, cut off before the slot": OPENS,
    "wiping, cut off after the slot": SEALED,
    "wiped": SEALED,
    "re-bound to another collector (the old vault)": SEALED,
}
SLOTS = {"file": 6, "chip": 4}
"""How many of the columns there are: nobody has the earlier content of a slot that cannot be copied."""
CELLS = [
    pytest.param(kind, state, at, cell, id=f"{kind}-{state}-{heading}")
    for kind, columns in SLOTS.items()
    for state, cells in STATES.items()
    for at, (heading, cell) in enumerate(zip(COLUMNS, cells[:columns], strict=False))
]


@pytest.fixture(scope="module")
def albums(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Album, Album]]:
    """Both lives on each kind of slot."""

    def lived(kind: str) -> tuple[Album, Album]:
        wiped = Story(tmp_path_factory.mktemp(kind), kind).wiped()
        return Story(tmp_path_factory.mktemp(kind), kind).frozen_and_thawed(), wiped

    return {kind: lived(kind) for kind in SLOTS}


def up_to(albums: tuple[Album, Album], state: str) -> tuple[Photograph, ...]:
    """The photographs until a life came to a state; of the longer life where both did."""
    return next(album.up_to(state) for album in albums if state in album.at)


def stolen(photographs: tuple[Photograph, ...], column: int) -> Loot:
    """What is stolen according to a column."""
    *earlier, now = photographs
    parts = list(COLUMNS.values())[column].split(", ")
    return Loot(
        copies=(*(p.files for p in earlier if "earlier files" in parts), now.files),
        slots=(now.slots if "slot" in parts else frozenset()).union(
            *(p.slots for p in earlier if "earlier slot" in parts)
        ),
        heard=now.heard,
    )


def outcome(loot: Loot) -> str:
    """Whether anything that was planted can be read."""
    return "opens" if find_leaks(read_all(loot), CANARIES) else "sealed"


@pytest.mark.parametrize(("kind", "state", "column", "expected"), CELLS)
def test_thief_when_he_has_the_files_then_he_reads_what_the_threat_model_says(
    albums: Mapping[str, tuple[Album, Album]], kind: str, state: str, column: int, expected: str
) -> None:
    assert outcome(stolen(up_to(albums[kind], state), column)) == expected


@pytest.mark.parametrize(("kind", "heading"), [("file", "`file`"), ("chip", "rollback resistant")])
def test_threat_model_when_read_then_its_table_is_the_one_that_is_tried(kind: str, heading: str) -> None:
    written = table_after(f"With a slot that is {heading}:")
    columns = SLOTS[kind]
    assert written[0] == ["state", *list(COLUMNS)[:columns]]
    assert {row[0]: tuple(row[1:]) for row in written[2:]} == {
        state: cells[:columns] for state, cells in STATES.items()
    }


def table_after(line: str) -> list[list[str]]:
    """The cells of the Markdown table that follows a line."""
    following = THREAT_MODEL.read_text(encoding="utf-8").split(f"\n{line}\n", 1)[1].lstrip("\n")
    rows = following.split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_life_when_photographed_then_each_state_was_there(albums: Mapping[str, tuple[Album, Album]]) -> None:
    seen = {state for album in albums["file"] for state in album.at}
    assert set(STATES) <= seen


def keep_the_slot_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken on purpose: freezing ends files and leaves the slot's key as it was."""
    commit = LifeFiles.commit

    def careless(self: LifeFiles, life: Life, **named: Any) -> None:
        commit(self, life, **({**named, "key": None} if "gone" in named else named))

    monkeypatch.setattr(LifeFiles, "commit", careless)


def keep_one_answer_key(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Broken on purpose: every report asks with the same key, which lies in a file of the handset."""

    class Lasting:
        @staticmethod
        def generate() -> X25519PrivateKey:
            return X25519PrivateKey.from_private_bytes((home / "identity.key").read_bytes())

    monkeypatch.setattr(binding, "X25519PrivateKey", Lasting)


def keep_the_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken on purpose: wiping removes files and no key."""
    monkeypatch.setattr(LifeFiles, "destroy", lambda files: setattr(files, "_record", None))


def test_freeze_when_the_slot_key_stays_then_the_thief_opens_it_with_the_slot_and_an_earlier_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control: the table would not hold."""
    keep_the_slot_key(monkeypatch)
    photographs = Story(tmp_path, "chip").wiped().up_to("frozen by command")
    assert outcome(stolen(photographs, 3)) == "opens"


def test_wipe_when_the_slot_stays_then_the_thief_opens_an_earlier_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control: the table would not hold."""
    keep_the_slot(monkeypatch)
    photographs = Story(tmp_path, "chip").wiped().up_to("wiped")
    assert outcome(stolen(photographs, 3)) == "opens"


@pytest.mark.parametrize("state", ["frozen, a re-bind was sent in vain", "thawing, cut off before the slot"])
def test_rebind_when_it_is_sealed_to_a_key_that_lasts_then_the_thief_who_heard_it_opens_the_frozen_vault(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control: with the slot as it is, as it was while handsets had a receiving key for life."""
    keep_one_answer_key(monkeypatch, tmp_path / "home")
    photographs = Story(tmp_path, "chip").wiped().up_to(state)
    assert outcome(stolen(photographs, 1)) == "opens"


def test_evidence_when_the_officers_key_is_stolen_too_then_it_opens_even_after_a_wipe(
    albums: Mapping[str, tuple[Album, Album]],
) -> None:
    """A control, and what the officer's key is for: it is made and kept far from any handset."""
    wiped = up_to(albums["chip"], "wiped")[-1:]
    loot = stolen(wiped, 0)
    with_key = replace(loot, copies=(*loot.copies, {"officer.key": OFFICER.private_bytes_raw()}))
    assert (outcome(loot), outcome(with_key)) == ("sealed", "opens")


def test_files_when_scanned_in_every_state_then_nothing_planted_is_found(
    albums: Mapping[str, tuple[Album, Album]],
) -> None:
    assert find_leaks(everything(albums["file"]), CANARIES) == []


def test_files_when_a_row_was_deleted_carelessly_then_the_scan_finds_it_in_a_free_page(
    albums: Mapping[str, tuple[Album, Album]], tmp_path: Path
) -> None:
    """A control: the outbox as it would be if it had held words for a moment."""
    (name,) = (name for name in albums["file"][1].photographs[-1].files if name.endswith("outbox.db"))
    path = tmp_path / "outbox.db"
    path.write_bytes(albums["file"][1].photographs[-1].files[name])
    with closing(sqlite3.connect(path)) as outbox:
        outbox.execute("PRAGMA secure_delete = OFF")
        outbox.execute("CREATE TABLE note (words TEXT)")
        outbox.execute("INSERT INTO note VALUES (?)", (WORDS,))
        outbox.commit()
        outbox.execute("DROP TABLE note")
        outbox.commit()
    assert find_leaks({name: path.read_bytes()}, CANARIES)


def test_strings_when_each_is_tried_as_the_raw_key_then_none_fits(
    albums: Mapping[str, tuple[Album, Album]],
) -> None:
    page = first_page(albums["file"][1])
    strings = windows(set(everything(albums["file"][1:]).values()))
    assert [key for key in strings if fits(key, page)] == []
    assert len(strings) > 50_000


@pytest.mark.parametrize("written", [bytes, base64.b64encode, bytes.hex])
def test_strings_when_the_key_was_written_down_then_one_fits(
    albums: Mapping[str, tuple[Album, Album]], written: Callable[[bytes], bytes | str]
) -> None:
    """A control: a careless line in a log."""
    (key,) = Found.of(stolen(albums["file"][1].up_to("bound"), 1)).vault_keys()
    as_written = written(key)
    line = as_written if isinstance(as_written, bytes) else as_written.encode()
    assert [k for k in windows([b"opened " + line + b"\n"]) if fits(k, first_page(albums["file"][1]))] == [
        key
    ]


def everything(albums: Iterable[Album]) -> dict[str, bytes]:
    """Every content that any file ever had, once, and every slot's."""
    found = {
        content: f"{number}/{name}"
        for album in albums
        for number, photograph in enumerate(album.photographs)
        for name, content in [*photograph.files.items(), *(("slot", slot) for slot in photograph.slots)]
    }
    return {name: content for content, name in found.items()}


def first_page(album: Album) -> bytes:
    (files,) = (p.files for p in album.up_to("bound")[-1:])
    (name,) = databases(files)
    return files[name][:PAGE]
