"""Fetching models from a real HTTP server on 127.0.0.1 that breaks off, lies and withdraws."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from compline_edge.senses.model_fetch import (
    Checksum,
    Fetched,
    FetchFailed,
    Offer,
    catalogue,
    fetch,
)
from compline_edge.senses.model_unpack import BadArchive

NAME = "vosk-model-small-xx-0.1"


class Shelf(ThreadingHTTPServer):
    """Serves one file, with Range; `breaks` says after how many bytes each of the next connections is cut."""

    def __init__(self, content: bytes, *, breaks: tuple[int, ...] = (), status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.breaks = list(breaks)
        self.status = status
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/model.zip"


class Handler(BaseHTTPRequestHandler):
    server: Shelf

    def do_GET(self) -> None:
        shelf = self.server
        wanted = self.headers.get("Range")
        shelf.ranges.append(wanted)
        if shelf.status != 200:
            self.send_error(shelf.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        body = shelf.content[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", str(len(body)))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(shelf.content) - 1}/{len(shelf.content)}")
        self.end_headers()
        cut = shelf.breaks.pop(0) if shelf.breaks else len(body)
        self.wfile.write(body[:cut])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is http.server's)
        """Keep the test's output clean."""


@contextmanager
def serving(content: bytes, *, breaks: tuple[int, ...] = (), status: int = 200) -> Iterator[Shelf]:
    with Shelf(content, breaks=breaks, status=status) as shelf:
        thread = threading.Thread(target=shelf.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield shelf
        finally:
            shelf.shutdown()
            thread.join()


def archive(**members: bytes) -> bytes:
    """A zip with these members; __ stands for / and UP for .. in their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/").replace("UP", ".."), content)
    return buffer.getvalue()


GOOD = archive(model__am=bytes(range(256)) * 400, model__conf__mfcc=b"x=1\n")


def offers(shelf: Shelf, *, sha256: str | None = None, most: int = 1_000_000) -> dict[str, Offer]:
    return {NAME: Offer(url=shelf.url, language="xx", licence="CC0", most_bytes=most, sha256=sha256)}


def get(shelf: Shelf, to: Path, *, sha256: str | None = None, most: int = 1_000_000) -> Path:
    return got(shelf, to, sha256=sha256, most=most).folder


def got(shelf: Shelf, to: Path, *, sha256: str | None = None, most: int = 1_000_000) -> Fetched:
    return fetch(
        NAME,
        to=to,
        progress=lambda *_: None,
        offers=offers(shelf, sha256=sha256, most=most),
        wait=lambda _: None,
    )


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_fetch_when_all_goes_well_then_the_folder_is_whole(tmp_path: Path) -> None:
    with serving(GOOD) as shelf:
        folder = get(shelf, tmp_path, sha256=hashlib.sha256(GOOD).hexdigest())

    assert folder == tmp_path / NAME
    assert (folder / "am").read_bytes() == bytes(range(256)) * 400
    assert (folder / "conf" / "mfcc").read_text() == "x=1\n"
    assert visible(tmp_path) == [NAME]


def test_fetch_when_it_runs_then_progress_grows_to_the_total(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with serving(GOOD) as shelf:
        fetch(
            NAME, to=tmp_path, progress=lambda done, total: told.append((done, total)), offers=offers(shelf)
        )

    assert told[-1] == (len(GOOD), len(GOOD))
    assert told == sorted(told)


def test_fetch_when_the_line_breaks_then_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with serving(GOOD, breaks=(30_000, 50_000)) as shelf:
        folder = get(shelf, tmp_path, sha256=hashlib.sha256(GOOD).hexdigest())

    assert shelf.ranges == [None, "bytes=30000-", "bytes=80000-"]
    assert (folder / "am").exists()


def test_fetch_when_nothing_more_comes_then_it_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    with serving(GOOD, breaks=(30_000, 0, 0, 0, 0, 0)) as shelf:
        with pytest.raises(FetchFailed, match="goes on where it stopped"):
            get(shelf, tmp_path)
        folder = get(shelf, tmp_path, sha256=hashlib.sha256(GOOD).hexdigest())

    assert shelf.ranges[-1] == "bytes=30000-"
    assert (folder / "am").exists()


def test_fetch_when_no_server_answers_then_the_sentence_names_the_host(tmp_path: Path) -> None:
    with serving(GOOD) as shelf:
        offer = offers(shelf)

    with pytest.raises(FetchFailed, match=r"could not be downloaded from 127\.0\.0\.1"):
        fetch(NAME, to=tmp_path, progress=lambda *_: None, offers=offer, wait=lambda _: None)


def test_fetch_when_the_checksum_is_wrong_then_nothing_is_installed(tmp_path: Path) -> None:
    with serving(GOOD) as shelf, pytest.raises(FetchFailed, match="another checksum than the one published"):
        get(shelf, tmp_path, sha256="0" * 64)

    assert visible(tmp_path) == []


def test_fetch_when_no_checksum_is_published_then_the_first_is_recorded_and_compared(tmp_path: Path) -> None:
    with serving(GOOD) as shelf:
        get(shelf, tmp_path)
    (tmp_path / NAME).rename(tmp_path / "moved")

    with (
        serving(archive(model__am=b"other")) as shelf,
        pytest.raises(FetchFailed, match="recorded at its first"),
    ):
        get(shelf, tmp_path)


def test_fetch_when_it_is_done_then_it_tells_what_the_checksum_was_compared_with(tmp_path: Path) -> None:
    with serving(GOOD) as shelf:
        first = got(shelf, tmp_path)
        there = got(shelf, tmp_path)
        (tmp_path / NAME).rename(tmp_path / "moved")
        again = got(shelf, tmp_path)
        elsewhere = got(shelf, tmp_path / "b", sha256=hashlib.sha256(GOOD).hexdigest())

    assert [fetched.checksum for fetched in (first, there, again, elsewhere)] == [
        Checksum.FIRST,
        Checksum.NONE,
        Checksum.RECORDED,
        Checksum.PUBLISHED,
    ]


def test_fetch_when_the_file_is_too_large_then_it_is_not_kept(tmp_path: Path) -> None:
    with serving(GOOD) as shelf, pytest.raises(FetchFailed, match="more than 1000 bytes"):
        get(shelf, tmp_path, most=1_000)

    assert visible(tmp_path) == []


def test_fetch_when_it_was_withdrawn_then_it_does_not_try_again(tmp_path: Path) -> None:
    with serving(GOOD, status=404) as shelf, pytest.raises(FetchFailed, match="answers 404"):
        get(shelf, tmp_path)

    assert shelf.ranges == [None]


def test_fetch_when_it_is_installed_then_nobody_is_asked(tmp_path: Path) -> None:
    with serving(GOOD) as shelf:
        get(shelf, tmp_path)
        get(shelf, tmp_path)

    assert len(shelf.ranges) == 1


@pytest.mark.parametrize("member", ["UP__evil", "model__UP__UP__evil", "__etc__evil", "C:__evil"])
def test_fetch_when_a_member_steps_out_then_nothing_is_written(tmp_path: Path, member: str) -> None:
    bad = archive(**{"model__am": b"a", member: b"evil"})
    with serving(bad) as shelf, pytest.raises(BadArchive, match="outside its own folder"):
        get(shelf, tmp_path / "models")

    assert not list(tmp_path.rglob("*evil"))
    assert not (tmp_path / "models" / NAME).exists()


def test_fetch_when_what_comes_is_no_zip_then_it_says_so(tmp_path: Path) -> None:
    with (
        serving(b"<html>sign in to this network</html>") as shelf,
        pytest.raises(BadArchive, match="is broken"),
    ):
        get(shelf, tmp_path)


def test_fetch_when_the_connection_is_unprotected_then_it_is_refused(tmp_path: Path) -> None:
    offer = Offer(url="http://models.example/x.zip", language="xx", licence="CC0", most_bytes=9)

    with pytest.raises(FetchFailed, match="unprotected connection"):
        fetch(NAME, to=tmp_path, progress=lambda *_: None, offers={NAME: offer})


def test_fetch_when_the_name_is_unknown_then_the_names_are_told(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match=r"vosk-model-small-cn-0\.22"):
        fetch("vosk-model-xyz", to=tmp_path, progress=lambda *_: None)


def test_catalogue_when_read_then_every_offer_is_protected_and_bounded() -> None:
    assert all(
        offer.url.startswith("https://") and 0 < offer.most_bytes < 2**31 for offer in catalogue().values()
    )
