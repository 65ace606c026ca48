"""Frames that were written once are read for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compline_shared.batch import Outcome, open_verdicts, pack_receipt, unpack, unpack_receipt
from compline_shared.chain import Chain
from compline_shared.codec import encode
from compline_shared.envelope import sign
from compline_shared.ids import BindingId, HandsetId
from compline_shared.masking import BranchKey
from compline_shared.wire import canonical, decode_verdict, encode_verdict
from tests.golden_vectors import base_of, read, verdict_of

VERDICTS = read("verdicts")
BATCH = read("batch")


@pytest.mark.parametrize("vector", VERDICTS, ids=lambda vector: vector["what"])
def test_golden_verdict_when_decoded_then_as_it_was(vector: dict[str, Any]) -> None:
    assert decode_verdict(bytes.fromhex(vector["bytes"]), base_of(vector)) == verdict_of(vector["verdict"])


@pytest.mark.parametrize("vector", VERDICTS, ids=lambda vector: vector["what"])
def test_golden_verdict_when_encoded_then_same_bytes(vector: dict[str, Any]) -> None:
    assert encode_verdict(verdict_of(vector["verdict"]), base_of(vector)).hex() == vector["bytes"]


@pytest.mark.parametrize("vector", VERDICTS, ids=lambda vector: vector["what"])
def test_golden_verdict_when_canonical_then_same_bytes(vector: dict[str, Any]) -> None:
    assert canonical(verdict_of(vector["verdict"])).hex() == vector["canonical"]


def test_golden_batch_when_opened_then_its_verdicts() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(BATCH["handset_seed"])).public_key()
    hub = X25519PrivateKey.from_private_bytes(bytes.fromhex(BATCH["hub_sealing_private"]))
    verdicts = open_verdicts(unpack(bytes.fromhex(BATCH["frame"]), key, HandsetId(BATCH["handset"])), hub)
    assert [canonical(verdict).hex() for verdict in verdicts] == BATCH["canonical"]


def test_golden_chain_when_linked_then_its_heads() -> None:
    chain = Chain(BranchKey(bytes.fromhex(BATCH["branch_key"])), BindingId(BATCH["binding"]))
    heads = [chain.genesis]
    for body in BATCH["canonical"]:
        heads.append(chain.link(heads[-1], bytes.fromhex(body)))
    assert [head.hex() for head in heads] == [BATCH["genesis"], *BATCH["heads"]]


def test_golden_receipt_when_unpacked_then_as_signed() -> None:
    hub = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(BATCH["hub_signing_seed"]))
    receipt = unpack_receipt(bytes.fromhex(BATCH["receipt"]), hub.public_key(), HandsetId(BATCH["handset"]))
    assert (receipt.up_to, receipt.head.hex(), receipt.outcome) == (43, BATCH["heads"][-1], Outcome.TAKEN)
    assert pack_receipt(receipt, hub).hex() == BATCH["receipt"]


def test_signature_structure_when_compared_with_the_working_groups_example_then_verifies() -> None:
    """cose-wg/Examples, eddsa-sig-01: protected {1: -8, 3: 0}, no external data."""
    key = Ed25519PublicKey.from_public_bytes(
        bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    )
    signature = bytes.fromhex(
        "7142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb87"
        "11497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d"
    )
    signed = encode(["Signature1", bytes.fromhex("a201270300"), b"", b"This is the content."])
    assert key.verify(signature, signed) is None


def test_signature_when_made_then_over_the_structure_of_rfc_9052() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signed = encode(["Signature1", bytes.fromhex("a10127"), b"context", b"payload"])
    assert sign(b"payload", key, context=b"context").endswith(key.sign(signed))


@pytest.mark.parametrize("frame", [VERDICTS[0]["bytes"], VERDICTS[1]["bytes"], BATCH["receipt"]])
def test_protocol_page_when_it_shows_a_frame_then_the_golden_one(frame: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
    assert frame in page.replace("\n", "")
