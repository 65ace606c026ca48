"""An enrolled handset's home for tests, and the keys of its made-up hub."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_edge.core.courier import SealedEntry
from compline_edge.vault.home import Home, open_home
from compline_edge.vault.identity import create_identity, join
from compline_shared.chain import Chain
from compline_shared.enrolment import EnrolmentGrant, Secret
from compline_shared.masking import BranchKey
from compline_shared.messages import Verdict
from compline_shared.segment import Opener
from compline_shared.wire import decode_verdict

PASSWORD = "correct horse"


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class HubKeys:
    """Fixed, so that a process of its own can have them too."""

    def __init__(self) -> None:
        self.sealing = X25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.signing = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
        self.command = Ed25519PrivateKey.from_private_bytes(bytes(range(128, 160)))
        self.freeze = X25519PrivateKey.from_private_bytes(bytes(range(160, 192)))
        self.branch = BranchKey(bytes(range(64, 96)))

    def grant(
        self, handset: str, *, binding: str = "8899aabbccddeeff", port: int | None = None
    ) -> EnrolmentGrant:
        return EnrolmentGrant(
            handset=handset,
            binding=binding,
            epoch=1,
            branch_key=self.branch,
            binding_secret=Secret(bytes(range(96, 128))),
            hub_name="东门营业部",
            hub_sealing_public=self.sealing.public_key().public_bytes_raw(),
            hub_signing_public=self.signing.public_key().public_bytes_raw(),
            hub_command_public=self.command.public_key().public_bytes_raw(),
            freeze_key=self.freeze.public_key().public_bytes_raw(),
            mqtt_username=handset,
            mqtt_password=Secret(PASSWORD.encode()),
            mqtt_host=None if port is None else "127.0.0.1",
            mqtt_port=port,
        )

    def open(self, grant: EnrolmentGrant, entries: Sequence[SealedEntry]) -> list[Verdict]:
        """What the hub reads in the outbox's entries."""
        opened = []
        for entry in entries:
            opener = Opener(self.sealing, grant.place, enc=entry.enc, header=entry.header)
            opened.append(decode_verdict(opener.open(entry.seq, entry.ciphertext), opener.base))
        return opened


def enrolled(folder: Path, *, port: int | None = None) -> Path:
    """Return a home that has joined."""
    home = folder / "home"
    request = create_identity(home)
    join(home, HubKeys().grant(request.handset, port=port))
    return home


def opened(home: Path, *, outbox_limit: int = 2**20) -> Home:
    return open_home(home, clock=SystemClock(), outbox_limit=outbox_limit)


def chain_of(home: Home) -> Chain:
    return Chain(home.grant.branch_key, home.place.binding)


def bytes_under(folder: Path) -> bytes:
    """All bytes of all files, names included."""
    return b"".join(
        os.fsencode(path.name) + path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    )
