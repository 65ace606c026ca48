"""The port where handsets pair and renew: TLS 1.3, few connections, few bytes, few seconds.

A message is its length (2 bytes, big-endian) and its bytes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, TypeAlias

import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from compline_hub.errors import HubBusy
from compline_hub.link.tls import load_identity
from compline_hub.service.pairing import Conversation, Pairing
from compline_shared.certificates import Certificate
from compline_shared.errors import MalformedFrame
from compline_shared.pairing import MAX_UP, read_up, write_down

MAX_CONNECTIONS: Final = 32
MAX_PER_ADDRESS: Final = 8
MAX_MESSAGES: Final = 3
"""Messages that a handset says in one conversation."""
HANDSHAKE_SECONDS: Final = 5.0
SECONDS: Final = 30.0
"""That a connection may last; the handset's disk is written meanwhile."""
Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""A conversation of another kind, bounded by itself."""
_log = structlog.get_logger("compline_hub.pairing")


class PairingPort:
    """One listener; `renew` changes its certificate without breaking conversations."""

    def __init__(
        self, pairing: Pairing, *, host: str, port: int, others: Mapping[str, Talk] | None = None
    ) -> None:
        """`others` take the connections whose ALPN name they go by."""
        self._pairing = pairing
        self._others = others or {}
        self._host = host
        self._port = port
        self._open: Counter[str] = Counter()
        self._server: asyncio.Server | None = None

    async def start(self, certificate: Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        """Listen, showing this certificate; raises HubBusy where the port is taken."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(list(self._others))
        load_identity(context, certificate, key)

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._meet(reader, writer, certificate.der)

        try:
            self._server = await asyncio.start_server(
                meet,
                self._host,
                self._port,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                limit=2 * MAX_UP,
                backlog=MAX_CONNECTIONS,
            )
        except OSError as error:
            raise HubBusy(
                f"Port {self._port} is taken by another program; stop it or choose another pairing_port."
            ) from error

    async def renew(self, certificate: Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        """Show another certificate from the next connection on."""
        await self.stop()
        await self.start(certificate, key)

    async def stop(self) -> None:
        """Take no more connections; harmless when it never listened."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _meet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, certificate: bytes
    ) -> None:
        peer = str((writer.get_extra_info("peername") or ("?",))[0])
        if self._open.total() >= MAX_CONNECTIONS or self._open[peer] >= MAX_PER_ADDRESS:
            writer.transport.abort()
            _log.warning("pairing_crowded", connections=self._open.total())
            return
        self._open[peer] += 1
        try:
            other = self._others.get(writer.get_extra_info("ssl_object").selected_alpn_protocol() or "")
            if other is not None:
                await other(reader, writer)
            async with asyncio.timeout(SECONDS):
                if other is None:
                    await self._converse(reader, writer, self._pairing.converse(certificate))
                writer.close()
                with suppress(OSError):  # the handset has what it wanted and is gone
                    await writer.wait_closed()
        except MalformedFrame:
            _log.warning("pairing_malformed")
        except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            _log.info("pairing_broken_off", reason=type(error).__name__)
        except Exception as error:  # noqa: BLE001 (one conversation must not end the port)
            _log.error("pairing_failed", error=type(error).__name__)
        finally:
            writer.transport.abort()
            self._open[peer] -= 1
            self._open += Counter()  # addresses without a connection go

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, conversation: Conversation
    ) -> None:
        for _ in range(MAX_MESSAGES):
            said = read_up(await _frame(reader))
            for answer in await asyncio.to_thread(conversation.hear, said):
                payload = write_down(answer)
                writer.write(len(payload).to_bytes(2, "big") + payload)
                _log.info("pairing_answered", answer=type(answer).__name__)
            await writer.drain()
            if conversation.over:
                return


async def _frame(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(2), "big")
    if not 0 < length <= MAX_UP:
        raise MalformedFrame("A message on the pairing port is too long; the connection was closed.")
    return await reader.readexactly(length)
