"""A relay between handset and broker on loopback that keeps every byte that passes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Relay:
    """Listens on a free port of 127.0.0.1 and passes everything on to `target` until closed."""

    def __init__(self, target: int) -> None:
        self.up = bytearray()
        self.down = bytearray()
        self._target = target
        self._sockets: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._serve, name="relay", daemon=True).start()

    def close(self) -> None:
        """Break all connections and stop listening."""
        self._door.close()
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [near, far]
                for source, sink, kept in ((near, far, self.up), (far, near, self.down)):
                    threading.Thread(
                        target=_pass, args=(source, sink, kept), name="pass", daemon=True
                    ).start()


def _pass(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            kept += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
