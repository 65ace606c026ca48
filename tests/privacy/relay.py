"""A relay between handset and broker on loopback that has the keys of both and keeps every byte inside TLS."""

from __future__ import annotations

import asyncio
import queue
import ssl
import threading
from contextlib import suppress
from pathlib import Path

from compline_edge.core.identity import identity_of
from compline_edge.link.tls import handset_context
from compline_edge.vault.certificate_store import CertificateStore
from compline_hub.core.authority import HubCertificates
from compline_hub.core.keys import HubKeys
from compline_hub.link.tls import load_identity
from compline_hub.office import certificates_of
from compline_hub.settings import HubSettings
from compline_hub.store.key_files import KeyFiles


class Relay:
    """Listens on a free port of 127.0.0.1 and passes everything on to `target` until closed.

    Keys are those of `folder`/hub and `folder`/handset, read at the first connection.
    """

    def __init__(self, target: int, folder: Path) -> None:
        self.up = bytearray()
        self.down = bytearray()
        self._target = target
        self._folder = folder
        self._ports: queue.Queue[int] = queue.Queue()
        self._loop = asyncio.new_event_loop()
        self._done = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])
        self._thread.start()
        self.port = self._ports.get()

    def close(self) -> None:
        """Break all connections and stop listening."""
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()
        self._loop.close()

    def handset_context(self) -> ssl.SSLContext:
        """What the handset itself speaks TLS with."""
        home = self._folder / "handset"
        certificate = CertificateStore(home).certificate()
        assert certificate is not None
        key = identity_of((home / "identity.key").read_bytes()).tls
        return handset_context((self._hub()[0].authority.der,), certificate, key)

    async def _serve(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificates, keys = self._hub()
        load_identity(context, certificates.server, keys.tls)
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0, ssl=context)
        self._ports.put(server.sockets[0].getsockname()[1])
        await self._done.wait()
        server.close()
        here = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not here]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _meet(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        try:
            far_in, far_out = await asyncio.open_connection(
                "127.0.0.1", self._target, ssl=self.handset_context()
            )
        except OSError:
            near_out.transport.abort()
            return
        try:
            await asyncio.gather(
                _pass(near_in, far_out, self.up), _pass(far_in, near_out, self.down), return_exceptions=True
            )
        finally:
            near_out.transport.abort()
            far_out.transport.abort()

    def _hub(self) -> tuple[HubCertificates, HubKeys]:
        settings = HubSettings(data_dir=str(self._folder / "hub"))
        keys = KeyFiles(settings.data / "keys").load()
        return certificates_of(settings, keys), keys


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter, kept: bytearray) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            kept += data
            sink.write(data)
            await sink.drain()
    sink.transport.abort()
