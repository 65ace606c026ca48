"""The pairing port: how a handset joins by a code, and how it renews its certificate."""

import hashlib
import hmac
import secrets
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.stranger.cbor import decode, encode
from tests.stranger.frames import signed_by
from tests.stranger.sealing import mac

PATIENCE = 20.0
MOST = 16_384
REFUSED = 3
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: times are judged by the handset, not by TLS

REASONS = {
    1: "no offer",
    2: "expired",
    3: "used",
    4: "spent",
    5: "wrong proof",
    6: "collector elsewhere",
    7: "handset refused",
    8: "unknown handset",
    9: "withdrawn",
    10: "unable",
}


class Refused(Exception):
    """The hub said no, or is not the hub; the message says why."""


def trusting(authorities: list[bytes]) -> ssl.SSLContext:
    """TLS 1.3 to whoever has a certificate of one of these authorities, whatever its name or time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    if authorities:
        context.verify_flags |= NO_CHECK_TIME
        for authority in authorities:
            context.load_verify_locations(cadata=authority)
    else:
        context.verify_mode = ssl.CERT_NONE
    return context


class _Talk:
    """Messages over one connection."""

    def __init__(self, wire: ssl.SSLSocket) -> None:
        self._wire = wire

    def send(self, *body: Any) -> bytes:
        message = encode([list(body)])
        self._wire.sendall(len(message).to_bytes(2, "big") + message)
        return message

    def _exactly(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            piece = self._wire.recv(size - len(got))
            if not piece:
                raise Refused("the hub hung up")
            got += piece
        return got

    def receive(self, tag: int, members: int) -> tuple[bytes, list[Any]]:
        size = int.from_bytes(self._exactly(2), "big")
        message = self._exactly(size) if size <= MOST else b""
        try:
            ((found, *body),) = decode(message, MOST)
        except (ValueError, TypeError) as error:
            raise Refused("malformed") from error
        if found == REFUSED and len(body) == 2:
            raise Refused(f"{REASONS.get(body[0])}, {body[1]} tries left")
        if found != tag or len(body) != members:
            raise Refused("another message than expected")
        return message, body

    def wait_for_the_end(self) -> None:
        """Until the hub hangs up: what is left unread here would tear the connection under its last message."""
        with suppress(OSError):
            self._wire.recv(1)

    @property
    def certificate(self) -> bytes:
        return self._wire.getpeercert(binary_form=True) or b""


@contextmanager
def _talk(host: str, port: int, authorities: list[bytes]) -> Iterator[_Talk]:
    with (
        socket.create_connection((host, port), timeout=PATIENCE) as plain,
        trusting(authorities).wrap_socket(plain, server_hostname=host) as wire,
    ):
        yield _Talk(wire)


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def read_code(code: str) -> tuple[str, bytes]:
    """The two characters that name the offer, and the secret."""
    plain = code.upper().replace("-", "").replace(" ", "").translate(str.maketrans("OIL", "011"))
    if len(plain) != 16:
        raise ValueError("a code has 16 characters")
    return plain[:2], plain[2:].encode("ascii")


def issued_by(certificate: bytes, authority: bytes) -> bool:
    """Whether an authority issued a certificate."""
    try:
        x509.load_der_x509_certificate(certificate).verify_directly_issued_by(
            x509.load_der_x509_certificate(authority)
        )
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def point(key: EllipticCurvePrivateKey) -> bytes:
    """A P-256 key's public point, uncompressed."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass(frozen=True)
class Joined:
    """What pairing brought."""

    certificate: bytes
    grant: bytes
    hub_time: int
    keys: list[Any]


@contextmanager
def joining(
    code: str, host: str, port: int, handset: bytes, identity: Ed25519PrivateKey, tls: EllipticCurvePrivateKey
) -> Iterator[Joined]:
    """Prove the code and be proven it; the caller keeps what came, and only then the hub hears of it."""
    short, secret = read_code(code)
    public = identity.public_key().public_bytes_raw()
    with _talk(host, port, []) as talk:
        first = talk.send(1, short, handset, public, point(tls), secrets.token_bytes(16))
        second, (_nonce, hub_time, keys, _officer) = talk.receive(1, 4)
        if not issued_by(talk.certificate, keys[3][0]):
            raise Refused("the server's certificate is of another authority")
        t = _sha(b"compline/1 pairing" + _sha(first) + _sha(second) + _sha(talk.certificate))
        k = HKDF(SHA256(), 32, salt=None, info=b"compline/1 pairing secret").derive(secret)
        talk.send(2, mac(k, b"handset", t), identity.sign(b"compline/1 join" + t))
        _, (proof, certificate, grant) = talk.receive(2, 3)
        if not hmac.compare_digest(proof, mac(k, b"hub", t, _sha(certificate), _sha(grant))):
            raise Refused("the hub does not know the code")
        yield Joined(certificate, grant, hub_time, keys)
        talk.send(3)
        talk.wait_for_the_end()


def renewed(
    host: str,
    port: int,
    keys: list[Any],
    handset: bytes,
    identity: Ed25519PrivateKey,
    tls: EllipticCurvePrivateKey,
) -> tuple[bytes, int]:
    """A new certificate for the same key, and the hub's time."""
    with _talk(host, port, keys[3]) as talk:
        first = talk.send(4, handset, secrets.token_bytes(16))
        second, _ = talk.receive(4, 1)
        talk.send(5, identity.sign(b"compline/1 renew" + first + second))
        _, (certificate, hub_time, signature) = talk.receive(5, 3)
    told = b"compline/1 renewed" + first + _sha(certificate) + hub_time.to_bytes(8, "big")
    own = point_of(certificate)
    if not signed_by(keys[1], signature, told) or own != point(tls):
        raise Refused("not the hub's word")
    return certificate, hub_time


def point_of(certificate: bytes) -> bytes:
    """The public point in a certificate."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
