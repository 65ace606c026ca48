"""The two enrolment files round-trip, and what is not one is refused without quoting it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compline_shared.enrolment import (
    MAX_FILE,
    BadEnrolment,
    EnrolmentRequest,
    Secret,
    read_grant,
    read_request,
    write_grant,
    write_request,
)
from tests.homes import HubKeys

GRANT = HubKeys().grant("00112233445566ff", port=1883)
REQUEST = EnrolmentRequest(
    handset="00112233445566ff",
    signing_key_public=bytes(32),
    tls_key_public=bytes(65),
)


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(write_grant(GRANT)) | fields).encode()


def test_grant_when_read_then_as_written() -> None:
    assert write_grant(read_grant(write_grant(GRANT))) == write_grant(GRANT)


def test_grant_when_read_then_its_keys_work() -> None:
    grant, keys = read_grant(write_grant(GRANT)), HubKeys()
    assert grant.hub_keys.sealing_key == keys.sealing.public_key()
    assert grant.hub_keys.receipt_key == keys.signing.public_key()
    assert bytes(grant.branch_key) == bytes(keys.branch)
    assert (grant.place.handset, grant.place.binding, grant.place.epoch) == (
        "00112233445566ff",
        "8899aabbccddeeff",
        1,
    )


def test_request_when_read_then_as_written() -> None:
    assert read_request(write_request(REQUEST)) == REQUEST


def test_request_when_read_then_names_its_handset() -> None:
    assert read_request(write_request(REQUEST)).handset_id == "00112233445566ff"


def test_grant_when_shown_then_no_secret_is() -> None:
    shown = repr(GRANT)
    assert GRANT.binding_secret is not None
    assert bytes(GRANT.binding_secret).hex() not in shown
    assert shown.count("********") == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"\xff\xfe",
        write_grant(GRANT)[:-20],
        write_request(REQUEST),
        changed(handset="00112233445566FF"),
        changed(binding="../../etc/passwd"),
        changed(branch_key="c2hvcnQ="),
        changed(binding_secret="c2hvcnQ="),
        changed(hub_keys=[]),
        changed(hub_keys=["c2hvcnQ=", "c2hvcnQ=", "c2hvcnQ=", ["c2hvcnQ="]]),
        changed(mqtt_port=0),
        changed(epoch=-1),
        changed(more=1),
        b" " * MAX_FILE + write_grant(GRANT),
    ],
    ids=range(16),
)
def test_grant_when_it_is_none_then_one_sentence_without_its_content(data: bytes) -> None:
    with pytest.raises(BadEnrolment, match="not a grant that this version can read") as refusal:
        read_grant(data)
    assert refusal.value.__cause__ is None


def test_request_when_it_is_none_then_one_sentence() -> None:
    with pytest.raises(BadEnrolment, match="not an enrolment request"):
        read_request(b"[]")


@pytest.mark.parametrize("raw", [b"", bytes(129)])
def test_secret_when_empty_or_long_then_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 128 bytes"):
        Secret(raw)


def test_secret_when_compared_then_by_its_bytes() -> None:
    assert Secret(b"a") == Secret(b"a") != Secret(b"b")
    assert len({Secret(b"a"), Secret(b"a")}) == 1
