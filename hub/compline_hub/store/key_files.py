"""Keeps the hub's keys in files that only its user may read."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_hub.core.keys import HubKeys
from compline_hub.errors import HubNotReady
from compline_hub.store.durable import write_durably
from compline_shared.masking import BranchKey

KEY_BYTES = 32
_NAMES = ("sealing", "signing", "command", "branch", "broker", "escrow")


class KeyFiles:
    """One file of 32 raw bytes a key, mode 0600, in one folder of mode 0700."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self) -> HubKeys:
        """Make the keys that are missing, each durably, and return all; existing keys are never replaced."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in _NAMES:
            path = self._folder / f"{name}.key"
            if not path.exists():
                write_durably(path, secrets.token_bytes(KEY_BYTES))
        return self.load()

    def load(self) -> HubKeys:
        """Return the keys.

        Raises:
            HubNotReady: a key is missing, damaged or readable by others.
        """
        sealing, signing, command, branch, broker, escrow = (self._read(name) for name in _NAMES)
        return HubKeys(
            sealing=X25519PrivateKey.from_private_bytes(sealing),
            signing=Ed25519PrivateKey.from_private_bytes(signing),
            command=Ed25519PrivateKey.from_private_bytes(command),
            branch=BranchKey(branch),
            broker=broker,
            escrow=escrow,
        )

    def _read(self, name: str) -> bytes:
        path = self._folder / f"{name}.key"
        try:
            mode = path.stat().st_mode & 0o077
            raw = path.read_bytes()
        except FileNotFoundError as error:
            raise HubNotReady(f"The hub has no {name} key yet; run `compline-hub init` first.") from error
        if mode:
            raise HubNotReady(
                f"Others may read {path.name}; run `chmod 600` on the files in the hub's keys folder."
            )
        if len(raw) != KEY_BYTES:
            raise HubNotReady(
                f"{path.name} is damaged (expected {KEY_BYTES} bytes); restore it from your backup."
            )
        return raw
