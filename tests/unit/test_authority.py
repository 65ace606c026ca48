"""Which certificates a hub makes, for whom, for how long, and when anew."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from compline_hub.core.authority import (
    DAY,
    HANDSET_LIFE,
    OWN_NAMES,
    SERVER_LIFE,
    HubCertificates,
    handset_certificate,
    refreshed,
)
from compline_shared.certificates import MAX_CERTIFICATE, Certificate, read_certificate
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId
from compline_shared.p256 import point_of, private_key, public_key
from tests.homes import HubKeys

NOW = 1_795_500_000
KEYS = HubKeys().all
OTHER = HubKeys(b"another hub").all
HANDSET = HandsetId("00112233445566ff")
POINT = point_of(private_key(bytes(range(48))))


def made(now: int = NOW, held: HubCertificates | None = None, *names: str) -> HubCertificates:
    return refreshed(held, KEYS, names=names, now=now, serials=count(1))


def usage_of(certificate: Certificate) -> list[x509.ObjectIdentifier]:
    parsed = x509.load_der_x509_certificate(certificate.der)
    return list(parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_certificates_when_made_from_the_same_then_the_same_bytes() -> None:
    assert made() == made()


def test_certificates_when_made_then_each_serves_one_purpose() -> None:
    certificates = made()
    assert usage_of(certificates.server) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert usage_of(certificates.link) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert certificates.link.name == "hub"


def test_certificates_when_made_then_the_authority_issued_them() -> None:
    certificates = made()
    assert certificates.server.issued_by(certificates.authority)
    assert certificates.link.issued_by(certificates.authority)
    assert not certificates.link.issued_by(
        refreshed(None, OTHER, names=(), now=NOW, serials=count(1)).authority
    )


def test_server_when_made_with_names_then_it_is_for_them_and_the_loopback() -> None:
    parsed = x509.load_der_x509_certificate(made(NOW, None, "hub.lan", "192.168.7.2").server.der)
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    said = {str(name.value) for name in names}
    assert said == {*OWN_NAMES, "hub.lan", "192.168.7.2"}


def test_handset_certificate_when_made_then_it_is_its_own_for_thirty_days() -> None:
    authority = made().authority
    certificate = handset_certificate(authority, KEYS, handset=HANDSET, point=POINT, now=NOW, serial=5)
    assert (certificate.name, certificate.point) == (HANDSET, POINT)
    assert certificate.not_after == NOW + HANDSET_LIFE
    assert usage_of(certificate) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_handset_certificate_when_its_key_is_none_then_malformed() -> None:
    with pytest.raises(MalformedFrame):
        handset_certificate(made().authority, KEYS, handset=HANDSET, point=b"\x04" * 65, now=NOW, serial=5)


@pytest.mark.parametrize(
    ("days", "kept"), [(0, True), (59, True), (61, False), (400, False), (-30, False), (-3_000, False)]
)
def test_certificates_when_time_passes_then_all_but_the_authority_are_made_anew(
    days: int, kept: bool
) -> None:
    first = made()
    later = made(NOW + days * DAY, first)
    assert later.authority == first.authority
    assert (later.server == first.server, later.link == first.link) == (kept, kept)
    assert later.server.not_before <= NOW + days * DAY <= later.server.not_after


def test_certificates_when_names_change_then_only_the_server_is_made_anew() -> None:
    first = made()
    later = made(NOW, first, "hub.lan")
    assert (later.authority, later.link) == (first.authority, first.link)
    assert later.server != first.server


def test_certificates_when_the_authoritys_key_is_another_then_all_are_made_anew() -> None:
    foreign = refreshed(None, OTHER, names=(), now=NOW, serials=count(1))
    later = made(NOW, foreign)
    assert later.authority.point == point_of(KEYS.ca)
    assert later.server.issued_by(later.authority)


def test_certificates_when_the_clock_was_ahead_then_the_authority_is_valid_today() -> None:
    founded = made(NOW + 9_000 * DAY)
    assert made(NOW, founded).authority.not_before < NOW


def test_certificate_when_two_thirds_are_through_then_it_is_due() -> None:
    server = made().server
    life = server.not_after - server.not_before
    assert server.due == server.not_before + life * 2 // 3
    assert life == SERVER_LIFE + 3_600


@pytest.mark.parametrize(
    "der", [b"", b"\x30\x03\x02\x01\x01", bytes(MAX_CERTIFICATE + 1), made().server.der[:-1]]
)
def test_certificate_when_it_is_none_then_malformed(der: bytes) -> None:
    with pytest.raises(MalformedFrame):
        read_certificate(der)


def foreign(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, *names: str) -> bytes:
    """A certificate that no hub makes, DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text) for text in names])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    builder = builder.not_valid_before(datetime.fromtimestamp(NOW, UTC))
    builder = builder.not_valid_after(datetime.fromtimestamp(NOW + DAY, UTC))
    hashed = None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()
    return builder.sign(key, hashed).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "der",
    [
        foreign(ed25519.Ed25519PrivateKey.generate(), "hub"),
        foreign(ec.generate_private_key(ec.SECP384R1()), "hub"),
        foreign(ec.generate_private_key(ec.SECP256R1())),
        foreign(ec.generate_private_key(ec.SECP256R1()), "hub", "another"),
    ],
    ids=["another kind of key", "another curve", "no name", "two names"],
)
def test_certificate_when_no_hub_makes_such_then_malformed(der: bytes) -> None:
    with pytest.raises(MalformedFrame):
        read_certificate(der)


def test_p256_when_the_point_is_read_then_the_same_key() -> None:
    assert point_of(public_key(POINT)) == POINT


@pytest.mark.parametrize("point", [b"", bytes(65), POINT[:-1], b"\x04" + bytes(64)])
def test_p256_when_the_point_is_none_then_malformed(point: bytes) -> None:
    with pytest.raises(MalformedFrame):
        public_key(point)


def test_p256_when_the_material_is_short_then_refused() -> None:
    with pytest.raises(ValueError, match="48"):
        private_key(bytes(47))
