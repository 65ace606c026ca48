"""The hash chain over all verdicts of a binding, keyed: a head tells an outsider nothing."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, final

from compline_shared.ids import BindingId
from compline_shared.masking import BranchKey

HEAD_BYTES: Final = 32


@final
class Chain:
    """head(0) = HMAC(k, "genesis"), head(n) = HMAC(k, head(n-1) + canonical verdict n), SHA-256 throughout.

    k = HMAC(branch key, "compline/1 chain" + binding). Heads travel in clear in batches and receipts. With a bare hash,
    whoever reads the broker could test guesses of a whole verdict against them; handset and hub alone hold the branch
    key. The verdict is hashed as `compline_shared.wire.canonical` writes it, so stored verdicts prove a chain.
    """

    __slots__ = ("_key", "genesis")

    def __init__(self, branch_key: BranchKey, binding: BindingId) -> None:
        self._key = _mac(bytes(branch_key), b"compline/1 chain\x00" + bytes.fromhex(binding))
        self.genesis: Final[bytes] = _mac(self._key, b"genesis")

    def link(self, head: bytes, canonical_verdict: bytes) -> bytes:
        """Return the head after one more verdict; heads are 32 bytes."""
        if len(head) != HEAD_BYTES:
            raise ValueError(f"a head is {HEAD_BYTES} bytes")
        return _mac(self._key, head + canonical_verdict)

    def __repr__(self) -> str:
        return "Chain(********)"


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
