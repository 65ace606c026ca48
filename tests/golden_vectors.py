"""Makes the golden vectors, and the frames that the protocol page shows, anew from what they are made of.

`python -m tests.golden_vectors` rewrites `tests/vectors` and `docs/protocol.md`. In each file stays what the rest
follows from: seeds, nonces, certificates, members of messages; change those there, the rest is computed. What is sealed
to a one-time key that nobody kept stays while it opens to the same; where it does not it is sealed anew.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec.structs import replace

from compline_edge.core.binding_life import read_life, write_life
from compline_edge.core.identity import identity_of
from compline_edge.core.lease import Account, Reading, write_account
from compline_shared.batch import (
    Batch,
    Outcome,
    Receipt,
    open_verdicts,
    pack,
    pack_receipt,
    unpack,
)
from compline_shared.chain import Chain
from compline_shared.codec import decode, encode
from compline_shared.commands import (
    Command,
    Policy,
    Rebind,
    RebindSecrets,
    Rekey,
    Wipe,
    approve,
    seal_secrets,
    sign_command,
    unseal_secrets,
)
from compline_shared.enrolment import read_grant, write_grant
from compline_shared.errors import MalformedFrame
from compline_shared.ids import BindingId, HandsetId
from compline_shared.masking import BranchKey
from compline_shared.message_frame import MAX_MESSAGE, decode_message, encode_message
from compline_shared.messages import Verdict, Versions
from compline_shared.p256 import point_of
from compline_shared.pairing import (
    Challenge,
    Down,
    Join,
    Joined,
    Offered,
    Prove,
    ProveRenewal,
    Refusal,
    Refused,
    Renew,
    Renewed,
    Taken,
    Up,
    handset_proof,
    hub_proof,
    join_signed,
    renewal_asked,
    renewal_given,
    transcript,
    write_down,
    write_up,
)
from compline_shared.pairing_code import read_code
from compline_shared.place import Place
from compline_shared.reports import Report, sign_report
from compline_shared.segment import Sealer
from compline_shared.wire import SegmentBase, canonical, encode_verdict

ROOT: Final = Path(__file__).parents[1]
VECTORS: Final = ROOT / "tests" / "vectors"
PAGE: Final = ROOT / "docs" / "protocol.md"
_SHOWN: Final = re.compile(r"(?<=```\n)[0-9a-f\n]+(?=\n```)")
"""A frame on the page."""
_WIDTH: Final = 100
"""Hex digits in a line of the page."""


def base_of(vector: Mapping[str, Any]) -> SegmentBase:
    """The segment that a vector names."""
    return msgspec.convert(vector["base"] | {"versions": Versions(**vector["base"]["versions"])}, SegmentBase)


def verdict_of(members: Mapping[str, Any]) -> Verdict:
    """The verdict with such members."""
    return msgspec.convert(members, Verdict, dec_hook=lambda kind, value: kind(bytes.fromhex(value)))


def hexed(value: Any) -> Any:
    """The same with bytes as hex digits, as JSON holds it."""
    if isinstance(value, bytes):
        return value.hex()
    return [hexed(member) for member in value] if isinstance(value, list) else value


def _unhexed(value: Any) -> Any:
    if isinstance(value, str):
        return bytes.fromhex(value)
    return [_unhexed(member) for member in value] if isinstance(value, list) else value


def verdicts(old: Any) -> Any:
    """Single verdicts, relative to a segment and to nothing."""
    return [
        each
        | {
            "bytes": encode_verdict(verdict_of(each["verdict"]), base_of(each)).hex(),
            "canonical": canonical(verdict_of(each["verdict"])).hex(),
        }
        for each in old
    ]


def batch(old: Any) -> Any:
    """A sealed batch of three verdicts, their chain, and the receipt."""
    handset, bound = HandsetId(old["handset"]), BindingId(old["binding"])
    hub = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(old["hub_signing_seed"]))
    bodies = [canonical(verdict_of(members)) for members in old["verdicts"]]
    chain = Chain(BranchKey(bytes.fromhex(old["branch_key"])), bound)
    heads = [chain.genesis]
    for body in bodies:
        heads.append(chain.link(heads[-1], body))
    last = old["first_seq"] + len(bodies) - 1
    receipt = Receipt(handset=handset, binding=bound, up_to=last, head=heads[-1], outcome=Outcome.TAKEN)
    phone = identity_of(bytes.fromhex(old["handset_seed"])).signing
    return old | {
        "genesis": chain.genesis.hex(),
        "heads": [head.hex() for head in heads[1:]],
        "canonical": [body.hex() for body in bodies],
        "frame": pack(_sealed_batch(old, head=heads[-1]), phone).hex(),
        "receipt": pack_receipt(receipt, hub).hex(),
    }


def _sealed_batch(old: Any, *, head: bytes) -> Batch:
    phone = identity_of(bytes.fromhex(old["handset_seed"])).signing.public_key()
    hub = X25519PrivateKey.from_private_bytes(bytes.fromhex(old["hub_sealing_private"]))
    place = Place(HandsetId(old["handset"]), BindingId(old["binding"]), old["epoch"])
    told = tuple(verdict_of(members) for members in old["verdicts"])
    with suppress(MalformedFrame):
        kept = unpack(bytes.fromhex(old["frame"]), phone, place.handset)
        if (kept.place, kept.head, open_verdicts(kept, hub)) == (place, head, told):
            return kept
    base = SegmentBase(first_seq=old["first_seq"], started=told[0].started, versions=told[0].versions)
    sealer = Sealer(hub.public_key(), place, base)
    entries = tuple(sealer.seal(verdict.seq, encode_verdict(verdict, base)) for verdict in told)
    return Batch(place, sealer.enc, sealer.header, old["first_seq"], entries, head)


def binding(old: Any) -> Any:
    """Commands to a binding, a report of it, and what its handset keeps."""
    hub = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(old["hub_command_seed"]))
    identity = identity_of(bytes.fromhex(old["handset_seed"]))
    operators = {
        bytes.fromhex(each["id"]): Ed25519PrivateKey.from_private_bytes(bytes.fromhex(each["seed"]))
        for each in old["operators"]
    }
    sealed = _sealed_secrets(old)
    commands = {each["what"]: _command(each["members"], sealed, operators) for each in old["commands"]}
    approval, operator = old["approval"], bytes.fromhex(old["approval"]["operator"])
    approved = approve(commands[approval["command"]], operator, operators[operator])
    report = decode_message(encode(_unhexed(old["report"]["members"])), Report)
    told = commands["rekey"].body
    if isinstance(told, Rekey):
        report = replace(report, hub_keys=told.keys.name)
    return old | {
        "handset_tls_private": f"{identity.tls.private_numbers().private_value:064x}",
        "commands": [
            each | _payload(commands[each["what"]]) | {"frame": sign_command(command, hub).hex()}
            for each, command in zip(old["commands"], commands.values(), strict=True)
        ],
        "approval": approval | {"signature": approved.signature.hex()},
        "report": old["report"] | _payload(report) | {"frame": sign_report(report, identity.signing).hex()},
        "sealed": old["sealed"] | _payload(_secrets(old), "plaintext") | {"sealed": sealed.hex()},
        "lives": [each | {"bytes": _life(each["members"])} for each in old["lives"]],
        "accounts": [each | {"bytes": _account(each)} for each in old["accounts"]],
    }


def _payload(message: msgspec.Struct, name: str = "payload") -> dict[str, Any]:
    payload = encode_message(message)
    return {name: payload.hex(), "members": hexed(decode(payload, limit=MAX_MESSAGE))}


def _command(members: list[Any], sealed: bytes, operators: Mapping[bytes, Ed25519PrivateKey]) -> Command:
    """The command with such members; approvals and what is sealed in it are made for it."""
    command = decode_message(encode(_unhexed(members)), Command)
    body = command.body
    if isinstance(body, Rebind):
        return replace(command, body=replace(body, sealed=sealed))
    if isinstance(body, Wipe | Policy):
        approvals = tuple(approve(command, who, key) for who, key in operators.items())
        return replace(command, body=replace(body, approvals=approvals))
    return command


def _secrets(old: Any) -> RebindSecrets:
    return RebindSecrets(*_unhexed(old["sealed"]["members"]))


def _sealed_secrets(old: Any) -> bytes:
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(old["answer_private"]))
    begins = Place(HandsetId(old["handset"]), BindingId(old["binding"]), old["epoch"] + 1)
    kept, nonce = bytes.fromhex(old["sealed"]["sealed"]), bytes.fromhex(old["sealed"]["nonce"])
    with suppress(MalformedFrame):
        if unseal_secrets(kept, key, begins=begins, nonce=nonce) == _secrets(old):
            return kept
    return seal_secrets(_secrets(old), key.public_key().public_bytes_raw(), begins=begins, nonce=nonce)


def _life(members: list[Any]) -> str:
    return write_life(read_life(encode(_unhexed(members)))).hex()


def _account(old: Mapping[str, Any]) -> str:
    last = Reading(bytes.fromhex(old["boot_id"]), old["boot"], old["wall"])
    return write_account(Account(old["used"], old["running"], last)).hex()


def pairing(old: Any) -> Any:
    """All messages of one pairing, and of a renewal."""
    identity, code = identity_of(bytes.fromhex(old["handset_seed"])), read_code(old["code"])
    hub = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(old["hub_signing_seed"]))
    grant = read_grant(msgspec.json.encode(old["grant"]))
    certificate, written = bytes.fromhex(old["certificate"]), write_grant(grant)
    join = Join(
        short=code.short,
        handset=bytes.fromhex(old["handset"]),
        signing=identity.signing.public_key().public_bytes_raw(),
        tls=point_of(identity.tls),
        nonce=bytes(range(0x10, 0x20)),
    )
    offered = Offered(
        nonce=bytes(range(0x10)),
        hub_time=old["hub_time"],
        keys=grant.hub_keys,
        officer=grant.officer_key,
    )
    agreed = transcript(join, offered, bytes.fromhex(old["server"]))
    proof = hub_proof(code.secret, agreed, certificate=certificate, grant=written)
    renew = Renew(handset=join.handset, nonce=bytes(range(0x20, 0x30)))
    challenge = Challenge(bytes(range(0x30, 0x40)))
    given = renewal_given(renew, certificate=certificate, hub_time=old["hub_time"])
    up: dict[str, Up] = {
        "join": join,
        "prove": Prove(handset_proof(code.secret, agreed), identity.signing.sign(join_signed(agreed))),
        "joined": Joined(),
        "renew": renew,
        "prove_renewal": ProveRenewal(identity.signing.sign(renewal_asked(renew, challenge))),
    }
    down: dict[str, Down] = {
        "offered": offered,
        "taken": Taken(proof, certificate, written),
        "refused": Refused(Refusal.WRONG_PROOF, tries_left=2),
        "challenge": challenge,
        "renewed": Renewed(certificate, old["hub_time"], hub.sign(given)),
    }
    return (
        old
        | {name: write_up(message).hex() for name, message in up.items()}
        | {name: write_down(message).hex() for name, message in down.items()}
        | {"transcript": agreed.hex(), "hub_signing_public": hub.public_key().public_bytes_raw().hex()}
    )


MADE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "verdicts": verdicts,
    "batch": batch,
    "binding": binding,
    "pairing": pairing,
}
"""What makes each file of `tests/vectors` anew; the others are not made by the code that reads them."""


def read(name: str) -> Any:
    """What a file of vectors holds."""
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


def written(vectors: Any) -> str:
    """A file of vectors."""
    return json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"


def page(old: str, made: Mapping[str, Any]) -> str:
    """The protocol page with the frames of these vectors; ValueError where it shows more or fewer."""
    told, sent, said = made["batch"], made["binding"], made["pairing"]
    frames = [each["bytes"] for each in made["verdicts"][:2]]
    frames += [told["receipt"], sent["commands"][0]["frame"], sent["report"]["frame"]]
    frames += [said["join"], said["prove"], said["refused"]]
    parts = _SHOWN.split(old)
    if len(parts) != len(frames) + 1:
        raise ValueError(f"the page shows {len(parts) - 1} frames, not {len(frames)}")
    blocks = ["\n".join(textwrap.wrap(frame, _WIDTH)) for frame in frames]
    return "".join(part + block for part, block in zip(parts, [*blocks, ""], strict=True))


def main() -> None:
    """Rewrite the vectors and the page."""
    made = {name: make(read(name)) for name, make in MADE.items()}
    shown = page(PAGE.read_text("utf-8"), made)
    for name, vectors in made.items():
        (VECTORS / f"{name}.json").write_text(written(vectors), "utf-8")
    PAGE.write_text(shown, "utf-8")


if __name__ == "__main__":
    main()
