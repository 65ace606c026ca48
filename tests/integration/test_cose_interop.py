"""Frames of ours hold for an independent implementation of COSE_Sign1, and its frames for ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from compline_shared.codec import encode
from compline_shared.envelope import sign, verify
from compline_shared.errors import MalformedFrame
from tests.bindings import HUB, STRANGER

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".run" / "interop-venv" / "bin" / "python"
NEEDED = ("cwt==3.3.0", "cbor2<6")
TAG = b"\xd2"  # 18, COSE_Sign1: we leave it out
PUBLIC = HUB.public_key().public_bytes_raw().hex()
PAYLOADS = [b"", b"payload", bytes(255), bytes(256), bytes(65_000)]
CONTEXTS = [b"", b"compline/1 command 00112233445566ff"]
Oracle: TypeAlias = Callable[[dict[str, Any]], bytes | None]


def has_cwt() -> bool:
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", "import cwt"], check=False).returncode == 0


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    """Answers one request; its environment is made once, for it needs another cbor2 than ours."""
    if not has_cwt():
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", PYTHON.parents[1]], check=False, capture_output=True
        )
        wanted = [str(PYTHON), "-m", "pip", "install", "--quiet", "--retries=1", "--timeout=20", *NEEDED]
        if (
            made.returncode
            or subprocess.run(wanted, check=False, capture_output=True, timeout=100).returncode
        ):
            pytest.skip(f"{NEEDED[0]} could not be installed: no package index within reach")

    def answer(request: dict[str, Any]) -> bytes | None:
        answered = subprocess.run(
            [PYTHON, ROOT / "tests" / "cose_oracle.py"],
            input=json.dumps([request]),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        (found,) = json.loads(answered.stdout)
        return None if found is None else bytes.fromhex(found)

    return answer


def verified(oracle: Oracle, frame: bytes, *, context: bytes, public: str = PUBLIC) -> bytes | None:
    request = {"do": "verify", "frame": frame.hex(), "context": context.hex(), "public": public}
    return oracle(request)


@pytest.mark.parametrize("context", CONTEXTS, ids=len)
@pytest.mark.parametrize("payload", PAYLOADS, ids=len)
def test_frame_when_we_sign_it_then_the_other_verifies_it(
    payload: bytes, context: bytes, oracle: Oracle
) -> None:
    assert verified(oracle, TAG + sign(payload, HUB, context=context), context=context) == payload


@pytest.mark.parametrize("context", CONTEXTS, ids=len)
@pytest.mark.parametrize("payload", PAYLOADS, ids=len)
def test_frame_when_the_other_signs_it_then_the_same_bytes_as_ours_and_verified(
    payload: bytes, context: bytes, oracle: Oracle
) -> None:
    private = HUB.private_bytes_raw().hex()
    request = {"do": "sign", "payload": payload.hex(), "context": context.hex(), "public": PUBLIC}
    made = oracle(request | {"private": private})
    assert made == TAG + sign(payload, HUB, context=context)
    assert verify(made[1:], HUB.public_key(), context=context, limit=70_000) == payload


@pytest.mark.parametrize(
    ("frame", "context", "public"),
    [
        (TAG + sign(b"payload", HUB, context=b"use"), b"another use", PUBLIC),
        (TAG + sign(b"payload", STRANGER, context=b"use"), b"use", PUBLIC),
        (TAG + sign(b"payload", HUB, context=b"use").replace(b"payload", b"PAYLOAD"), b"use", PUBLIC),
    ],
    ids=["context", "signer", "payload"],
)
def test_control_frame_when_not_signed_so_then_the_other_refuses_it(
    frame: bytes, context: bytes, public: str, oracle: Oracle
) -> None:
    assert verified(oracle, frame, context=context, public=public) is None


def test_control_frame_when_the_other_signs_for_another_use_then_we_refuse_it(oracle: Oracle) -> None:
    request = {"do": "sign", "payload": "00", "context": "aa", "public": PUBLIC}
    made = oracle(request | {"private": HUB.private_bytes_raw().hex()})
    assert made is not None
    with pytest.raises(MalformedFrame, match="signature"):
        verify(made[1:], HUB.public_key(), context=b"\xbb", limit=200)


def test_frame_when_it_carries_the_tag_then_outside_our_profile() -> None:
    with pytest.raises(MalformedFrame, match="tag"):
        verify(TAG + encode([]), HUB.public_key(), context=b"", limit=200)
