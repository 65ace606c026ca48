"""Downloads a named model: resumed where it broke off, checksum compared or recorded, unpacked whole or not at all."""

from __future__ import annotations

import hashlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http.client import HTTPException, HTTPResponse
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import msgspec

from compline_edge.senses.model_unpack import unpack
from compline_shared.errors import ComplineError

TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as broken."""

TRIES = 5
"""Connections in a row that may bring nothing new."""

CHECKSUMS = "checksums.json"
"""Beside the models: what the first download of a model without a published checksum had."""

_PIECE = 1 << 18

Progress = Callable[[int, int | None], object]
"""Told bytes so far, and of how many where that is known."""


class FetchFailed(ComplineError):
    """A model could not be fetched; the sentence says whether to try again, look at the network, or stop."""


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model of the catalogue."""

    url: str
    language: str
    licence: str
    most_bytes: int
    sha256: str | None = None


class Checksum(Enum):
    """What the checksum of a download was compared with."""

    PUBLISHED = auto()  # the catalogue's
    RECORDED = auto()  # the one of the first download to the same folder
    FIRST = auto()  # nothing: it is the first, and is recorded
    NONE = auto()  # nothing was downloaded: the model was there


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model's folder, and how far its content is known to be the right one."""

    folder: Path
    checksum: Checksum


def catalogue() -> dict[str, Offer]:
    """The models that can be fetched by name."""
    content = (files("compline_edge.senses") / "catalogue.toml").read_bytes()
    return msgspec.toml.decode(content, type=dict[str, Offer])


def offered(name: str, offers: Mapping[str, Offer] | None = None) -> Offer:
    """Return the offer of this name in ``offers`` (default: the catalogue).

    Raises:
        FetchFailed: there is none; the sentence names those that there are.
    """
    known = catalogue() if offers is None else offers
    if name not in known:
        raise FetchFailed(f"No model {name} can be fetched; the names are: {', '.join(known)}.")
    return known[name]


def fetch(
    name: str,
    *,
    to: Path,
    progress: Progress,
    offers: Mapping[str, Offer] | None = None,
    wait: Callable[[float], object] = time.sleep,
) -> Fetched:
    """Download the model `name` into the folder `to`; returns at once if it is there already.

    What a broken download left is kept and gone on with next time.

    Raises:
        FetchFailed: no such model, no connection, too large, or another checksum than expected.
        BadArchive: what came is no sound zip.
    """
    offer = offered(name, offers)
    target = to / name
    if target.is_dir():
        return Fetched(target, Checksum.NONE)
    try:
        to.mkdir(parents=True, exist_ok=True)
        part = to / f".{name}.part"
        _Download(name, offer, part, progress, wait).run()
        found, compared = _compare(name, offer, part, to / CHECKSUMS)
        folder = _unpack(part, to=to, name=name)
        if compared is Checksum.FIRST:
            _record(name, found, to / CHECKSUMS)
    except OSError as error:
        raise FetchFailed(
            f"{name} cannot be stored in {to.name} ({error.strerror}): make room or choose --to."
        ) from error
    return Fetched(folder, compared)


class _Download:
    """One archive on its way into one file."""

    def __init__(
        self, name: str, offer: Offer, part: Path, progress: Progress, wait: Callable[[float], object]
    ) -> None:
        self._name = name
        self._offer = offer
        self._part = part
        self._progress = progress
        self._wait = wait
        self._etag: str | None = None  # of the file that the part belongs to

    def run(self) -> None:
        """Connect until the file is whole; each connection that brought something is followed by another."""
        idle, trouble = 0, ""
        while idle < TRIES:
            before = self._size()
            try:
                if self._connect(before):
                    return
                trouble = "the connection broke off"
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise FetchFailed(
                        f"{self._host()} answers {error.code} for {self._name}: it has been moved or withdrawn; "
                        "look for the model on the publisher's page."
                    ) from error
                trouble = f"it answers {error.code}"
            except (urllib.error.URLError, HTTPException, OSError) as error:
                if isinstance(error, OSError) and error.errno == 28:  # no space: trying again cannot help
                    raise
                trouble = str(getattr(error, "reason", None) or error or type(error).__name__)
            idle = 0 if self._size() > before else idle + 1
            if idle:
                self._wait(min(8.0, 0.5 * 2**idle))
        raise FetchFailed(
            f"{self._name} could not be downloaded from {self._host()} ({trouble}): check the network or the proxy "
            "and try again, it goes on where it stopped; or copy the unpacked folder among the models."
        )

    def _connect(self, have: int) -> bool:
        """One connection; returns whether the file is whole now."""
        headers = {"User-Agent": "compline-edge", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self._etag:
                headers["If-Range"] = self._etag
        request = urllib.request.Request(self._checked(self._offer.url), headers=headers)  # noqa: S310
        try:
            answer: HTTPResponse
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 (scheme is checked)
                self._checked(answer.url)
                return self._read(answer, have)
        except urllib.error.HTTPError as error:
            if error.code != 416 or not have:
                raise
            total = (error.headers.get("Content-Range") or "").rpartition("/")[2]
            if total == str(have):
                return True
            self._part.unlink()  # longer than the file there: it belongs to another
            return False

    def _read(self, answer: HTTPResponse, have: int) -> bool:
        etag = answer.headers.get("ETag")
        goes_on = answer.status == 206 and (answer.headers.get("Content-Range") or "").startswith(
            f"bytes {have}-"
        )
        self._etag = etag
        start = have if goes_on else 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        if max(total or 0, start) > self._offer.most_bytes:
            raise self._too_large()
        with self._part.open("ab" if goes_on else "wb") as sink:
            done = self._copy(answer, sink, start, total)
        return done == total if total is not None else True

    def _copy(self, answer: HTTPResponse, sink: BinaryIO, done: int, total: int | None) -> int:
        self._progress(done, total)
        while piece := answer.read1(_PIECE):
            done += len(piece)
            if done > self._offer.most_bytes:
                raise self._too_large()
            sink.write(piece)
            self._progress(done, total)
        return done

    def _too_large(self) -> FetchFailed:
        return FetchFailed(
            f"{self._host()} sends more than {self._offer.most_bytes} bytes for {self._name}: that is another file, "
            "it was not kept."
        )

    def _checked(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
        ):
            return url
        raise FetchFailed(
            f"{self._name} would come over an unprotected connection from {parts.hostname}: not fetched."
        )

    def _host(self) -> str:
        return urlsplit(self._offer.url).hostname or "the publisher"

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0


def _compare(name: str, offer: Offer, part: Path, record: Path) -> tuple[str, Checksum]:
    """Compare the checksum with the published one, else with the one recorded at first use; returns it."""
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    expected = offer.sha256 or _recorded(record).get(name)
    if expected is None:
        return found, Checksum.FIRST
    if found != expected:
        part.unlink()
        whose = "published" if offer.sha256 else "recorded at its first download"
        raise FetchFailed(
            f"{name} has another checksum than the one {whose}: it was thrown away; "
            "try again, and if it happens twice do not trust the source."
        )
    return found, Checksum.PUBLISHED if offer.sha256 else Checksum.RECORDED


def _unpack(part: Path, *, to: Path, name: str) -> Path:
    try:
        return unpack(part, to=to, name=name)
    finally:
        part.unlink()


def _recorded(record: Path) -> dict[str, str]:
    return msgspec.json.decode(record.read_bytes(), type=dict[str, str]) if record.exists() else {}


def _record(name: str, checksum: str, record: Path) -> None:
    draft = record.with_suffix(".draft")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode({**_recorded(record), name: checksum})))
    draft.replace(record)
