"""The only place where something personal becomes something that may leave the handset."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, final

PSEUDONYM_BYTES: Final = 8
DIGEST_BYTES: Final = 32


@final
class Pseudonym:
    """A keyed, one-way name of a contact or case: HMAC-SHA-256 under the branch key, first 8 bytes.

    Whoever holds the branch key can enumerate phone numbers: it hides people from central and outsiders, not from the
    branch.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes, /) -> None:
        if type(raw) is not bytes or len(raw) != PSEUDONYM_BYTES:
            raise ValueError(f"a pseudonym is {PSEUDONYM_BYTES} bytes")
        self._raw = raw

    def __bytes__(self) -> bytes:
        return self._raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pseudonym) and self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return "Pseudonym(********)"


@final
class CiphertextDigest:
    """SHA-256 of randomly keyed ciphertext; never of plaintext, which could be guessed."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes, /) -> None:
        if type(raw) is not bytes or len(raw) != DIGEST_BYTES:
            raise ValueError(f"a digest is {DIGEST_BYTES} bytes")
        self._raw = raw

    def __bytes__(self) -> bytes:
        return self._raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CiphertextDigest) and self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return "CiphertextDigest(********)"


@final
class BranchKey:
    """32 random bytes that the hub gives at bind; keys the pseudonyms of one branch."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes, /) -> None:
        if len(raw) != 32:
            raise ValueError("a branch key is 32 bytes")
        self._raw = bytes(raw)

    def __bytes__(self) -> bytes:
        return self._raw

    def contact(self, number: str) -> Pseudonym:
        """Pseudonym of a phone number or chat account; separators and a leading +86 or 0086 do not matter."""
        return self._pseudonym(b"contact", _canonical_number(number))

    def case(self, number: str) -> Pseudonym:
        """Pseudonym of a case number, exact to the character."""
        return self._pseudonym(b"case", number.strip())

    def _pseudonym(self, domain: bytes, value: str) -> Pseudonym:
        mac = hmac.new(self._raw, domain + b"\x00" + value.encode(), hashlib.sha256).digest()
        return Pseudonym(mac[:PSEUDONYM_BYTES])

    def __repr__(self) -> str:
        return "BranchKey(********)"


def _canonical_number(text: str) -> str:
    compact = "".join(ch for ch in text if ch not in " -()\u00a0\u2010\u2011").lower()
    for prefix in ("+86", "0086"):
        if compact.startswith(prefix):
            return compact[len(prefix) :]
    return compact
