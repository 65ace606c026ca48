"""An enrolled handset's home for tests, and the keys of its made-up hub."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.home import Home, open_home
from compline_edge.vault.identity import create_identity, join
from compline_hub.core import keys as hub_keys
from compline_hub.core.authority import HubCertificates, handset_certificate, refreshed
from compline_hub.link.broker_files import BrokerTls, broker_tls
from compline_shared.certificates import Certificate
from compline_shared.chain import Chain
from compline_shared.courier import SealedEntry
from compline_shared.enrolment import EnrolmentGrant, Secret
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import HandsetId
from compline_shared.masking import BranchKey
from compline_shared.messages import Verdict
from compline_shared.segment import Opener
from compline_shared.wire import decode_verdict

FOUNDED = 1_795_500_000
"""Unix s when the made-up hub's authority was made."""


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class HubKeys:
    """Fixed, so that a process of its own can have them too."""

    def __init__(self, founder: bytes = b"") -> None:
        """Another `founder` is another authority."""
        self.sealing = X25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.signing = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
        self.command = Ed25519PrivateKey.from_private_bytes(bytes(range(128, 160)))
        self.freeze = X25519PrivateKey.from_private_bytes(bytes(range(160, 192)))
        self.branch = BranchKey(bytes(range(64, 96)))
        self.all = hub_keys.HubKeys(
            sealing=self.sealing,
            signing=self.signing,
            command=self.command,
            branch=self.branch,
            escrow=bytes(range(192, 224)),
            ca=hub_keys.certificate_key(bytes(range(1, 33)) + founder),
            tls=hub_keys.certificate_key(bytes(range(33, 65))),
            link=hub_keys.certificate_key(bytes(range(65, 97))),
            session=bytes(32),
        )
        founded = refreshed(None, self.all, names=(), now=FOUNDED, serials=count(1))
        self.certificates: HubCertificates = refreshed(
            founded, self.all, names=(), now=int(time.time()), serials=count(4)
        )

    @property
    def tls(self) -> BrokerTls:
        return broker_tls(self.certificates.server, self.all.tls, self.public.authorities)

    @property
    def public(self) -> HubPublicKeys:
        return self.all.public((self.certificates.authority.der,))

    def certify(self, handset: str, point: bytes, *, now: float | None = None) -> Certificate:
        """A handset's certificate as of `now`."""
        at = int(time.time() if now is None else now)
        return handset_certificate(
            self.certificates.authority, self.all, handset=HandsetId(handset), point=point, now=at, serial=9
        )

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
            hub_keys=self.public,
            freeze_key=self.freeze.public_key().public_bytes_raw(),
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
    keys = HubKeys()
    certificate = keys.certify(request.handset, request.tls_key_public)
    CertificateStore(home).keep(certificate, hub_time=int(time.time()))
    join(home, keys.grant(request.handset, port=port))
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
