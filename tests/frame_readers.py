"""Everything that reads foreign bytes, each with sound frames from the golden vectors and what it may take."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_edge.core.binding_life import Life, order, read_life, write_life
from compline_shared import batch, envelope
from compline_shared.codec import decode, encode
from compline_shared.commands import USE as COMMAND
from compline_shared.commands import Command, RebindSecrets, sign_command, unseal_secrets, verify_command
from compline_shared.ids import BindingId, HandsetId
from compline_shared.message_frame import decode_message, encode_message
from compline_shared.place import Place
from compline_shared.reports import USE as REPORT
from compline_shared.reports import Report, sign_report, verify_report
from compline_shared.segment import Opener
from compline_shared.wire import ABSOLUTE, canonical, decode_base, decode_verdict, encode_base

VECTORS: Final = Path(__file__).parent / "vectors"
Reader: TypeAlias = Callable[[bytes], bytes | None]
"""Reads bytes and returns the one encoding of what it took from them, None where nothing came of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads foreign bytes; with ``key``, it reads payloads that are signed anew with the right key."""

    name: str
    read: Reader
    seeds: tuple[bytes, ...]
    may_take: (
        bool  # bytes that are the one encoding of something; where not, nothing but the seeds themselves
    )
    sign: Callable[[bytes], bytes] | None = None


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


def targets() -> list[Target]:
    """All readers, with sound frames of each from the golden vectors."""
    golden: Any = json.loads((VECTORS / "binding.json").read_text("utf-8"))
    old: Any = json.loads((VECTORS / "batch.json").read_text("utf-8"))
    known: Any = json.loads((VECTORS / "verdicts.json").read_text("utf-8"))
    verdicts = tuple(_hex(each["canonical"]) for each in known)
    handset = HandsetId(golden["handset"])
    hub = Ed25519PrivateKey.from_private_bytes(_hex(golden["hub_command_seed"]))
    phone = Ed25519PrivateKey.from_private_bytes(_hex(golden["handset_seed"]))
    answering = X25519PrivateKey.from_private_bytes(_hex(golden["answer_private"]))
    receipts = Ed25519PrivateKey.from_private_bytes(_hex(old["hub_signing_seed"]))
    sealing = X25519PrivateKey.from_private_bytes(_hex(old["hub_sealing_private"]))
    place = Place(handset, BindingId(golden["binding"]), golden["epoch"])
    commands = tuple(_hex(each["frame"]) for each in golden["commands"])
    payloads = tuple(_hex(each["payload"]) for each in golden["commands"])
    report, frame, receipt = _hex(golden["report"]["frame"]), _hex(old["frame"]), _hex(old["receipt"])
    lives = tuple(_hex(each["bytes"]) for each in golden["lives"])
    sealed = _hex(golden["sealed"]["sealed"])
    made = batch.unpack(frame, phone.public_key(), handset)
    opener = Opener(sealing, made.place, enc=made.enc, header=made.header)
    after = _had_all(read_life(lives[0]), payloads)

    def take_command(data: bytes) -> bytes:
        return sign_command(verify_command(data, hub.public_key(), handset), hub)

    def take_report(data: bytes) -> bytes:
        return sign_report(verify_report(data, phone.public_key(), handset), phone)

    def take_batch(data: bytes) -> bytes:
        return batch.pack(batch.unpack(data, phone.public_key(), handset), phone)

    def take_receipt(data: bytes) -> bytes:
        taken = batch.unpack_receipt(data, receipts.public_key(), handset)
        return batch.pack_receipt(taken, receipts)

    def take_secrets(data: bytes) -> bytes:
        begins, nonce = replace(place, epoch=place.epoch + 1), _hex(golden["sealed"]["nonce"])
        return encode_message(unseal_secrets(data, answering, begins=begins, nonce=nonce))

    def opened(data: bytes) -> Opener:
        return Opener(sealing, made.place, enc=data[:32], header=data[32:])

    def obey(data: bytes) -> bytes | None:
        command = verify_command(data, hub.public_key(), handset)
        return None if order(after, command, asked={}, running=0).life == after else data

    def again(kind: type[msgspec.Struct]) -> Reader:
        return lambda data: encode_message(decode_message(data, kind))

    def signed(use: str, key: Ed25519PrivateKey) -> Callable[[bytes], bytes]:
        context = f"compline/1 {use} {handset}".encode()
        return lambda payload: envelope.sign(payload, key, context=context)

    def closed(name: str, read: Reader, *seeds: bytes) -> Target:
        return Target(name, read, seeds, may_take=False)

    def open_(name: str, read: Reader, *seeds: bytes, sign: Callable[[bytes], bytes] | None = None) -> Target:
        return Target(name, read, seeds, may_take=True, sign=sign)

    reported, secrets = _hex(golden["report"]["payload"]), _hex(golden["sealed"]["plaintext"])
    return [
        closed("command", take_command, *commands),
        closed("report", take_report, report),
        closed("batch", take_batch, frame),
        closed("receipt", take_receipt, receipt),
        closed("replayed command", obey, *commands),
        closed("sealed", take_secrets, sealed),
        closed("entry", lambda data: opener.open(made.first_seq, data), made.entries[0]),
        closed("segment", lambda data: encode_base(opened(data).base), made.enc + made.header),
        open_("command payload", again(Command), *payloads),
        open_("report payload", again(Report), reported),
        open_("secrets payload", again(RebindSecrets), secrets),
        open_("life", lambda data: write_life(read_life(data)), *lives),
        open_("verdict", lambda data: canonical(decode_verdict(data, ABSOLUTE)), *verdicts),
        open_("segment header", lambda data: encode_base(decode_base(data)), encode_base(opener.base)),
        open_("cbor", lambda data: encode(decode(data, limit=batch.MAX_FRAME)), *payloads, *lives, frame),
        open_("signed command", take_command, *payloads, sign=signed(COMMAND, hub)),
        open_("signed report", take_report, reported, sign=signed(REPORT, phone)),
        open_("signed batch", take_batch, _payload(frame), sign=signed("up", phone)),
        open_("signed receipt", take_receipt, _payload(receipt), sign=signed("receipt", receipts)),
    ]


def _payload(frame: bytes) -> bytes:
    match decode(frame, limit=len(frame)):
        case [_, _, bytes() as payload, _]:
            return payload
        case _:
            raise AssertionError


def _had_all(life: Life, payloads: tuple[bytes, ...]) -> Life:
    """The record of a handset that has had every golden command."""
    highest = max(decode_message(payload, Command).counter for payload in payloads)
    return msgspec.structs.replace(life, counter=highest)
