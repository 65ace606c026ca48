"""The scanner itself: every form that it promises to see, planted and found."""

from __future__ import annotations

import base64
import gzip
import json
import zlib

import pytest

from tests.privacy.scan import find_leaks, written_forms

NAME = "欧阳若汐"
NUMBER = "15400007788"


@pytest.mark.parametrize("canary", [NAME, NUMBER])
def test_scan_when_any_form_is_planted_then_it_is_found(canary: str) -> None:
    unseen = [
        form
        for form, written in written_forms(canary).items()
        if not find_leaks({"log": b"before " + written + b" after"}, [canary])
    ]
    assert unseen == []


@pytest.mark.parametrize("prefix", [b"", b"a", b"ab", b"abc"])
def test_scan_when_a_longer_text_is_base64_coded_then_the_canary_in_it_is_found(prefix: bytes) -> None:
    planted = base64.b64encode(prefix + f"对 {NAME} 说".encode())
    assert find_leaks({"wire": planted}, [NAME])


def test_scan_when_json_escapes_characters_then_the_canary_is_found() -> None:
    assert find_leaks({"log": json.dumps({"who": NAME}).encode()}, [NAME])


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_scan_when_the_canary_is_compressed_then_it_is_found(pack: object) -> None:
    assert callable(pack)
    assert find_leaks({"file": b"head" + pack(NAME.encode() * 3)}, [NAME])


def test_scan_when_nothing_is_planted_then_nothing_is_found() -> None:
    assert find_leaks({"log": b'{"event": "verdict_kept", "seq": 1}'}, [NAME, NUMBER]) == []
