"""The hub's certificate authority: who gets which certificate, for how long, and when a new one is due.

ca       10 years, signs the other three kinds and nothing else
server   90 days, server authentication: the broker and the pairing port
link     90 days, client authentication, CN `hub`: the hub's own way to its broker
handset  30 days, client authentication, CN = handset id

All keys are P-256, all signatures ECDSA with SHA-256, deterministic (RFC 6979): the same arguments give the same bytes.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from compline_hub.core.keys import HubKeys
from compline_shared.certificates import Certificate, read_certificate
from compline_shared.ids import HandsetId
from compline_shared.p256 import point_of, public_key

HUB_USER: Final = "hub"
"""Common name of the hub's own client certificate, and its user at the broker."""
OWN_NAMES: Final = ("127.0.0.1", "::1", "localhost")
"""Names that the server's certificate always carries."""

DAY: Final = 86_400
AUTHORITY_LIFE: Final = 3_652 * DAY
SERVER_LIFE: Final = 90 * DAY
HANDSET_LIFE: Final = 30 * DAY
BACKDATED: Final = 3_600
"""Seconds before now from which a certificate counts: a broker on another machine may have a clock a little behind."""
_AUTHORITY_SINCE: Final = 1_577_836_800
"""2020-01-01: a hub that was set up with its clock ahead must not have an authority that is not valid yet."""


@dataclass(frozen=True, slots=True)
class HubCertificates:
    """The certificates that a hub serves with."""

    authority: Certificate
    server: Certificate
    link: Certificate


def refreshed(
    held: HubCertificates | None, keys: HubKeys, *, names: Sequence[str], now: int, serials: Iterator[int]
) -> HubCertificates:
    """Return what the hub should have now: what is held, but for what is due, not valid yet, or of other keys or names.

    ``names`` are host names and addresses beside the three own ones; ``serials`` gives random numbers below 2^159.
    An authority is never renewed while its key stands: handsets know it by its bytes.
    """
    authority = None if held is None or held.authority.point != point_of(keys.ca) else held.authority
    if authority is None:
        authority = new_authority(keys.ca, now=now, serial=next(serials))
    server = link = None
    if held is not None:
        wanted = frozenset((*OWN_NAMES, *names))
        if _stands(held.server, authority, keys.tls, now) and _names(held.server) == wanted:
            server = held.server
        if _stands(held.link, authority, keys.link, now):
            link = held.link
    return HubCertificates(
        authority=authority,
        server=server or _server(authority, keys, names=names, now=now, serial=next(serials)),
        link=link or link_certificate(authority, keys, name=HUB_USER, now=now, serial=next(serials)),
    )


def link_certificate(
    authority: Certificate, keys: HubKeys, *, name: str, now: int, serial: int
) -> Certificate:
    """Return a certificate of the key of the hub's own way to its broker, under the name of a process of the hub."""
    return _client(authority, keys, name, keys.link.public_key(), SERVER_LIFE, now, serial)


def handset_certificate(
    authority: Certificate, keys: HubKeys, *, handset: HandsetId, point: bytes, now: int, serial: int
) -> Certificate:
    """Return a handset's certificate of 30 days for its P-256 public key; MalformedFrame where the key is none."""
    return _client(authority, keys, handset, public_key(point), HANDSET_LIFE, now, serial)


def authority_name(der: bytes) -> bytes:
    """Return the 8 bytes by which the hub's store calls an authority, of its certificate."""
    return hashlib.sha256(der).digest()[:8]


def _stands(
    certificate: Certificate, authority: Certificate, key: ec.EllipticCurvePrivateKey, now: int
) -> bool:
    return (
        certificate.not_before <= now < certificate.due
        and certificate.point == point_of(key)
        and certificate.issued_by(authority)
    )


def _names(certificate: Certificate) -> frozenset[str]:
    parsed = x509.load_der_x509_certificate(certificate.der)
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = names.get_values_for_type(x509.DNSName)
    return frozenset((*hosts, *map(str, names.get_values_for_type(x509.IPAddress))))


def new_authority(key: ec.EllipticCurvePrivateKey, *, now: int, serial: int) -> Certificate:
    """Return the certificate of an authority with this key."""
    name = _name("Compline hub authority")
    builder = _builder(name, name, key.public_key(), _AUTHORITY_SINCE, now + AUTHORITY_LIFE, serial)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return _signed(builder, key)


def _server(
    authority: Certificate, keys: HubKeys, *, names: Sequence[str], now: int, serial: int
) -> Certificate:
    end = min(now + SERVER_LIFE, authority.not_after)
    builder = _leaf(authority, keys, "compline", keys.tls.public_key(), now - BACKDATED, end, serial)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    everyone = [_general(name) for name in dict.fromkeys((*OWN_NAMES, *names))]
    builder = builder.add_extension(x509.SubjectAlternativeName(everyone), critical=False)
    return _signed(builder, keys.ca)


def _client(
    authority: Certificate,
    keys: HubKeys,
    name: str,
    key: ec.EllipticCurvePublicKey,
    life: int,
    now: int,
    serial: int,
) -> Certificate:
    end = min(now + life, authority.not_after)
    builder = _leaf(authority, keys, name, key, now - BACKDATED, end, serial)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return _signed(builder, keys.ca)


def _leaf(
    authority: Certificate,
    keys: HubKeys,
    name: str,
    key: ec.EllipticCurvePublicKey,
    start: int,
    end: int,
    serial: int,
) -> x509.CertificateBuilder:
    issuer = x509.load_der_x509_certificate(authority.der).subject
    builder = _builder(_name(name), issuer, key, start, end, serial)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys.ca.public_key())
    return builder.add_extension(identifier, critical=False)


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: int, end: int, serial: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(datetime.fromtimestamp(start, UTC))
        .not_valid_after(datetime.fromtimestamp(end, UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> Certificate:
    certificate = builder.sign(key, SHA256(), ecdsa_deterministic=True)
    return read_certificate(certificate.public_bytes(Encoding.DER))


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
