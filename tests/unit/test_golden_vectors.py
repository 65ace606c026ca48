"""The golden vectors are what the program that makes them makes of what they follow from, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_edge.core.identity import identity_of
from compline_shared.batch import open_verdicts, unpack
from compline_shared.commands import Rebind, unseal_secrets, verify_command
from compline_shared.ids import BindingId, HandsetId
from compline_shared.place import Place
from tests.golden_vectors import MADE, PAGE, VECTORS, page, read, verdict_of, written

COMPUTED = {
    "verdicts": ("bytes", "canonical"),
    "batch": ("genesis", "heads", "canonical", "receipt"),
    "binding": ("handset_tls_private", "payload", "frame", "signature", "plaintext", "bytes"),
    "pairing": (
        *("join", "offered", "transcript", "prove", "taken", "joined", "refused"),
        *("renew", "challenge", "prove_renewal", "renewed"),
    ),
}
"""Members that follow from the others."""


def without(vectors: Any, names: tuple[str, ...]) -> Any:
    """The same with nothing under these names, at whatever depth."""
    if isinstance(vectors, list):
        return [without(each, names) for each in vectors]
    if isinstance(vectors, dict):
        return {name: "" if name in names else without(each, names) for name, each in vectors.items()}
    return vectors


def committed(name: str) -> str:
    return (VECTORS / f"{name}.json").read_text("utf-8")


@pytest.mark.parametrize("name", MADE)
def test_vectors_when_made_anew_then_as_committed(name: str) -> None:
    assert written(MADE[name](read(name))) == committed(name)


@pytest.mark.parametrize("name", MADE)
def test_vectors_when_what_is_computed_was_lost_then_made_anew_all_the_same(name: str) -> None:
    bare = without(read(name), COMPUTED[name])
    assert written(bare) != committed(name)
    assert written(MADE[name](bare)) == committed(name)


@pytest.mark.parametrize(("name", "seed"), [("batch", "hub_signing_seed"), ("pairing", "handset_seed")])
def test_control_vectors_when_a_seed_is_another_then_other_vectors(name: str, seed: str) -> None:
    old = read(name) | {seed: "99" * 32}
    assert MADE[name](old) != old


def test_batch_when_its_seal_does_not_open_then_sealed_anew_to_the_same() -> None:
    old = read("batch")
    made = MADE["batch"](old | {"frame": ""})

    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(old["hub_sealing_private"]))
    phone = identity_of(bytes.fromhex(old["handset_seed"])).signing.public_key()
    opened = open_verdicts(unpack(bytes.fromhex(made["frame"]), phone, HandsetId(old["handset"])), key)

    assert opened == tuple(verdict_of(members) for members in old["verdicts"])
    assert made | {"frame": old["frame"]} == old


def test_rebind_when_its_secrets_do_not_open_then_sealed_anew_and_signed() -> None:
    old = read("binding")
    made = MADE["binding"](old | {"sealed": old["sealed"] | {"sealed": ""}})

    (frame,) = (each["frame"] for each in made["commands"] if each["what"] == "rebind")
    hub = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(old["hub_command_seed"]))
    body = verify_command(bytes.fromhex(frame), hub.public_key(), HandsetId(old["handset"])).body
    assert isinstance(body, Rebind)
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(old["answer_private"]))
    begins = Place(HandsetId(old["handset"]), BindingId(old["binding"]), old["epoch"] + 1)
    secrets = unseal_secrets(body.sealed, key, begins=begins, nonce=body.nonce)

    opened = (secrets.freeze_key, secrets.binding_secret, secrets.next_freeze_key)
    assert [secret.hex() for secret in opened] == old["sealed"]["members"]


def test_page_when_made_anew_then_as_committed() -> None:
    shown = PAGE.read_text("utf-8")
    assert page(shown, {name: read(name) for name in MADE}) == shown


def test_page_when_a_frame_on_it_is_wrong_then_put_right() -> None:
    shown = PAGE.read_text("utf-8")
    refused = read("pairing")["refused"]
    assert page(shown.replace(f"\n{refused}\n", "\n00\n"), {name: read(name) for name in MADE}) == shown


def test_page_when_it_shows_a_frame_more_then_refused() -> None:
    shown = PAGE.read_text("utf-8") + "\n```\n00\n```\n"
    with pytest.raises(ValueError, match="shows 9 frames, not 8"):
        page(shown, {name: read(name) for name in MADE})
