"""Tells every open page that something new is in the store."""

from __future__ import annotations

import asyncio


class News:
    """A bell that many tasks of one event loop wait for; intake rings it from its own thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()
        self._closed = False

    def open(self) -> None:
        """Belong to the running event loop from now on."""
        self._loop = asyncio.get_running_loop()

    def ring(self) -> None:
        """Wake all that wait; any thread may call it."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    async def wait(self, *, seconds: float) -> bool:
        """Wait for the bell; False when it stayed silent for that long."""
        bell = self._rung
        try:
            async with asyncio.timeout(seconds):
                await bell.wait()
        except TimeoutError:
            return False
        return True

    @property
    def closed(self) -> bool:
        """Whether the hub is stopping: streams end then."""
        return self._closed

    def close(self) -> None:
        """Let every waiting task go; call it in the event loop."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._rung.set()
        if not self._closed:
            self._rung = asyncio.Event()
