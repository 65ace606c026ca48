"""What may answer in the hub's place on a pairing port: somebody who passes messages on, or a hub that lies."""

from __future__ import annotations

import asyncio
import queue
import secrets
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from compline_edge.link.tls import stranger_context
from compline_hub.link.tls import load_identity
from compline_shared.enrolment import write_grant
from compline_shared.pairing import (
    MAX_DOWN,
    MAX_UP,
    Down,
    Join,
    Offered,
    Taken,
    Up,
    read_down,
    read_up,
    write_down,
    write_up,
)
from tests.homes import HubKeys

SECONDS = 20.0
MALLORY = HubKeys(b"mallory")
"""Whoever stands between: has an authority and a server certificate of its own."""

Meet = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Between:
    """Ends the handset's TLS, reads everything, passes it on to the hub in TLS of its own."""

    def __init__(self, target: int, *, own_authority: bool) -> None:
        self._target = target
        self._own_authority = own_authority
        self.read: list[Up | Down] = []

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(
            "127.0.0.1", self._target, ssl=stranger_context()
        )
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                said = read_up(await _frame(reader, MAX_UP))
                self.read.append(said)
                _send(far_writer, write_up(said))
                answer = read_down(await _frame(far_reader, MAX_DOWN))
                self.read.append(answer)
                if isinstance(answer, Offered) and self._own_authority:
                    own = (MALLORY.certificates.authority.der,)
                    keys = msgspec.structs.replace(answer.keys, authorities=own)
                    answer = msgspec.structs.replace(answer, keys=keys)
                _send(writer, write_down(answer))
        far_writer.transport.abort()
        writer.transport.abort()


async def lying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take any code, and give a grant of one's own."""
    with suppress(asyncio.IncompleteReadError, OSError):
        join = read_up(await _frame(reader, MAX_UP))
        assert isinstance(join, Join)
        offered = Offered(
            nonce=bytes(16),
            hub_time=1_795_600_000,
            keys=MALLORY.public,
            officer=None,
        )
        _send(writer, write_down(offered))
        await _frame(reader, MAX_UP)
        certificate = MALLORY.certify(join.handset.hex(), join.tls)
        grant = write_grant(MALLORY.grant(join.handset.hex()))
        _send(writer, write_down(Taken(secrets.token_bytes(32), certificate.der, grant)))
        await _frame(reader, MAX_UP)
    writer.transport.abort()


@contextmanager
def serving(meet: Meet) -> Iterator[int]:
    """Serve as Mallory on a free port of 127.0.0.1 until the end of the block; gives the port."""
    started: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = queue.Queue()

    async def serve() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_identity(context, MALLORY.certificates.server, MALLORY.all.tls)
        server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=context)
        stop = asyncio.Event()
        started.put((asyncio.get_running_loop(), stop, server.sockets[0].getsockname()[1]))
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="false hub")
    thread.start()
    loop, stop, port = started.get(timeout=SECONDS)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(SECONDS)


async def _frame(reader: asyncio.StreamReader, limit: int) -> bytes:
    length = int.from_bytes(await reader.readexactly(2), "big")
    assert length <= limit
    return await reader.readexactly(length)


def _send(writer: asyncio.StreamWriter, payload: bytes) -> None:
    writer.write(len(payload).to_bytes(2, "big") + payload)
