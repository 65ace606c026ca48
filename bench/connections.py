"""10,000 phones at one hub: their connections held while verdicts are taken in, and all back after the broker died."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import signal
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from bench.crowd import Crowd, Made
from bench.figure import Figure
from bench.wire import day
from compline_hub.core.authority import handset_certificate
from compline_hub.core.enrolled import FIRST_EPOCH, Binding, Handset
from compline_hub.core.keys import EpochSecrets
from compline_hub.office import Hub, init_hub, open_hub
from compline_hub.settings import HubSettings
from compline_shared.chain import Chain
from compline_shared.courier import SealedEntry
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import BindingId, HandsetId
from compline_shared.p256 import point_of
from compline_shared.place import Place
from compline_shared.segment import Sealer
from compline_shared.wire import SegmentBase, canonical, encode_verdict
from tests.running_hub import free_port

HANDSETS = 10_000
STORM = HANDSETS // 2
PROCESSES = 4
SENDING, SENDS, EVERY = 200, 20, 1.0
"""So many handsets send a verdict each so many times, so many seconds apart, while the connections are held."""
CONNECT_SECONDS, SETTLE_SECONDS = 100.0, 60.0
LOOK_SECONDS = 0.5
GOAL_SECONDS = 3.0
PROGRAM = str(Path(sysconfig.get_path("scripts")) / "compline-hub")


def figures() -> Iterable[Figure]:
    """Yield what is held and at what cost, then how long the storm lasts and whether anything was lost.

    At most four minutes: what is not connected or settled by then is missing from the figures, and that shows.
    """
    with tempfile.TemporaryDirectory() as name:
        settings = HubSettings(
            data_dir=f"{name}/hub",
            port=free_port(),
            mqtt_port=free_port(),
            pairing_port=free_port(),
            advertise=False,
        )
        init_hub(settings)
        with open_hub(settings) as hub:
            tls_key = ec.generate_private_key(ec.SECP256R1())
            made = _made(hub, tls_key)
            keys = hub.ring.sets.present
        with _crowds(made, settings.mqtt_port, keys, tls_key) as crowds:
            with _serving(settings) as server:
                broker = _broker(server)
                empty = _resident(broker)
                began = time.monotonic()
                crowds.begin()
                held = crowds.wait_for(lambda state: state[0] == HANDSETS, CONNECT_SECONDS)[0]
                spent = time.monotonic() - began
                yield Figure("connections_held", held, "connections", HANDSETS, "higher")
                yield Figure("connections_made", held / spent, "connections/s", None, "higher")
                each = (_resident(broker) - empty) / max(held, 1)
                yield Figure("connections_broker_memory", each, "KiB/connection", None, "lower")
                crowds.tell(("hold", STORM // PROCESSES))
                yield from _while_held(crowds)
                crowds.tell(("leave", STORM // PROCESSES))
                crowds.tell(("owe", STORM // PROCESSES))
                os.kill(broker, signal.SIGKILL)
                killed = time.monotonic()
                server.wait(timeout=60)
            with _serving(settings):
                back = time.monotonic() - killed
                target = crowds.sent + STORM
                settled = crowds.wait_for(lambda state: state[1] >= target, SETTLE_SECONDS)[1]
                spent = time.monotonic() - killed
                by_handset = crowds.settled()
        with open_hub(settings) as hub, hub.store.transaction() as ledger:
            kept = {binding.handset: binding.up_to for binding in ledger.bindings()}
            hub_has = hub.reading.last_arrival()
    yield Figure("storm_hub_away", back, "s", None, "lower")
    yield Figure("storm_settled", settled - crowds.sent, "verdicts", STORM, "higher")
    yield Figure("storm_seconds", spent, "s", None, "lower")
    yield Figure("storm_lost", lost(by_handset, kept), "verdicts", None, "lower")
    yield Figure("storm_twice", hub_has - sum(kept.values()), "verdicts", None, "lower")


def lost(settled: Mapping[HandsetId, int], kept: Mapping[HandsetId, int]) -> int:
    """How many verdicts handsets hold receipts for that the hub has not: what it has of one makes up for no other."""
    return sum(max(0, count - kept.get(handset, 0)) for handset, count in settled.items())


def _while_held(crowds: _Crowds) -> Iterable[Figure]:
    for _ in range(SENDS):
        crowds.tell(("owe", SENDING // PROCESSES))
        crowds.sent += SENDING
        time.sleep(EVERY)
    crowds.wait_for(lambda state: state[1] == crowds.sent, SETTLE_SECONDS)
    times = sorted(crowds.times())
    yield Figure("held_receipt_p50", statistics.median(times), "s", GOAL_SECONDS, "lower")
    yield Figure("held_receipt_p99", times[int(len(times) * 0.99)], "s", GOAL_SECONDS, "lower")


class _Crowds:
    """All processes of handsets."""

    def __init__(self, pipes: list[Connection]) -> None:
        self._pipes = pipes
        self.sent = 0

    def begin(self) -> None:
        """Let the handsets connect."""
        self.tell("begin")

    def tell(self, order: object) -> None:
        for pipe in self._pipes:
            pipe.send(order)

    def times(self) -> list[float]:
        self.tell("times")
        return [each for pipe in self._pipes for each in pipe.recv()]

    def settled(self) -> dict[HandsetId, int]:
        """How many verdicts each handset has receipts for."""
        self.tell("settled")
        return {handset: count for pipe in self._pipes for handset, count in pipe.recv().items()}

    def wait_for(self, true: Callable[[tuple[int, int, int]], bool], seconds: float) -> tuple[int, int, int]:
        """The state once it is so, or when the time is over: how many serve, settled verdicts, losses."""
        until = time.monotonic() + seconds
        looks = 0
        while True:
            self.tell("state")
            states = [pipe.recv() for pipe in self._pipes]
            serving, settled, losses = (sum(column) for column in zip(*states, strict=True))
            if true((serving, settled, losses)) or time.monotonic() > until:
                return serving, settled, losses
            looks += 1
            if not looks % 20:
                print(f"  {serving} connected, {settled} settled", file=sys.stderr, flush=True)
            time.sleep(LOOK_SECONDS)


@contextmanager
def _crowds(
    made: list[Made], port: int, keys: HubPublicKeys, tls_key: ec.EllipticCurvePrivateKey
) -> Iterator[_Crowds]:
    context = get_context("fork")  # nothing else runs in this process, and keys need no way to travel
    pipes, processes = list[Connection](), list[ForkProcess]()
    for number in range(PROCESSES):
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_crowd, args=(made[number::PROCESSES], port, keys, tls_key, theirs), daemon=True
        )
        process.start()
        pipes.append(ours)
        processes.append(process)
    crowds = _Crowds(pipes)
    try:
        yield crowds
    finally:
        crowds.tell("end")
        for process in processes:
            process.join(30)
            if process.is_alive():
                process.kill()


def _crowd(
    made: list[Made], port: int, keys: HubPublicKeys, tls_key: ec.EllipticCurvePrivateKey, pipe: Connection
) -> None:
    if pipe.recv() != "begin":
        return

    async def run() -> None:
        await Crowd(made, port=port, keys=keys, tls_key=tls_key).run(pipe)

    asyncio.run(run())


def _made(hub: Hub, tls_key: ec.EllipticCurvePrivateKey) -> list[Made]:
    """Enrol the handsets, all in one transaction, and seal what they will send."""
    chance, now, point = Random(20261125), int(time.time()), point_of(tls_key)
    made = list[Made]()
    with hub.store.transaction() as ledger:
        for number in range(HANDSETS):
            handset, binding = HandsetId(secrets.token_hex(8)), BindingId(secrets.token_hex(8))
            signing = Ed25519PrivateKey.generate()
            chain = Chain(hub.keys.branch, binding)
            fresh = EpochSecrets(binding_secret=secrets.token_bytes(32), freeze_key=secrets.token_bytes(32))
            escrow = hub.keys.seal_escrow(fresh, binding=binding, nonce=secrets.token_bytes(12))
            public = signing.public_key().public_bytes_raw()
            ledger.put_handset(Handset(handset, f"Desk {number}", public, enrolled=now, tls_key=point))
            ledger.bind(Binding(binding, handset, FIRST_EPOCH, 0, chain.genesis, escrow, bound=now))
            certificate = handset_certificate(
                hub.certificates.authority,
                hub.keys,
                handset=handset,
                point=point,
                now=now,
                serial=secrets.randbits(159) | 1,
            )
            place = Place(handset, binding, FIRST_EPOCH)
            count = SENDS + 1 if number < SENDING else 1 if number < STORM else 0
            entries = _entries(place, chain, hub, count, chance)
            made.append(Made(handset, certificate, place, signing, entries, chain.genesis))
    return made


def _entries(place: Place, chain: Chain, hub: Hub, count: int, chance: Random) -> tuple[SealedEntry, ...]:
    if not count:
        return ()
    verdicts = day(chance, count)
    base = SegmentBase(first_seq=1, started=verdicts[0].started, versions=verdicts[0].versions)
    sealer = Sealer(hub.ring.sets.present.sealing_key, place, base)
    entries, head = list[SealedEntry](), chain.genesis
    for seq, verdict in zip(itertools.count(1), verdicts, strict=False):
        own = replace(verdict, seq=seq)
        head = chain.link(head, canonical(own))
        sealed = sealer.seal(seq, encode_verdict(own, base))
        entries.append(
            SealedEntry(seq, place.epoch, sealer.enc, sealer.header, sealed, head, urgent=True, added=0.0)
        )
    return tuple(entries)


@contextmanager
def _serving(settings: HubSettings) -> Iterator[subprocess.Popen[bytes]]:
    chosen = {
        f"COMPLINE_HUB_{name.upper()}": str(getattr(settings, name)).lower()
        for name in ("data_dir", "port", "mqtt_port", "pairing_port", "advertise")
    }
    server = subprocess.Popen(
        [PROGRAM, "serve"],
        cwd=settings.data,
        env={**os.environ, **chosen},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdout is not None
    try:
        server.stdout.readline()
        yield server
    finally:
        server.terminate()
        server.wait(timeout=60)
        server.stdout.close()


def _broker(server: subprocess.Popen[bytes]) -> int:
    (child,) = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return int(child)


def _resident(pid: int) -> int:
    """KiB of a process in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
