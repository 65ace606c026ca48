"""P-256 keys for certificates: the same key from the same secret bytes, and points as bytes."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from compline_shared.errors import MalformedFrame

MATERIAL_BYTES: Final = 48
"""128 bits more than the order has, so that the remainder is without bias (FIPS 186-5, A.2.1)."""
POINT_BYTES: Final = 65
"""An uncompressed point (SEC 1, 2.3.3)."""
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # FIPS 186-5


def private_key(material: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the key of 48 uniform secret bytes; ValueError for any other number of them."""
    if len(material) != MATERIAL_BYTES:
        raise ValueError(f"a P-256 key is made from {MATERIAL_BYTES} bytes")
    return ec.derive_private_key(int.from_bytes(material, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def point_of(key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public point, 65 bytes."""
    public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key of a point; raises MalformedFrame where it is none of the curve."""
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        key = None
    if key is None or len(point) != POINT_BYTES:
        raise MalformedFrame("A public key is no point of P-256; it was dropped.")
    return key
