"""Holds the handset's certificate and the hub's word on the time for everything that speaks TLS with the hub."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from compline_edge.core.certificate_life import HubTime, Standing, present, serves, standing
from compline_edge.link.errors import CertificateEnded, Unreachable
from compline_edge.link.tls import handset_context, shown_by
from compline_edge.ports import Certificates, Clock
from compline_shared.certificates import Certificate, issued_by_any, read_certificate
from compline_shared.errors import MalformedFrame
from compline_shared.hub_keys import HubPublicKeys

ASK_AGAIN: Final = 3_600.0
"""Seconds."""


class CertificateKeeper:
    """Safe to use from any thread."""

    def __init__(
        self,
        store: Certificates,
        *,
        hub: Callable[[], HubPublicKeys],
        key: ec.EllipticCurvePrivateKey,
        clock: Clock,
    ) -> None:
        """``hub`` says by which keys the hub is known now."""
        said = store.hub_time()
        self._store = store
        self._hub_keys = hub
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()
        self._own = store.certificate()
        self._hub = None if said is None else HubTime(said, heard=None)
        self._doubted = False

    @property
    def present(self) -> float:
        """The time at which certificates are judged, Unix s."""
        with self._lock:
            return self._present()

    @property
    def renewal_due(self) -> bool:
        """Whether a new certificate, or the hub's word on the time, is wanted now.

        Also where the authority that issued the present one is none of the hub's any more.
        """
        with self._lock:
            return (
                self._doubted
                or self._own is None
                or standing(self._own, at=self._present()) is not Standing.GOOD
                or not issued_by_any(self._own, self._hub_keys().authorities)
            )

    def context(self) -> ssl.SSLContext:
        """Return the context for the broker; raises CertificateEnded where the handset's own has ended."""
        with self._lock:
            own = self._own
            if own is None or standing(own, at=self._present()) is Standing.ENDED:
                self._doubted = True
                raise CertificateEnded(
                    "This handset's certificate has ended or is missing; it asks the hub for a new one by itself, "
                    "so leave it on in the hub's network."
                )
        return handset_context(self._hub_keys().authorities, own, self._key)

    def check(self, connection: object) -> None:
        """Check what TLS left open, the end of the server's certificate; raises CertificateEnded or Unreachable."""
        shown = shown_by(connection) if isinstance(connection, ssl.SSLSocket) else b""
        try:
            peer = read_certificate(shown)
        except MalformedFrame as error:
            raise Unreachable(
                "What answers there is not this handset's hub; the handset tries again."
            ) from error
        with self._lock:
            if not serves(peer, at=self._present()):
                self._doubted = True
                raise CertificateEnded(
                    "The hub's certificate has ended, or this handset's clock is far ahead; the handset asks the hub "
                    "for the time by itself. Set the clock if it is wrong."
                )

    def refused(self) -> None:
        """The broker refused this handset: its own clock may hide that its certificate has ended, so the hub is asked.

        At most once an hour: a broker may have other reasons.
        """
        with self._lock:
            heard = None if self._hub is None else self._hub.heard
            if heard is None or self._clock.monotonic() - heard > ASK_AGAIN:
                self._doubted = True

    def take(self, certificate: Certificate, *, hub_time: int) -> None:
        """Keep a new certificate and what the hub said just now of the time; raises StorageFull, and uses it anyway."""
        heard = self._clock.monotonic()
        try:
            self._store.keep(certificate, hub_time=hub_time)
        finally:
            with self._lock:
                self._own = certificate
                self._hub = HubTime(hub_time, heard=heard)
                self._doubted = False

    def _present(self) -> float:
        return present(clock=self._clock.now(), monotonic=self._clock.monotonic(), hub=self._hub)
