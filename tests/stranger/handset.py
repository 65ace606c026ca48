"""The handset: pairs, connects, judges what it is given, delivers, obeys, and reports."""

import base64
import json
import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.stranger import frames, pairing, vault
from tests.stranger.delivery import Courier, Pace
from tests.stranger.link import Down, Link, Lost, Up
from tests.stranger.memory import Entry, Memory
from tests.stranger.orders import BOUND, FROZEN, WIPED, Binding
from tests.stranger.sealing import Segment, chain_key, genesis, mac, pseudonym
from tests.stranger.verdict import Verdict

REPORT_AGAIN = 20.0
REPORT_UNASKED = 600.0
LONGEST = 120.0
HOUR = 3_600.0
TICK = 0.02


class Handset:
    """One handset in one folder; all of it runs in `step`, in the caller's thread."""

    def __init__(self, home: Path, pace: Pace | None = None, clock: Callable[[], float] = time.time) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home, self._clock, self.pace = home, clock, pace or Pace()
        self.memory = Memory(home / "memory.db")
        if self.memory.get("handset") is None:
            self._be_born()
        self.handset: bytes = self.memory.get("handset")
        self._identity = Ed25519PrivateKey.from_private_bytes(self.memory.get("identity"))
        self.courier = Courier(self.memory, self._identity, self._send_batch, self.pace)
        self.binding = Binding(self.memory, self._identity, clock)
        self.mangle: Callable[[bytes], list[bytes]] = lambda frame: [frame]
        self.online = True
        self._segment: tuple[int, Segment] | None = None
        self._link: Link | None = None
        self._attempt, self._pause = 0.0, self.pace.attempt
        self._connected = self._reported = 0.0
        self._refused = -HOUR
        self._report_wait: float | None = None

    def _be_born(self) -> None:
        tls = ec.generate_private_key(ec.SECP256R1())
        pem = tls.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        identity = Ed25519PrivateKey.generate().private_bytes_raw()
        self.memory.put(handset=secrets.token_bytes(8), identity=identity, tls=pem)

    # Pairing and certificates

    def pair(self, code: str, host: str, port: int, content: bytes) -> None:
        """Join by a code; the vault then holds the content."""
        tls = load_pem_private_key(self.memory.get("tls"), None)
        assert isinstance(tls, ec.EllipticCurvePrivateKey)
        with pairing.joining(code, host, port, self.handset, self._identity, tls) as joined:
            self._keep(joined, host, content)

    def _keep(self, joined: pairing.Joined, host: str, content: bytes) -> None:
        grant = json.loads(joined.grant)
        keys = _bytes_of(grant["hub_keys"])
        if bytes.fromhex(grant["handset"]) != self.handset or keys != joined.keys:
            raise pairing.Refused("the grant does not agree with what the hub said before")
        binding, branch_key = bytes.fromhex(grant["binding"]), _bytes_of(grant["branch_key"])
        key = chain_key(branch_key, binding)
        facts = {
            "binding": binding,
            "epoch": grant["epoch"],
            "keys": keys,
            "branch_key": branch_key,
            "chain_key": key,
            "genesis": genesis(key),
            "binding_secret": _bytes_of(grant["binding_secret"]),
            "freeze_key": _bytes_of(grant["freeze_key"]),
            "operators": _bytes_of(grant["operators"]),
            "times": grant["times"],
            "mqtt": [grant["mqtt_host"] or host, grant["mqtt_port"]],
            "pairing": [grant["pairing_host"] or host, grant["pairing_port"]],
            "certificate": joined.certificate,
            "hub_time": joined.hub_time,
            "lease_wall": int(self._clock()),
        }
        with self.memory.at_once():
            self.memory.put(**facts)
            vault.make(self.memory, content)

    def renew(self) -> None:
        """Get a new certificate from the pairing port."""
        host, port = self.memory.get("pairing")
        keys = self.memory.get("keys")
        tls = load_pem_private_key(self.memory.get("tls"), None)
        assert isinstance(tls, ec.EllipticCurvePrivateKey)
        new, hub_time = pairing.renewed(host, port, keys, self.handset, self._identity, tls)
        self.memory.put(certificate=new, hub_time=hub_time)

    def certificate_is_due(self) -> bool:
        """Whether two thirds of the certificate's life are over, or its authority is told no more."""
        der = self.memory.get("certificate")
        certificate = x509.load_der_x509_certificate(der)
        begin = certificate.not_valid_before_utc.timestamp()
        end = certificate.not_valid_after_utc.timestamp()
        now = max(self._clock(), self.memory.get("hub_time", 0))
        known = any(pairing.issued_by(der, each) for each in self.memory.get("keys")[3])
        return not known or now >= begin + (end - begin) * 2 / 3

    # Judging

    def judge(self, **fields: Any) -> Verdict:
        """The next verdict: into the chain, sealed, kept."""
        if self.binding.state != BOUND:
            raise vault.Shut
        get, seq = self.memory.get, self.memory.newest + 1
        verdict = Verdict(seq=seq, **fields)
        with self.memory.at_once():
            number, segment = self._open_segment(verdict)
            before = get("head", get("genesis"))
            head = mac(get("chain_key"), before, verdict.encoded())
            sealed = segment.seal(verdict)
            self.memory.add(Entry(seq, number, sealed, head, verdict.urgent, self._clock()))
            self.memory.put(newest=seq, head=head)
            if segment.full:
                self.memory.end_segments()
        return verdict

    def _open_segment(self, verdict: Verdict) -> tuple[int, Segment]:
        get = self.memory.get
        if self._segment is not None:
            number, segment = self._segment
            if not self.memory.segment(number).ended and segment.next_seq == verdict.seq:
                return self._segment
        place = (verdict.seq, verdict.started, verdict.versions)
        segment = Segment(self.handset, get("binding"), get("epoch"), get("keys")[2], *place)
        number = self.memory.begin_segment(segment.epoch, segment.enc, segment.header)
        self._segment = number, segment
        return self._segment

    def pseudonym(self, what: str, number: str) -> bytes:
        return pseudonym(self.memory.get("branch_key"), what, number)

    def end_segment(self) -> None:
        self.memory.end_segments()

    # On the wire

    def step(self) -> None:
        """Do what is to be done now, and wait a moment for what happens."""
        self.binding.lease()
        if self._link is None:
            self._connect()
            return
        self._happened(self._link)
        now = time.monotonic()
        if self._link is not None and self._link.ready:
            self._report_in_time(now)
            self.courier.pump(now, self._clock())

    def until(self, reached: Callable[[], bool], seconds: float = 10.0) -> bool:
        """Step until something is reached."""
        deadline = time.monotonic() + seconds
        while not reached():
            if time.monotonic() > deadline:
                return False
            self.step()
        return True

    def settles(self, seconds: float = 10.0) -> bool:
        """Whether the hub's receipts cover all of it in time."""
        return self.until(lambda: self.courier.owed == 0, seconds)

    def _connect(self) -> None:
        if not self.online or time.monotonic() < self._attempt:
            time.sleep(TICK)
            return
        chain, key = self._home / "certificate.pem", self._home / "tls.pem"
        try:
            if self.certificate_is_due():
                self.renew()
            certificate = x509.load_der_x509_certificate(self.memory.get("certificate"))
            chain.write_bytes(certificate.public_bytes(Encoding.PEM))
            key.touch(mode=0o600)
            key.write_bytes(self.memory.get("tls"))
            link = Link(self.handset.hex(), chain, key, self.memory.get("keys")[3])
            link.open(*self.memory.get("mqtt"))
        except (OSError, pairing.Refused):
            self._pause_on()
            return
        self._link, self._connected = link, time.monotonic()

    def _pause_on(self) -> None:
        self._attempt = time.monotonic() + self._pause * random.uniform(0.5, 1.5)
        self._pause = min(2 * self._pause, LONGEST)

    def _happened(self, link: Link) -> None:
        event = link.event(TICK)
        while event is not None and self._link is link:
            match event:
                case Up():
                    self.memory.forget(self._clock())
                    self._report()
                    self._report_wait = REPORT_AGAIN
                    self.courier.connected()
                case Down(frame):
                    self._take(frame)
                case Lost(ready):
                    self.lose()
                    if not ready and time.monotonic() - self._refused > HOUR:
                        self._refused = time.monotonic()
                        self._try_to_renew()
            event = link.event(0.0001)

    def _try_to_renew(self) -> None:
        """A new certificate holds from the next connection on."""
        with suppress(OSError, pairing.Refused):
            self.renew()
            self.lose()

    def _take(self, frame: bytes) -> None:
        now, present, former = time.monotonic(), self.memory.get("keys"), self.memory.get("keys_before")
        if (receipt := frames.read(frame, "receipt", self.handset, present[1])) is not None:
            self._pause = self.pace.attempt
            self.courier.receipt(receipt, now)
        elif (command := frames.read(frame, "command", self.handset, present[0])) is not None:
            self._report_wait = None
            if self.binding.obey(command):
                self._report()
            if self.memory.get("keys") != present and self.certificate_is_due():
                self._try_to_renew()
        elif former is not None and (
            frames.read(frame, "command", self.handset, former[0])
            or frames.read(frame, "receipt", self.handset, former[1])
        ):
            self._report()

    def _report(self) -> None:
        assert self._link is not None
        self._link.send(self.binding.report())
        self._reported = time.monotonic()

    def _report_in_time(self, now: float) -> None:
        if self._report_wait is not None and now - self._reported >= self._report_wait:
            self._report_wait = min(2 * self._report_wait, HOUR)
            self._report()
        warn = self.memory.get("times")[0]
        overdue = self.binding.lease_used() >= min(2 * HOUR, warn / 2)
        if overdue and self.binding.state in (BOUND, FROZEN) and now - self._reported >= REPORT_UNASKED:
            self._report()

    def _send_batch(self, frame: bytes) -> None:
        assert self._link is not None
        for each in self.mangle(frame):
            self._link.send(each)

    def lose(self) -> None:
        """Lose the connection, if there is one; the next attempt comes by itself."""
        if self._link is not None:
            self._link.break_off()
            self._link = None
            if time.monotonic() - self._connected >= LONGEST:
                self._pause = self.pace.attempt
            self._pause_on()

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        self.memory.close()

    @property
    def public_key(self) -> bytes:
        """Of what the handset signs."""
        return self._identity.public_key().public_bytes_raw()

    @property
    def connected(self) -> bool:
        return self._link is not None and self._link.ready

    @property
    def secret(self) -> bytes | None:
        """What the vault holds, if it opens."""
        return None if self.binding.state in (FROZEN, WIPED) else vault.read(self.memory)


def _bytes_of(value: Any) -> Any:
    if isinstance(value, list):
        return [_bytes_of(each) for each in value]
    return base64.b64decode(value, validate=True)
