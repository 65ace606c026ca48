"""Bytes of a typical verdict on the wire and speed of making and reading it, each beside the bare libraries."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import cbor2
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bench.figure import Figure
from bench.rate import rate
from compline_shared.batch import Batch, Outcome, Receipt, open_verdicts, pack, pack_receipt, unpack
from compline_shared.envelope import sign, verify
from compline_shared.ids import BindingId, HandsetId
from compline_shared.masking import CiphertextDigest, Pseudonym
from compline_shared.messages import Finding, Verdict, Versions, Voice
from compline_shared.place import Place
from compline_shared.segment import Opener, Sealer
from compline_shared.taxonomy import Category, Direction, Kind, Pass, Role, Severity, Technique
from compline_shared.topics import down, up
from compline_shared.wire import SegmentBase, decode_verdict, encode_verdict

GOAL = 120.0
"""Bytes a verdict, all told, in a batch of 50."""

BATCH = 50
PLACE = Place(HandsetId("00112233445566ff"), BindingId("8899aabbccddeeff"), 3)
_VERSIONS = Versions(model=3, lexicon=5, rules=2)


def figures() -> Iterable[Figure]:
    """Yield sizes beside plain JSON and the goal, then rates beside the bare library doing the same step."""
    random = Random(20261123)
    verdicts = day(random)
    base = SegmentBase(first_seq=verdicts[0].seq, started=verdicts[0].started, versions=_VERSIONS)
    key, hub = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    plain = [encode_verdict(verdict, base) for verdict in verdicts]
    batch = sealed(verdicts, base, hub)
    frame = pack(batch, key)
    yield from _sizes(verdicts, frame, key)

    arrays = [cbor2.loads(each) for each in plain]
    yield rate(
        "verdict_encode",
        lambda: [encode_verdict(verdict, base) for verdict in verdicts],
        lambda: [cbor2.dumps(array, canonical=True) for array in arrays],
        items=BATCH,
    )
    yield rate(
        "verdict_decode",
        lambda: [decode_verdict(each, base) for each in plain],
        lambda: [cbor2.loads(each) for each in plain],
        items=BATCH,
    )
    aead, nonces = ChaCha20Poly1305(bytes(32)), [n.to_bytes(12, "big") for n in range(BATCH)]
    bare = [aead.encrypt(nonce, each, b"aad") for nonce, each in zip(nonces, plain, strict=True)]
    yield rate(
        "entry_seal",
        lambda: _entries(Sealer(hub.public_key(), PLACE, base), plain),
        lambda: [aead.encrypt(nonce, each, b"aad") for nonce, each in zip(nonces, plain, strict=True)],
        items=BATCH,
    )
    opener = Opener(hub, PLACE, enc=batch.enc, header=batch.header)
    yield rate(
        "entry_open",
        lambda: [opener.open(batch.first_seq + n, entry) for n, entry in enumerate(batch.entries)],
        lambda: [aead.decrypt(nonce, each, b"aad") for nonce, each in zip(nonces, bare, strict=True)],
        items=BATCH,
    )
    signature, public = key.sign(frame), key.public_key()
    signed = sign(frame, key, context=b"bench")
    yield rate("frame_sign", lambda: sign(frame, key, context=b"bench"), lambda: key.sign(frame))
    yield rate(
        "frame_verify",
        lambda: verify(signed, public, context=b"bench", limit=65_536),
        lambda: public.verify(signature, frame),
    )
    yield rate("handset_verdicts", lambda: pack(sealed(verdicts, base, hub), key), None, items=BATCH)
    yield rate(
        "hub_verdicts", lambda: open_verdicts(unpack(frame, public, PLACE.handset), hub), None, items=BATCH
    )


def _sizes(verdicts: list[Verdict], frame: bytes, key: Ed25519PrivateKey) -> Iterable[Figure]:
    told = (len(frame) + publish_head(up(PLACE.handset), len(frame))) / BATCH
    text = sum(
        len(msgspec.json.encode(verdict, enc_hook=lambda mark: bytes(mark).hex())) for verdict in verdicts
    )
    receipt = pack_receipt(Receipt(PLACE.handset, PLACE.binding, 50, bytes(32), Outcome.TAKEN), key)
    back = len(receipt) + publish_head(down(PLACE.handset), len(receipt), qos=0) + PUBACK
    yield Figure("verdict_bytes", told, "B", text / BATCH, "lower")
    yield Figure("verdict_bytes_against_goal", told, "B", GOAL, "lower")
    yield Figure("receipt_bytes", back / BATCH, "B", None, "lower")


PUBACK = 4
"""Bytes of the broker's acknowledgement of what came up."""


def publish_head(topic: str, payload: int, *, qos: int = 1) -> int:
    """Bytes of an MQTT 3.1.1 PUBLISH beyond its payload: type, length, topic, and a packet id at QoS 1."""
    rest = 2 + len(topic) + 2 * qos + payload
    return 1 + (1 if rest < 128 else 2 if rest < 16_384 else 3) + rest - payload


def day(random: Random, count: int = BATCH) -> list[Verdict]:
    """Return typical verdicts: a working day's calls, one or two findings each, with contact, case, voice, evidence."""
    started, made = 1_795_395_600, []
    for seq in range(1_201, 1_201 + count):
        duration = random.randint(40, 600)
        made.append(
            Verdict(
                seq=seq,
                started=started,
                judged=started + duration + random.randint(3, 40),
                kind=Kind.CALL,
                pass_=Pass.FULL,
                direction=Direction.OUTGOING,
                answered=True,
                effective=True,
                duration=duration,
                speech=duration * 7 // 10,
                contact=Pseudonym(random.randbytes(8)),
                case=Pseudonym(random.randbytes(8)),
                findings=tuple(_finding(random, duration) for _ in range(random.randint(1, 2))),
                voice=Voice(
                    loudness=random.randint(-30, -15),
                    peak_loudness=-10,
                    rate=random.randint(3, 7),
                    angry=random.randint(0, 3),
                    overlap=random.randint(0, 2),
                ),
                versions=_VERSIONS,
                evidence=CiphertextDigest(random.randbytes(32)),
            )
        )
        started += duration + random.randint(20, 300)
    return made


def _finding(random: Random, duration: int) -> Finding:
    return Finding(
        category=random.choice([category for category in Category if category <= Category.ANGER]),
        severity=random.choice(list(Severity)),
        confidence=random.randint(50, 100),
        offset=random.randint(0, duration),
        role=Role.COLLECTOR,
        technique=Technique.LEXICON_AUDIO,
        rule=0,
        entry=random.randint(1, 600),
    )


def sealed(verdicts: list[Verdict], base: SegmentBase, hub: X25519PrivateKey) -> Batch:
    """Return one batch of verdicts with consecutive seqs."""
    sealer = Sealer(hub.public_key(), PLACE, base)
    entries = _entries(sealer, [encode_verdict(verdict, base) for verdict in verdicts])
    return Batch(PLACE, sealer.enc, sealer.header, verdicts[0].seq, entries, bytes(32))


def _entries(sealer: Sealer, plain: list[bytes]) -> tuple[bytes, ...]:
    return tuple(sealer.seal(sealer.next_seq, each) for each in plain)
