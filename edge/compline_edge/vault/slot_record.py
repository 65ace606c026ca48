"""What the vault slot keeps: the key, the lease's account, and the digest of the life record that is true.

    record = key (32) + account (32, `core.lease`) + SHA-256 of the life file (32)

Replacing it is the one commit point of a binding's life: files that do not fit the digest are not true, whether a crash
left them or somebody put them back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from compline_edge.core.lease import ACCOUNT_BYTES, Account, read_account, write_account
from compline_edge.vault.errors import VaultLocked
from compline_edge.vault.keys import KEY_BYTES

DIGEST_BYTES: Final = 32
RECORD_BYTES: Final = KEY_BYTES + ACCOUNT_BYTES + DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """The slot's content."""

    key: bytes = field(repr=False)  # [32]
    account: Account
    digest: bytes  # [32]

    def fits(self, life_file: bytes) -> bool:
        """Whether a life file is the one that was committed."""
        return digest_of(life_file) == self.digest


def digest_of(life_file: bytes) -> bytes:
    """Return the SHA-256 that a slot keeps of a life file."""
    return hashlib.sha256(life_file).digest()


def write_record(record: SlotRecord) -> bytes:
    """Return the slot's 96 bytes."""
    return record.key + write_account(record.account) + record.digest


def read_record(data: bytes) -> SlotRecord:
    """Return what `write_record` wrote; raises VaultLocked for anything of another length."""
    if len(data) != RECORD_BYTES:
        raise VaultLocked("The vault's key slot holds something else; pair this handset anew.")
    account = read_account(data[KEY_BYTES : KEY_BYTES + ACCOUNT_BYTES])
    return SlotRecord(key=data[:KEY_BYTES], account=account, digest=data[-DIGEST_BYTES:])
