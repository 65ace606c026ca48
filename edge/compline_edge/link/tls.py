"""Makes the handset's TLS contexts; its key passes through memory only, never through a file on a disk."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from compline_shared.certificates import Certificate

_NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL; ssl.VerifyFlags has no name for it


class ClosingSocket(ssl.SSLSocket):
    """Closes itself where the handshake fails; paho forgets such a one and leaves it to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands, or close; raises what `ssl.SSLSocket` does."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def hub_context(authorities: Sequence[bytes]) -> ssl.SSLContext:
    """Return a context that takes the server of one of this hub's authorities (DER) and no other, in TLS 1.3.

    Times are left to `core.certificate_life`. The host's name is not checked: an address is a hint, and under these
    authorities only the hub's own server has a certificate for servers.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.load_verify_locations(cadata=b"".join(authorities))
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | _NO_CHECK_TIME)
    return context


def handset_context(
    authorities: Sequence[bytes], certificate: Certificate, key: ec.EllipticCurvePrivateKey
) -> ssl.SSLContext:
    """Return `hub_context` with the handset's own certificate and key in it."""
    context = hub_context(authorities)
    context.sslsocket_class = ClosingSocket
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    handle = os.memfd_create("identity", os.MFD_CLOEXEC)
    try:
        os.write(handle, certificate.pem.encode("ascii") + pem)
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
    return context


def stranger_context() -> ssl.SSLContext:
    """Return a context that takes any server in TLS 1.3; what it says is believed only by a proof made above TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def shown_by(connection: ssl.SSLSocket) -> bytes:
    """Return the server's certificate as it was seen, DER; empty where there is none."""
    return connection.getpeercert(binary_form=True) or b""
