"""Deposits one piece of sealed evidence with the hub, from wherever the hub is with it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, Final

from compline_edge.core.identity import Identity
from compline_edge.link.errors import Unreachable
from compline_edge.link.tls import hub_context
from compline_edge.ports import Address
from compline_shared.errors import ComplineError, MalformedFrame
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.message_frame import encode_message
from compline_shared.transfer import (
    ALPN,
    MAX_ANSWER,
    PLACE_BYTES,
    Answer,
    Complete,
    Decline,
    Declined,
    Deposit,
    Kept,
    Offer,
    read_answer,
    sign_offer,
    verify_receipt,
)

CHUNK: Final = 65_536
"""Bytes sent at a time: 26 s on a link of 20 kbit/s, below the hub's patience of 60."""
PATIENCE: Final = 90.0
"""Seconds in which an answer must come."""
LOOK_UP: Final = 1.0
"""Seconds of waiting after which ``go_on`` is asked."""


class NotTaken(ComplineError):
    """The hub does not take a piece of evidence."""

    def __init__(self, reason: Decline) -> None:
        super().__init__(f"The hub does not take the evidence ({reason.code}).")
        self.reason = reason


def deposit_at(
    address: Address,
    hub: HubPublicKeys,
    offer: Offer,
    *,
    identity: Identity,
    source: BinaryIO,
    go_on: Callable[[], bool] = lambda: True,
) -> None:
    """Send what the hub lacks of a sealed file; returns once its signed receipt is here.

    ``go_on`` is asked before each chunk. Raises:
        Unreachable: no hub of ours, or the connection broke; what was sent is kept there.
        NotTaken: the hub does not want it, or not now.
    """
    with _connected(address, hub) as connection:
        _say(connection, encode_message(Deposit(offer.handset, sign_offer(offer, identity.signing))))
        while True:
            answer = _hear(connection, go_on)
            match answer:
                case Kept(size=size):
                    if not go_on():
                        raise Unreachable("The agent is ending; the rest of the evidence follows later.")
                    source.seek(size)
                    data = source.read(CHUNK)
                    if not data:
                        raise NotTaken(Decline.DAMAGED)
                    _say(connection, size.to_bytes(PLACE_BYTES, "big") + data)
                case Complete(receipt=receipt):
                    try:
                        verify_receipt(receipt, hub.receipt_key, offer)
                    except MalformedFrame as error:
                        raise Unreachable(
                            "The receipt is not this hub's; the handset tries again."
                        ) from error
                    return
                case Declined(reason=reason):
                    raise NotTaken(reason)


@contextmanager
def _connected(address: Address, hub: HubPublicKeys) -> Iterator[ssl.SSLSocket]:
    context = hub_context(hub.authorities)
    context.set_alpn_protocols([ALPN])
    with ExitStack() as closing:
        try:
            plain = socket.create_connection((address.host, address.port), timeout=PATIENCE)
            closing.callback(plain.close)
            connection = closing.enter_context(context.wrap_socket(plain))
        except OSError as error:
            raise Unreachable("The hub does not answer at its pairing port.") from error
        if connection.selected_alpn_protocol() != ALPN:
            raise Unreachable("This hub does not take evidence; update it.")
        yield connection


def _say(connection: ssl.SSLSocket, payload: bytes) -> None:
    try:
        connection.settimeout(PATIENCE)
        connection.sendall(len(payload).to_bytes(4, "big") + payload)
    except OSError as error:
        raise Unreachable("The connection to the hub broke; the rest follows later.") from error


def _hear(connection: ssl.SSLSocket, go_on: Callable[[], bool]) -> Answer:
    try:
        connection.settimeout(LOOK_UP)
        length = int.from_bytes(_exactly(connection, 4, go_on), "big")
        return read_answer(_exactly(connection, min(length, MAX_ANSWER + 1), go_on))
    except (OSError, MalformedFrame) as error:
        raise Unreachable("The connection to the hub broke; the rest follows later.") from error


def _exactly(connection: ssl.SSLSocket, count: int, go_on: Callable[[], bool]) -> bytes:
    data, until = b"", time.monotonic() + PATIENCE
    while len(data) < count:
        try:
            piece = connection.recv(count - len(data))
        except TimeoutError:
            if time.monotonic() > until or not go_on():
                raise
            continue
        if not piece:
            raise ConnectionError("closed")
        data += piece
    return data
