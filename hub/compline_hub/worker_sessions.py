"""What a worker is to the broker: the certificate that it shows, and the session that it must not leave behind."""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import Iterable
from dataclasses import replace

import structlog

from compline_hub.core.authority import link_certificate
from compline_hub.core.shares import FIRST, user_of
from compline_hub.link.sessions import forget_session
from compline_hub.link.tls import link_context
from compline_hub.office import Hub
from compline_hub.store.certificate_files import SERIAL_BITS
from compline_shared.certificates import Certificate

_log = structlog.get_logger("compline_hub")


def forget_sessions(hub: Hub, gone: Iterable[int]) -> None:
    """Let the hub's own broker, just started, drop what it kept for workers that are gone, and for earlier versions.

    Those had sessions that last under names that anybody knew, and NATS keeps even one that does not last where NATS
    itself is killed. Frames that it holds for nobody would fill its store until it takes none from anybody. mosquitto
    goes by the certificate's name, so that there the hub's earlier session is its present one.
    """

    def forget(tls: ssl.SSLContext, *names: str) -> bool:
        forgotten = [forget_session(*hub.settings.broker_address, tls, name) for name in names]
        return False not in forgotten

    for number in gone:
        if forget(worker_context(hub, number), user_of(number), hub.keys.client_id(user_of(number))):
            _log.info("session_forgotten", number=number)
        else:
            _log.warning("session_kept", number=number)
    own = link_context(hub.certificates, hub.keys)
    if hub.settings.broker == "embedded" and not forget(own, user_of(FIRST)):
        _log.warning("session_kept", number=FIRST)


def worker_context(hub: Hub, number: int) -> ssl.SSLContext:
    """Return the context of a worker's way to the broker, with a fresh certificate."""
    return link_context(replace(hub.certificates, link=worker_certificate(hub, number)), hub.keys)


def worker_certificate(hub: Hub, number: int) -> Certificate:
    """Return a certificate under the worker's own name: a broker may keep one session a name."""
    return link_certificate(
        hub.certificates.authority,
        hub.keys,
        name=user_of(number),
        now=int(time.time()),
        serial=secrets.randbits(SERIAL_BITS) | 1,
    )
