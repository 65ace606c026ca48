"""What phone makers write into the names of call recordings (FIELD section 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique

from compline_edge.core.personal import ContactName, PhoneNumber
from compline_shared.taxonomy import Direction

XIAOMI_CUT = 50
"""Characters after which Xiaomi's recorder cuts a name (without the extension)."""

_LONGEST = 255  # characters a file name may have on the phones' file systems
_EXTENSION = re.compile(r"\.(?:mp3|wav|m4a|aac|3gp|3gpp|amr|awb|ogg|oga|flac|mp4|opus|webm)$", re.IGNORECASE)
_COPY = re.compile(r"(?: ?\([0-9]{1,3}\)|_[0-9]{1,2}|-[0-9]{1,2})$")
_XIAOMI = re.compile(
    r"(?P<word>[^@]{0,40})@(?P<name>.*)\((?P<number>[0-9ps#]{1,40})\)(?:_(?P<started>[0-9]{0,14}))?",
    re.DOTALL,
)
_HUAWEI = re.compile(r"(?:(?P<name>.*)@)?(?P<number>\+?[0-9*#,; -]{1,40}?)_(?P<started>[0-9]{14})", re.DOTALL)
_SAMSUNG = re.compile(
    r"(?:Call recording|Recording|通话录音|通話錄音)[ _](?P<who>.+)_(?P<started>[0-9]{6}_[0-9]{6})",
    re.IGNORECASE | re.DOTALL,
)
_OPPO = re.compile(r"(?P<who>.+)-(?P<started>[0-9]{10}|[0-9]{12})", re.DOTALL)
_VIVO = re.compile(
    r"(?P<who>.+?) ?(?P<started>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}[-.][0-9]{2}[-.][0-9]{2})", re.DOTALL
)
_NUMBER = re.compile(r"\+?[0-9*#][0-9*#,; -]{2,39}")
_INCOMING = ("来电", "來電", "呼入", "incoming", "接听")
_OUTGOING = ("去电", "去電", "呼出", "outgoing", "拨打")


@unique
class Maker(Enum):
    """Whose recorder wrote the name."""

    XIAOMI = "xiaomi"
    HUAWEI = "huawei"
    SAMSUNG = "samsung"
    OPPO = "oppo"
    VIVO = "vivo"


@dataclass(frozen=True, slots=True)
class RecordingName:
    """Who was called and when, as far as the name tells."""

    maker: Maker
    contact_name: ContactName | None
    number: PhoneNumber | None
    started: datetime | None  # naive, the phone's local time; None where Xiaomi's cut took it
    direction: Direction = Direction.UNKNOWN


def parse_recording_name(name: str) -> RecordingName | None:
    """Parse a recording's file name, with or without folders and extension; None where no pattern fits.

    OPPO's and vivo's patterns come from general knowledge, the others from FIELD section 3. A name that fits
    several patterns is read as the most specific one: Xiaomi, Samsung, Huawei, vivo, OPPO.
    """
    base = re.split(r"[/\\]", name)[-1]
    if not base or len(base) > _LONGEST:
        return None
    stem = _EXTENSION.sub("", base)
    return _parse_stem(stem) or _parse_stem(_COPY.sub("", stem))


def _parse_stem(stem: str) -> RecordingName | None:
    for parse in (_xiaomi, _samsung, _huawei, _vivo, _oppo):
        found = parse(stem)
        if found is not None:
            return found
    return None


def _xiaomi(stem: str) -> RecordingName | None:
    """Read a whole name, or one whose end was cut: the number then still counts if its bracket closes."""
    match = _XIAOMI.fullmatch(stem)
    if match is None:
        return None
    digits = match["started"] or ""
    if len(digits) < 14 and len(stem) != XIAOMI_CUT:
        return None
    started = _time(digits.ljust(14, "0"), "%Y%m%d%H%M%S") if len(digits) >= 12 else None
    if started is None and len(digits) >= 12:
        return None
    number = PhoneNumber(_from_xiaomi(match["number"]))
    return _named(Maker.XIAOMI, match["name"], number, started, match["word"])


def _samsung(stem: str) -> RecordingName | None:
    match = _SAMSUNG.fullmatch(stem)
    return (
        None
        if match is None
        else _either(Maker.SAMSUNG, match["who"], _time(match["started"], "%y%m%d_%H%M%S"))
    )


def _huawei(stem: str) -> RecordingName | None:
    match = _HUAWEI.fullmatch(stem)
    if match is None:
        return None
    started = _time(match["started"], "%Y%m%d%H%M%S")
    return _named(Maker.HUAWEI, match["name"] or "", PhoneNumber(match["number"].strip()), started, "")


def _vivo(stem: str) -> RecordingName | None:
    match = _VIVO.fullmatch(stem)
    if match is None:
        return None
    return _either(Maker.VIVO, match["who"], _time(match["started"].replace(".", "-"), "%Y-%m-%d %H-%M-%S"))


def _oppo(stem: str) -> RecordingName | None:
    match = _OPPO.fullmatch(stem)
    if match is None:
        return None
    digits = match["started"]
    return _either(
        Maker.OPPO, match["who"], _time(digits, "%y%m%d%H%M" if len(digits) == 10 else "%y%m%d%H%M%S")
    )


def _either(maker: Maker, who: str, started: datetime | None) -> RecordingName | None:
    """Read `who` as a number where it looks like one, else as a name."""
    if _NUMBER.fullmatch(who):
        return _named(maker, "", PhoneNumber(who), started, "")
    return _named(maker, who, None, started, "")


def _named(
    maker: Maker, name: str, number: PhoneNumber | None, started: datetime | None, word: str
) -> RecordingName | None:
    if started is None and maker is not Maker.XIAOMI:
        return None
    name = name.strip()
    known = ContactName(name) if name and (number is None or name != number.reveal()) else None
    return RecordingName(maker, known, number, started, _direction(word))


def _direction(word: str) -> Direction:
    lowered = word.lower()
    if any(sign in lowered for sign in _INCOMING):
        return Direction.INCOMING
    if any(sign in lowered for sign in _OUTGOING):
        return Direction.OUTGOING
    return Direction.UNKNOWN


def _from_xiaomi(number: str) -> str:
    """Undo Xiaomi's spelling: leading `00` was `+`, `p` a comma, `s` an asterisk."""
    plain = number.replace("p", ",").replace("s", "*")
    return "+" + plain[2:] if plain.startswith("00") else plain


def _time(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern)
    except ValueError:
        return None
