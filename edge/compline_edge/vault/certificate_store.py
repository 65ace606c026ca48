"""Keeps the handset's certificate and the hub's last word on the time in the agent's home.

home/certificate  0600  DER
home/hub_time     0600  Unix s, 8 bytes, big-endian

They stand beside the identity, not in a binding's folder: a handset whose vault was wiped still owes its hub a receipt.
Neither is a secret, and both can be had anew from the hub.
"""

from __future__ import annotations

from pathlib import Path

from compline_edge.vault.durable import make_folder, write_file
from compline_shared.certificates import MAX_CERTIFICATE, Certificate, read_certificate
from compline_shared.errors import MalformedFrame


class CertificateStore:
    """The `Certificates` port in two files."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def certificate(self) -> Certificate | None:
        """Return the handset's certificate, None where there is none that can be read."""
        try:
            with (self._home / "certificate").open("rb") as file:
                return read_certificate(file.read(MAX_CERTIFICATE + 1))
        except (FileNotFoundError, MalformedFrame):
            return None

    def hub_time(self) -> int | None:
        """Return what the hub said last, Unix s, None where it has not spoken."""
        try:
            with (self._home / "hub_time").open("rb") as file:
                said = file.read(9)
        except FileNotFoundError:
            return None
        return int.from_bytes(said, "big") if len(said) == 8 else None

    def keep(self, certificate: Certificate, *, hub_time: int) -> None:
        """Keep both durably, one after the other; raises StorageFull, and what was there stands."""
        make_folder(self._home)
        write_file(self._home / "hub_time", hub_time.to_bytes(8, "big"))
        write_file(self._home / "certificate", certificate.der)
