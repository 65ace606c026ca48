"""The code that a person types or scans to pair a handset.

16 characters of Crockford's base32, in groups of four: two name the offer among those that are open, 14 carry 70 random
bits. A `compline:` URI, in the QR, holds the same and where the hub is and whose the compliance officer's key is:

    compline:K7Q2M8X4T0ZB3HWN?at=192.168.1.10:8462&officer=9f86d081884c7d659a2feaa0c55ad015
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

from compline_shared.errors import ComplineError

RANDOM_BYTES: Final = 10
"""That a code is made from: 80 bits, 16 characters."""
SHORT: Final = 2
"""Characters that name the offer."""
MAX_TEXT: Final = 512
"""Characters of what a person may hand over."""
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_CODE: Final = re.compile(f"[{_ALPHABET}]{{16}}")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{32}")


class BadCode(ComplineError):
    """What was typed or scanned is no pairing code; look at the hub's screen again."""


@dataclass(frozen=True, slots=True, repr=False)
class PairingCode:
    """A code; the repr shows its name only."""

    short: str  # 2 characters
    secret: str  # 14 characters

    @property
    def text(self) -> str:
        """As people read and type it."""
        whole = self.short + self.secret
        return "-".join(whole[at : at + 4] for at in range(0, len(whole), 4))

    def __repr__(self) -> str:
        return f"PairingCode({self.short}, ********)"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a handset needs to pair; address and officer are known only where the QR was scanned."""

    code: PairingCode
    address: tuple[str, int] | None = None
    officer: str | None = None  # fingerprint

    @property
    def uri(self) -> str:
        """As the QR holds it."""
        more = []
        if self.address is not None:
            more.append(f"at={quote(written(self.address), safe=':[]')}")
        if self.officer is not None:
            more.append(f"officer={self.officer}")
        code = self.code.short + self.code.secret
        return f"compline:{code}" + ("?" + "&".join(more) if more else "")


def code_of(random: bytes) -> PairingCode:
    """Return the code of 10 random bytes; ValueError for any other number of them."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a code is made from {RANDOM_BYTES} bytes")
    number = int.from_bytes(random, "big")
    text = "".join(_ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))
    return PairingCode(short=text[:SHORT], secret=text[SHORT:])


def read_code(text: str) -> PairingCode:
    """Return a typed code: case, spaces and hyphens do not matter, O is read as 0, I and L as 1.

    Raises:
        BadCode: not 16 characters of the alphabet.
    """
    code = text.strip().upper().translate(_READ_AS) if len(text) <= MAX_TEXT else ""
    if not _CODE.fullmatch(code):
        raise BadCode(
            "A pairing code has 16 letters and digits, like K7Q2-M8X4-T0ZB-3HWN; type it as the hub shows it."
        )
    return PairingCode(short=code[:SHORT], secret=code[SHORT:])


def read_invitation(text: str) -> Invitation:
    """Return what was typed, a code, or scanned, a `compline:` URI; raises BadCode."""
    if not text.strip().lower().startswith("compline:"):
        return Invitation(read_code(text))
    try:
        parts = urlsplit(text.strip())
        more = parse_qs(parts.query, strict_parsing=bool(parts.query), max_num_fields=8)
    except ValueError:
        raise BadCode(
            "The scanned text is no pairing code of a hub; scan the QR on its screen again."
        ) from None
    code = read_code(parts.path)
    officer = more.get("officer", [None])[0]
    if officer is not None and not _FINGERPRINT.fullmatch(officer):
        raise BadCode("The scanned code names no officer's key; scan the QR on the hub's screen again.")
    at = more.get("at", [None])[0]
    return Invitation(code, address=None if at is None else read_address(at), officer=officer)


def read_address(text: str) -> tuple[str, int]:
    """Return host and port of `host:port` or `[v6]:port`; raises BadCode."""
    host, _, port = text.rpartition(":")
    if (
        not host
        or len(host) > 255
        or not port.isascii()
        or not port.isdecimal()
        or not 0 < int(port) < 65_536
    ):
        raise BadCode(f'"{text[:60]}" is no address; write host:port.')
    return host.strip("[]"), int(port)


def written(address: tuple[str, int]) -> str:
    """Return an address as `read_address` reads it."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def officer_fingerprint(key: bytes) -> str:
    """Return what names the compliance officer's key to people: 32 hex digits of its SHA-256."""
    return hashlib.sha256(b"compline/1 officer" + key).hexdigest()[:32]
