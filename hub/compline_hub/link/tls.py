"""Makes the hub's TLS contexts; private keys pass through memory only, never through a file on a disk."""

from __future__ import annotations

import os
import ssl

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from compline_hub.core.authority import HubCertificates
from compline_hub.core.keys import HubKeys
from compline_shared.certificates import Certificate


class ClosingSocket(ssl.SSLSocket):
    """Closes itself where the handshake fails; paho forgets such a one and leaves it to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands, or close; raises what `ssl.SSLSocket` does."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def link_context(certificates: HubCertificates, keys: HubKeys) -> ssl.SSLContext:
    """Return the context of the hub's own way to its broker: TLS 1.3, the hub's authority and nobody else.

    The host's name is not checked: under this authority only the hub's own server has a certificate for servers.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.load_verify_locations(cadata=certificates.authority.der)
    context.sslsocket_class = ClosingSocket
    load_identity(context, certificates.link, keys.link)
    return context


def load_identity(context: ssl.SSLContext, certificate: Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """Let a context show a certificate; a later call replaces it for the handshakes that come after."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    handle = os.memfd_create("identity", os.MFD_CLOEXEC)
    try:
        os.write(handle, certificate.pem.encode("ascii") + pem)
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
