"""Reads the certificates that a hub makes: whose they are, from when to when, and by whom they were issued."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from compline_shared.errors import MalformedFrame
from compline_shared.p256 import point_of

MAX_CERTIFICATE: Final = 2_048
"""Bytes of one certificate, DER."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says; times are Unix s, both ends included."""

    der: bytes
    name: str  # common name of its subject
    point: bytes  # its P-256 public key, 65 bytes
    not_before: int
    not_after: int

    @property
    def due(self) -> int:
        """When a new one is fetched or made: after two thirds of its life."""
        return self.not_before + (self.not_after - self.not_before) * 2 // 3

    @property
    def pem(self) -> str:
        """As programs read it from files."""
        return _parsed(self.der).public_bytes(Encoding.PEM).decode("ascii")

    def issued_by(self, authority: Certificate) -> bool:
        """Whether the authority's key signed it; says nothing of the time."""
        try:
            _parsed(self.der).verify_directly_issued_by(_parsed(authority.der))
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True


def read_certificate(der: bytes) -> Certificate:
    """Return what a certificate of at most 2,048 bytes says.

    Raises:
        MalformedFrame: no certificate, one of another kind of key, or one without a name.
    """
    parsed = _parsed(der)
    try:
        key = parsed.public_key()
        names = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, x509.UnsupportedGeneralNameType):
        raise _malformed() from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1" or len(names) != 1:
        raise _malformed()
    return Certificate(
        der=der,
        name=str(names[0].value),
        point=point_of(key),
        not_before=int(parsed.not_valid_before_utc.timestamp()),
        not_after=int(parsed.not_valid_after_utc.timestamp()),
    )


def issued_by_any(certificate: Certificate, authorities: Iterable[bytes]) -> bool:
    """Whether one of some authorities (DER) issued a certificate; raises MalformedFrame where one is none."""
    return any(certificate.issued_by(read_certificate(authority)) for authority in authorities)


def _parsed(der: bytes) -> x509.Certificate:
    if len(der) > MAX_CERTIFICATE:
        raise _malformed()
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        raise _malformed() from None


def _malformed() -> MalformedFrame:
    return MalformedFrame("A certificate is not of the kind that hubs make; it was dropped.")
