"""Keeps the hub's certificates in files beside its keys; they are public and are made again where they are missing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from compline_hub.core.authority import HubCertificates, refreshed
from compline_hub.core.keys import HubKeys
from compline_hub.store.durable import write_durably
from compline_shared.certificates import MAX_CERTIFICATE, Certificate, read_certificate
from compline_shared.errors import MalformedFrame

SERIAL_BITS = 159
"""Of a random serial number (RFC 5280 allows 20 bytes and wants it positive)."""


class CertificateFiles:
    """`ca.crt`, `tls.crt` and `link.crt`, DER, in the folder of the keys that they belong to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def refresh(
        self, keys: HubKeys, *, names: Sequence[str], now: int, authority: Certificate | None = None
    ) -> HubCertificates:
        """Return the certificates that the hub should have now, and keep those that are new, durably.

        ``authority`` is the one that handsets were told of; None takes that of the files.
        """
        held = self._held()
        told = held if authority is None else _under(held, authority)
        wanted = refreshed(told, keys, names=names, now=now, serials=serials())
        for name, certificate in _named(wanted).items():
            if held is None or _named(held)[name] != certificate:
                write_durably(self._folder / f"{name}.crt", certificate.der)
        return wanted

    def _held(self) -> HubCertificates | None:
        try:
            authority, server, link = (self._read(name) for name in ("ca", "tls", "link"))
        except (FileNotFoundError, MalformedFrame):
            return self._authority_alone()
        return HubCertificates(authority=authority, server=server, link=link)

    def _authority_alone(self) -> HubCertificates | None:
        """Handsets know the authority by its bytes: it stays also where the others were lost."""
        try:
            authority = self._read("ca")
        except (FileNotFoundError, MalformedFrame):
            return None
        return _alone(authority)

    def _read(self, name: str) -> Certificate:
        with (self._folder / f"{name}.crt").open("rb") as file:
            return read_certificate(file.read(MAX_CERTIFICATE + 1))


def _alone(authority: Certificate) -> HubCertificates:
    return HubCertificates(authority=authority, server=authority, link=authority)


def _under(held: HubCertificates | None, authority: Certificate) -> HubCertificates:
    return _alone(authority) if held is None else replace(held, authority=authority)


def serials() -> Iterator[int]:
    """Random serial numbers."""
    while True:
        yield secrets.randbits(SERIAL_BITS) | 1


def _named(certificates: HubCertificates) -> dict[str, Certificate]:
    return {"ca": certificates.authority, "tls": certificates.server, "link": certificates.link}
