"""Each finished file of the watched folder is given once, and none before it is finished."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container
from itertools import islice
from pathlib import Path

import pytest

from compline_edge.senses.watch import Arrival, MissingFolder, Sort, existing, sort_of, watch


class EventfulClock:
    """Every look at the clock is a second later, and the next event of the story has happened."""

    def __init__(
        self, *events: Callable[[], object], stop: threading.Event | None = None, lasts: int = 40
    ) -> None:
        self.time = 0.0
        self.events = list(events)
        self.stop = stop
        self.lasts = lasts

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        self.time += 1.0
        for event in self.events[:1]:
            event()
        self.events = self.events[1:]
        if self.stop is not None and self.time >= self.lasts:
            self.stop.set()
        return self.time


def written(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)
    return path


def first(folder: Path, count: int, clock: EventfulClock, *, seen: Container[str] = ()) -> list[Arrival]:
    stop = threading.Event()
    found = list(islice(watch(folder, seen=seen, stop=stop, clock=clock), count))
    stop.set()
    return found


def names(arrivals: list[Arrival], folder: Path) -> list[str]:
    return [arrival.path.relative_to(folder).as_posix() for arrival in arrivals]


def test_watch_when_files_lie_there_then_they_come_sorted_with_makers_folders(tmp_path: Path) -> None:
    for name in ("b.mp3", "MIUI/sound_recorder/call_rec/c.mp3", "Record/Call/a.m4a", "chat.jsonl", "a.txt"):
        written(tmp_path / name)
    found = first(tmp_path, 5, EventfulClock())
    assert names(found, tmp_path) == sorted(
        ["b.mp3", "MIUI/sound_recorder/call_rec/c.mp3", "Record/Call/a.m4a", "chat.jsonl", "a.txt"],
        key=lambda name: Path(name).parts,
    )
    assert {a.path.suffix: a.sort for a in found} == {
        ".mp3": Sort.RECORDING,
        ".m4a": Sort.RECORDING,
        ".jsonl": Sort.CHAT,
        ".txt": Sort.CHAT,
    }


def test_watch_when_a_file_still_grows_then_it_comes_only_when_it_has_settled(tmp_path: Path) -> None:
    path = tmp_path / "call.amr"
    clock = EventfulClock(*[lambda: written(path)] * 6)
    (found,) = first(tmp_path, 1, clock)
    assert (found.path, path.stat().st_size) == (path, 6)
    assert found.key.split("-")[2] == "6"
    assert clock.time >= 8  # six writes, then two seconds of rest


def test_watch_when_a_file_comes_later_then_it_is_given(tmp_path: Path) -> None:
    written(tmp_path / "a.mp3")
    clock = EventfulClock(*[lambda: None] * 5, lambda: written(tmp_path / "deep" / "b.mp3"))
    assert names(first(tmp_path, 2, clock), tmp_path) == ["a.mp3", "deep/b.mp3"]


def test_watch_when_a_file_was_seen_before_then_it_is_passed_over(tmp_path: Path) -> None:
    written(tmp_path / "a.mp3")
    seen = {arrival.key for arrival in existing(tmp_path)}
    written(tmp_path / "b.mp3")
    assert names(first(tmp_path, 1, EventfulClock(), seen=seen), tmp_path) == ["b.mp3"]


class CountedQuestions(set[str]):
    """What was seen before, counting how often it is asked."""

    asked = 0

    def __contains__(self, key: object) -> bool:
        self.asked += 1
        return super().__contains__(key)


def test_watch_when_a_seen_file_lies_there_through_many_looks_then_it_is_asked_for_once(
    tmp_path: Path,
) -> None:
    written(tmp_path / "a.mp3")
    seen = CountedQuestions(arrival.key for arrival in existing(tmp_path))
    stop = threading.Event()
    found = list(watch(tmp_path, seen=seen, stop=stop, clock=EventfulClock(stop=stop, lasts=60)))
    assert (found, seen.asked) == ([], 1)


def test_arrival_when_its_file_grows_then_the_file_is_the_same_and_not_unchanged(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp3")
    (before,) = existing(tmp_path)
    still = before.unchanged
    written(path)
    (after,) = existing(tmp_path)
    assert (still, before.unchanged, before.file == after.file) == (True, False, True)
    assert after.changed == pytest.approx(path.stat().st_mtime)


def test_watch_when_a_folder_holds_more_than_is_looked_at_then_the_caller_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline_edge.senses.watch.MAX_FILES", 1)
    told: list[str] = []
    written(tmp_path / "a.mp3")
    enough = list(existing(tmp_path, crowded=lambda: told.append("one file")))
    written(tmp_path / "b.mp3")
    found = list(existing(tmp_path, crowded=lambda: told.append("two files")))
    assert (names(enough, tmp_path), names(found, tmp_path), told) == (["a.mp3"], ["a.mp3"], ["two files"])


def test_watch_when_nothing_new_happens_then_each_file_is_given_once(tmp_path: Path) -> None:
    written(tmp_path / "a.mp3")
    stop = threading.Event()
    clock = EventfulClock(stop=stop, lasts=30)
    assert names(list(watch(tmp_path, seen=(), stop=stop, clock=clock)), tmp_path) == ["a.mp3"]


def test_watch_when_a_given_file_changes_then_it_is_given_again_under_another_key(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp3")
    clock = EventfulClock(*[lambda: None] * 8, lambda: written(path))
    before, after = first(tmp_path, 2, clock)
    assert before.path == after.path
    assert before.key != after.key


def test_watch_when_a_file_is_renamed_then_its_content_is_not_given_twice(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp3")
    stop = threading.Event()
    clock = EventfulClock(*[lambda: None] * 8, lambda: path.rename(tmp_path / "b.mp3"), stop=stop)
    assert names(list(watch(tmp_path, seen=(), stop=stop, clock=clock)), tmp_path) == ["a.mp3"]


def test_watch_when_a_file_is_deleted_before_it_settles_then_it_is_forgotten(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp3")
    stop = threading.Event()
    clock = EventfulClock(lambda: None, path.unlink, stop=stop, lasts=12)
    assert list(watch(tmp_path, seen=(), stop=stop, clock=clock)) == []


def test_watch_when_the_folder_is_missing_then_a_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingFolder, match=r"is not a folder: create it or name another one to watch\.$"):
        first(tmp_path / "none", 1, EventfulClock())


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        ("call.MP3", Sort.RECORDING),
        ("call.3gpp", Sort.RECORDING),
        ("export.JSONL", Sort.CHAT),
        ("call.mp3.tmp", None),
        ("call.mp3.part", None),
        ("call.mp3.crdownload", None),
        (".pending-17-call.mp3", None),
        ("~call.mp3", None),
        ("call.mp3~", None),
        ("picture.jpg", None),
        ("call", None),
    ],
)
def test_name_when_looked_at_then_unfinished_and_foreign_files_are_left_alone(
    name: str, sort: Sort | None
) -> None:
    assert sort_of(Path(name)) is sort


def test_existing_when_links_and_pipes_lie_there_then_only_plain_files_are_given(tmp_path: Path) -> None:
    real = written(tmp_path / "a.mp3")
    (tmp_path / "b.mp3").symlink_to(real)
    (tmp_path / "c.mp3").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    written(tmp_path / ".trash" / "d.mp3")
    assert names(list(existing(tmp_path)), tmp_path) == ["a.mp3"]


def test_existing_when_something_could_not_be_looked_at_then_the_caller_is_told_where(tmp_path: Path) -> None:
    told: list[str] = []

    def tell(folder: Path) -> None:
        told.append(str(folder.relative_to(tmp_path)))

    for name in ("a.mp3", "cards/c.mp3", "gone/d.mp3", "sound/e.mp3", "sound/f.mp3"):
        written(tmp_path / name)
    looking = existing(tmp_path, unlisted=tell)
    found = [next(looking)]
    (tmp_path / "gone").rename(tmp_path / ".gone")
    found += [next(looking), next(looking)]
    (tmp_path / "sound" / "f.mp3").unlink()
    found += looking
    list(existing(tmp_path / "missing", unlisted=tell))
    assert names(found, tmp_path) == ["a.mp3", "cards/c.mp3", "sound/e.mp3"]
    assert told == ["gone", "sound", "missing"]


def test_key_when_a_file_is_named_after_a_person_then_the_key_does_not_tell(tmp_path: Path) -> None:
    written(tmp_path / "王小明@13900000001_20261123093005.amr")
    (arrival,) = existing(tmp_path)
    assert set(arrival.key) <= set("0123456789abcdef-")
