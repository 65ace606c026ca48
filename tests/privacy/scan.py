"""Looks for planted names, numbers and words in bytes, in every form that a careless program might write them."""

from __future__ import annotations

import base64
import hashlib
import urllib.parse
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from pypinyin import Style, lazy_pinyin

SHORTEST = 6
"""Bytes of a form below which it would be found anywhere by chance."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A canary that was found."""

    place: str
    canary: str
    form: str


def find_leaks(places: Mapping[str, bytes], canaries: Iterable[str]) -> list[Leak]:
    """Return every canary found in any place, whatever form it is written in."""
    forms = [
        (canary, form, written) for canary in canaries for form, written in written_forms(canary).items()
    ]
    return [
        Leak(place, canary, form)
        for place, content in places.items()
        for read in _readings(content)
        for canary, form, written in forms
        if written in read
    ]


def written_forms(text: str) -> dict[str, bytes]:
    """Return the forms of a canary by name: encodings, escapes, hashes, pinyin, numbers as integers."""
    utf8 = text.encode()
    forms = {
        "utf-8": utf8,
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "gb18030": text.encode("gb18030"),
        "big5": text.encode("big5", errors="ignore"),
        "json escapes": msgspec.json.encode(text)[1:-1] if text.isascii() else text.encode("unicode_escape"),
        "url": urllib.parse.quote(text).encode(),
        "hex": utf8.hex().encode(),
        "HEX": utf8.hex().upper().encode(),
        "reversed": text[::-1].encode(),
        "pinyin": "".join(lazy_pinyin(text, style=Style.NORMAL)).encode(),
        "spaced pinyin": " ".join(lazy_pinyin(text, style=Style.NORMAL)).encode(),
        **_base64_forms(utf8),
        **_hash_forms(utf8),
    }
    if text.isascii() and text.isdecimal():
        forms |= _number_forms(text)
    return {name: written for name, written in forms.items() if len(written) >= SHORTEST}


def gather(**places: Path | bytes | Iterable[Path]) -> dict[str, bytes]:
    """Return the bytes of each place; folders are read whole, and the names of their files count as content."""
    gathered: dict[str, bytes] = {}
    for name, place in places.items():
        if isinstance(place, bytes):
            gathered[name] = place
        else:
            roots = [place] if isinstance(place, Path) else list(place)
            files = [f for root in roots for f in (sorted(root.rglob("*")) if root.is_dir() else [root])]
            gathered[name] = b"\n".join(str(file.name).encode() + b"\n" + _content(file) for file in files)
    return gathered


def _content(file: Path) -> bytes:
    """What a file holds; nothing for a folder, or for a file that a running program has just removed."""
    try:
        return file.read_bytes() if file.is_file() else b""
    except FileNotFoundError:
        return b""


def _readings(content: bytes) -> list[bytes]:
    """The bytes themselves, and what lies in compressed streams within them."""
    readings = [content]
    for magic in (b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
        at = content.find(magic)
        while at >= 0:
            with suppress(zlib.error):
                readings.append(zlib.decompressobj(wbits=47).decompress(content[at:]))
            at = content.find(magic, at + 1)
    return readings


def _base64_forms(utf8: bytes) -> dict[str, bytes]:
    """Base64 as it looks at each of the three places that a text may begin at, without the ends it shares."""
    forms = {}
    for shift in range(3):
        whole = base64.b64encode(b"\x00" * shift + utf8)
        inner = whole[(shift * 8 + 5) // 6 : len(whole) - 4]
        forms[f"base64+{shift}"] = inner
        forms[f"urlsafe base64+{shift}"] = inner.replace(b"+", b"-").replace(b"/", b"_")
    return forms


def _hash_forms(utf8: bytes) -> dict[str, bytes]:
    forms = {}
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        digest = hashlib.new(algorithm, utf8, usedforsecurity=False).digest()
        forms[algorithm] = digest[:12]
        forms[f"{algorithm} hex"] = digest[:12].hex().encode()
    return forms


def _number_forms(digits: str) -> dict[str, bytes]:
    number = int(digits)
    packed = bytes.fromhex(digits if len(digits) % 2 == 0 else digits + "f")
    return {
        "int64 big-endian": number.to_bytes(8, "big"),
        "int64 little-endian": number.to_bytes(8, "little"),
        "packed decimal": packed,
        "swapped decimal": bytes((b >> 4) | ((b & 15) << 4) for b in packed),
        "grouped": f"{digits[:3]} {digits[3:7]} {digits[7:]}".encode(),
        "dashed": f"{digits[:3]}-{digits[3:7]}-{digits[7:]}".encode(),
        "masked": f"{digits[:3]}****{digits[-4:]}".encode(),
    }
