"""What every keeper of certificates promises; run on each adapter."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.errors import StorageFull
from tests.homes import HubKeys

KEYS = HubKeys()
OLD = KEYS.certify("a" * 16, KEYS.certificates.link.point, now=1_795_500_000)
NEW = KEYS.certify("a" * 16, KEYS.certificates.link.point, now=1_797_500_000)


def test_certificates_when_nothing_was_kept_then_none(tmp_path: Path) -> None:
    store = CertificateStore(tmp_path)
    assert (store.certificate(), store.hub_time()) == (None, None)


def test_certificates_when_kept_then_another_instance_has_them(tmp_path: Path) -> None:
    CertificateStore(tmp_path).keep(NEW, hub_time=7)
    again = CertificateStore(tmp_path)
    assert (again.certificate(), again.hub_time()) == (NEW, 7)


def test_certificates_when_damaged_then_none(tmp_path: Path) -> None:
    CertificateStore(tmp_path).keep(NEW, hub_time=7)
    for name in ("certificate", "hub_time"):
        (tmp_path / name).write_bytes(b"damaged")
    again = CertificateStore(tmp_path)
    assert (again.certificate(), again.hub_time()) == (None, None)


def test_certificates_when_the_disk_is_full_then_the_old_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CertificateStore(tmp_path)
    store.keep(OLD, hub_time=7)
    monkeypatch.setattr(os, "fsync", _no_room)

    with pytest.raises(StorageFull):
        store.keep(NEW, hub_time=8)

    assert (store.certificate(), store.hub_time()) == (OLD, 7)


def _no_room(_handle: int) -> None:
    raise OSError(28, "No space left on device")
