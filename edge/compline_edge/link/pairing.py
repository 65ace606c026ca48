"""Speaks with the hub's pairing port: joins by a code, and renews the certificate of a handset that has joined."""

from __future__ import annotations

import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from cryptography.exceptions import InvalidSignature

from compline_edge.core.identity import Identity
from compline_edge.core.joining import Asking, Doubt, Failed, Proving, State, Won, ask, hear
from compline_edge.link.errors import FalseHub, NotRenewed, PairingRefused, Unreachable
from compline_edge.link.tls import hub_context, shown_by, stranger_context
from compline_edge.ports import Address
from compline_shared.certificates import Certificate, issued_by_any, read_certificate
from compline_shared.errors import MalformedFrame
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import HandsetId
from compline_shared.p256 import point_of
from compline_shared.pairing import (
    MAX_DOWN,
    Challenge,
    Down,
    Joined,
    ProveRenewal,
    Refused,
    Renew,
    Renewed,
    Up,
    read_down,
    renewal_asked,
    renewal_given,
    write_up,
)
from compline_shared.pairing_code import Invitation

PATIENCE: Final = 20.0
"""Seconds that a whole conversation may take, the handset's own writing left out."""


class Wire:
    """One connection to the pairing port, with a deadline; whatever goes wrong on it is Unreachable."""

    def __init__(self, connection: ssl.SSLSocket, until: float) -> None:
        self._connection = connection
        self._until = until
        self.server = shown_by(connection)
        """The certificate that TLS showed, DER."""

    def say(self, body: Up) -> None:
        """Send one message."""
        payload = write_up(body)
        with _named():
            self._connection.settimeout(self._left())
            self._connection.sendall(len(payload).to_bytes(2, "big") + payload)

    def hear(self) -> Down:
        """Return the next message."""
        with _named():
            length = int.from_bytes(self._exactly(2), "big")
            if not 0 < length <= MAX_DOWN:
                raise MalformedFrame("A message of the hub is too long; the connection was closed.")
            return read_down(self._exactly(length))

    def finish(self, body: Up) -> None:
        """Say a last word and wait until the hub has taken it, for as long as a conversation may take."""
        self._until = time.monotonic() + PATIENCE
        with suppress(Unreachable):
            self.say(body)
            self.hear()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            self._connection.settimeout(self._left())
            piece = self._connection.recv(count - len(data))
            if not piece:
                raise ConnectionError("closed")
            data += piece
        return data

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def join_at(
    address: Address,
    invitation: Invitation,
    *,
    identity: Identity,
    handset: HandsetId,
    keep: Callable[[Won], None],
) -> None:
    """Pair by a code: `keep` gets what was won, and the hub hears that it is kept once `keep` has returned.

    Raises:
        Unreachable: nobody answers, or not as a hub does.
        PairingRefused: the hub says no.
        FalseHub: what answers does not know the code.
    """
    with _connected(address, stranger_context()) as wire:
        state: State
        state, first = ask(
            invitation, identity, handset=handset, nonce=secrets.token_bytes(16), server=wire.server
        )
        wire.say(first)
        while isinstance(state, Asking | Proving):
            state, answer = hear(state, wire.hear())
            if answer is not None:
                wire.say(answer)
        if isinstance(state, Failed):
            raise _failure(state)
        keep(state)
        wire.finish(Joined())


def renew_at(
    address: Address, handset: HandsetId, *, hub: HubPublicKeys, identity: Identity
) -> tuple[Certificate, int]:
    """Return a new certificate and the hub's time (Unix s), both fresh; an ended certificate does not matter.

    Raises:
        Unreachable: nobody answers, or not this handset's hub.
        NotRenewed: the hub does not know this handset any more.
    """
    with _connected(address, hub_context(hub.authorities)) as wire:
        renew = Renew(bytes.fromhex(handset), secrets.token_bytes(16))
        wire.say(renew)
        challenge = wire.hear()
        if isinstance(challenge, Refused):
            raise NotRenewed(NotRenewed.__doc__)
        if not isinstance(challenge, Challenge):
            raise Unreachable("The hub answered out of turn; the handset tries again.")
        wire.say(ProveRenewal(identity.signing.sign(renewal_asked(renew, challenge))))
        renewed = wire.hear()
        if not isinstance(renewed, Renewed):
            raise NotRenewed(NotRenewed.__doc__)
    return _checked(renew, renewed, hub, identity), renewed.hub_time


def _checked(renew: Renew, renewed: Renewed, hub: HubPublicKeys, identity: Identity) -> Certificate:
    text = renewal_given(renew, certificate=renewed.certificate, hub_time=renewed.hub_time)
    try:
        hub.receipt_key.verify(renewed.signature, text)
        certificate = read_certificate(renewed.certificate)
        good = issued_by_any(certificate, hub.authorities)
    except (InvalidSignature, MalformedFrame):
        good = False
    if not good or (certificate.name, certificate.point) != (renew.handset.hex(), point_of(identity.tls)):
        raise Unreachable("The hub's answer is not what it should be; the handset tries again.")
    return certificate


@contextmanager
def _connected(address: Address, context: ssl.SSLContext) -> Iterator[Wire]:
    until = time.monotonic() + PATIENCE
    with ExitStack() as closing:
        with _named():
            plain = socket.create_connection((address.host, address.port), timeout=PATIENCE)
            closing.callback(plain.close)
            connection = closing.enter_context(context.wrap_socket(plain))
        yield Wire(connection, until)


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except (OSError, MalformedFrame) as error:
        raise Unreachable(
            "No hub answers there as it should: check that it runs, its address and its pairing port."
        ) from error


def _failure(failed: Failed) -> PairingRefused | FalseHub | Unreachable:
    if isinstance(failed.why, Refused):
        return PairingRefused(failed.why.reason, failed.why.tries_left)
    if failed.why is Doubt.UNREADABLE:
        return Unreachable(
            "What answers there does not pair as this version does; update both and try again."
        )
    return FalseHub(failed.why)
