"""Keeps the hub's keys in files that only its user may read."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_hub.core.keys import HubKeys, certificate_key
from compline_hub.errors import HubNotReady
from compline_hub.store.durable import sync_folder, write_durably
from compline_shared.masking import BranchKey

KEY_BYTES = 32
_Key = TypeVar("_Key")
_NAMES = ("sealing", "signing", "command", "branch", "escrow", "ca", "tls", "link", "session")
_STAGED = "{}.key.next"
_ASIDE = "{}.key.aside"
_FORMER = "{}.key.old"
_KEPT_AFTER = ("command", "signing", "sealing")
"""Of these the key before is kept: handsets go by it until they are told of the present one."""


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
        if not (self._folder / "session.key").exists() and (self._folder / "link.key").exists():
            write_durably(self._folder / "session.key", secrets.token_bytes(KEY_BYTES))  # a hub of before
        sealing, signing, command, branch, escrow, ca, tls, link, session = map(self._read, _NAMES)
        return HubKeys(
            sealing=X25519PrivateKey.from_private_bytes(sealing),
            signing=Ed25519PrivateKey.from_private_bytes(signing),
            command=Ed25519PrivateKey.from_private_bytes(command),
            branch=BranchKey(branch),
            escrow=escrow,
            ca=certificate_key(ca),
            tls=certificate_key(tls),
            link=certificate_key(link),
            session=session,
            former_sealing=_made(X25519PrivateKey.from_private_bytes, self._former("sealing")),
            former_signing=_made(Ed25519PrivateKey.from_private_bytes, self._former("signing")),
            former_command=_made(Ed25519PrivateKey.from_private_bytes, self._former("command")),
        )

    def stage(self, name: str) -> bytes:
        """Lay a new key of a name beside the present one, durably, and return it; one that lies there is put aside."""
        fresh, staged = secrets.token_bytes(KEY_BYTES), self._folder / _STAGED.format(name)
        if staged.exists():
            staged.replace(self._folder / _ASIDE.format(name))
        write_durably(staged, fresh)
        return fresh

    @property
    def former(self) -> bool:
        """Whether keys of before a rotation are kept."""
        return any((self._folder / _FORMER.format(name)).exists() for name in _KEPT_AFTER)

    def staged(self, name: str) -> bytes | None:
        """Return the new key of a rotation that did not come to its end, None where there is none."""
        return _there(self._folder / _STAGED.format(name))

    def end_rotation(self, name: str, *, staged_is_true: bool) -> None:
        """Put the staged key in the present one's place, or remove it; the present one is never missing.

        Of those that handsets know, but for the authority's, the present one is kept as the former one.
        """
        staged, present = self._folder / _STAGED.format(name), self._folder / f"{name}.key"
        if staged_is_true:
            if name in _KEPT_AFTER:
                write_durably(self._folder / _FORMER.format(name), present.read_bytes())
            staged.replace(present)
        else:
            staged.unlink()
        sync_folder(self._folder)

    def forget_former(self) -> None:
        """Remove the keys that were kept durably; harmless where there is none."""
        for name in _KEPT_AFTER:
            (self._folder / _FORMER.format(name)).unlink(missing_ok=True)
        sync_folder(self._folder)

    def _former(self, name: str) -> bytes | None:
        file = _FORMER.format(name)
        return self._read(name, of=file) if (self._folder / file).exists() else None

    def _read(self, name: str, *, of: str | None = None) -> bytes:
        path = self._folder / (of or f"{name}.key")
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


def _made(kind: Callable[[bytes], _Key], private: bytes | None) -> _Key | None:
    return None if private is None else kind(private)


def _there(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
