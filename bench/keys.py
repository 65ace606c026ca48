"""Commands, seals and opening the vault: how fast, each beside the bare library doing the same step."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter

import sqlcipher3.dbapi2 as sqlcipher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from bench.figure import Figure
from bench.rate import rate
from compline_edge.core.binding_life import Life, order
from compline_edge.core.lease import Account, Reading
from compline_edge.vault.keys import VaultKey
from compline_edge.vault.store import Vault
from compline_shared.chain import Chain
from compline_shared.commands import Command, Lease, sign_command, verify_command
from compline_shared.ids import BindingId, HandsetId
from compline_shared.masking import BranchKey
from compline_shared.message_frame import encode_message
from compline_shared.place import Place
from compline_shared.reports import BindingState, Cause, Report, sign_report, verify_report
from compline_shared.sealed import seal, unseal

GOAL = 5.0
"""Milliseconds to open a vault."""

OPENED = 200
_PLACE = Place(HandsetId("00112233445566ff"), BindingId("8899aabbccddeeff"), 3)


def figures() -> Iterable[Figure]:
    """Yield rates on one core, then the median time to open a vault."""
    hub, phone, receiving = (
        Ed25519PrivateKey.generate(),
        Ed25519PrivateKey.generate(),
        X25519PrivateKey.generate(),
    )
    command, report = _command(), _report()
    payload, frame = encode_message(command), sign_command(command, hub)
    signature, public = hub.sign(payload), hub.public_key()
    yield rate("command_sign", lambda: sign_command(command, hub), lambda: hub.sign(payload))
    yield rate(
        "command_verify",
        lambda: verify_command(frame, public, _PLACE.handset),
        lambda: public.verify(signature, payload),
    )
    suite, plain = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305), bytes(102)
    to, place = receiving.public_key(), _PLACE.members()
    bare, sealed = suite.encrypt(plain, to), seal(plain, to, use="rebind", place=place)
    yield rate(
        "message_seal", lambda: seal(plain, to, use="rebind", place=place), lambda: suite.encrypt(plain, to)
    )
    yield rate(
        "message_unseal",
        lambda: unseal(sealed, receiving, use="rebind", place=place, limit=256),
        lambda: suite.decrypt(bare, receiving),
    )
    told = encode_message(report)
    answer = phone.sign(told)

    def there_and_back() -> None:
        """Sign a command, verify it, decide on it, sign the report that answers, verify that."""
        arrived = verify_command(sign_command(command, hub), public, _PLACE.handset)
        order(_life(), arrived, asked={bytes(16): _ASKED}, running=0)
        verify_report(sign_report(report, phone), phone.public_key(), _PLACE.handset)

    def signatures_alone() -> None:
        hub.sign(payload)
        public.verify(signature, payload)
        phone.sign(told)
        phone.public_key().verify(answer, told)

    yield rate("command_round_trip", there_and_back, signatures_alone)
    yield from _vault_open()


_ASKED = Account(0.0, 0.0, Reading(bytes(4), 0.0, 0.0))


def _life() -> Life:
    return Life(bytes.fromhex(_PLACE.handset), bytes.fromhex(_PLACE.binding), _PLACE.epoch)


def _command() -> Command:
    life = _life()
    return Command(life.handset, life.binding, life.epoch, 1, bytes(16), Lease(bytes(16), 1_795_000_000))


def _report() -> Report:
    life = _life()
    return Report(
        handset=life.handset,
        binding=life.binding,
        epoch=life.epoch,
        counter=1,
        state=BindingState.BOUND,
        cause=Cause.COMMAND,
        policy=1,
        hub_keys=bytes(8),
        rollback_resistant=False,
        lease_used=0,
        owed=0,
        last_seq=0,
        nonce=bytes(16),
        answer_key=b"\x09" + bytes(31),
    )


def _vault_open() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder, key = Path(name), VaultKey(os.urandom(32))
        chain = Chain(BranchKey(bytes(32)), _PLACE.binding)
        Vault(folder, key=key, chain=chain).close()

        def ours() -> Callable[[], None]:
            return Vault(folder, key=key, chain=chain).close

        def bare() -> Callable[[], None]:
            connection = sqlcipher.connect(str(folder / "vault.db"))
            connection.execute(f"PRAGMA key = \"x'{bytes(key).hex()}'\"")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            close: Callable[[], None] = connection.close
            return close

        opened, against = _median_ms(ours), _median_ms(bare)
        yield Figure("vault_open", opened, "ms", against, "lower")
        yield Figure("vault_open_against_goal", opened, "ms", GOAL, "lower")


def _median_ms(opens: Callable[[], Callable[[], None]]) -> float:
    """Median of the time that ``opens`` takes; closing is not counted."""
    times = []
    for _ in range(OPENED):
        started = perf_counter()
        close = opens()
        times.append((perf_counter() - started) * 1000)
        close()
    return statistics.median(times)
