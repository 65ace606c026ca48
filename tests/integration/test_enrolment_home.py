"""A handset gets an identity once, joins one binding, and refuses what is not for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline_edge.vault.errors import AlreadyEnrolled, NotEnrolled
from compline_edge.vault.identity import create_identity, join
from compline_shared.enrolment import BadEnrolment, read_request
from tests.homes import HubKeys, enrolled, opened

KEYS = HubKeys()


def test_identity_when_made_twice_then_the_same(tmp_path: Path) -> None:
    assert create_identity(tmp_path / "home") == create_identity(tmp_path / "home")


def test_identity_when_made_then_request_file_says_it(tmp_path: Path) -> None:
    request = create_identity(tmp_path / "home")
    assert read_request((tmp_path / "home" / "request.json").read_bytes()) == request


def test_identity_when_opened_then_signs_as_requested(tmp_path: Path) -> None:
    request = create_identity(tmp_path / "home")
    with opened(enrolled(tmp_path)) as here:
        assert here.identity.signing.public_key() == request.verify_key


def test_join_when_repeated_then_vault_key_stays(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    wrap = next(home.rglob("vault.wrap")).read_bytes()
    join(home, KEYS.grant(create_identity(home).handset))
    assert next(home.rglob("vault.wrap")).read_bytes() == wrap


def test_join_when_there_is_no_identity_then_says_to_run_join(tmp_path: Path) -> None:
    with pytest.raises(NotEnrolled, match="compline-edge join"):
        join(tmp_path, KEYS.grant("0" * 16))


def test_join_when_grant_is_for_another_handset_then_refused(tmp_path: Path) -> None:
    create_identity(tmp_path / "home")
    with pytest.raises(BadEnrolment, match="another handset"):
        join(tmp_path / "home", KEYS.grant("0" * 16))


def test_join_when_bound_to_another_binding_then_refused(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with pytest.raises(AlreadyEnrolled):
        join(home, KEYS.grant(create_identity(home).handset, binding="1" * 16))


def test_home_when_not_joined_then_says_to_run_join(tmp_path: Path) -> None:
    create_identity(tmp_path / "home")
    with pytest.raises(NotEnrolled, match="compline-edge join"):
        opened(tmp_path / "home")
