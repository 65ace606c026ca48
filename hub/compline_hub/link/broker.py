"""Starts, reloads and stops the message broker that belongs to a hub."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from compline_hub.errors import BrokerFailed
from compline_hub.link.broker_files import BrokerTls, Listener, mosquitto_files, nats_files, write_files
from compline_shared.ids import HandsetId

Product = Literal["nats", "mosquitto"]
START_SECONDS = 15.0
STOP_SECONDS = 10.0
FILES: dict[Product, Callable[[Listener, Sequence[HandsetId], BrokerTls], dict[str, str]]] = {
    "nats": nats_files,
    "mosquitto": mosquitto_files,
}
"""What each product reads."""


class ChildBroker:
    """A broker as a child process: NATS from its wheel, or the mosquitto of this machine.

    Its log goes to `broker.log` beside its configuration; that log holds topics and user names, which are handset ids.
    """

    def __init__(self, product: Product, listener: Listener, tls: Callable[[], BrokerTls]) -> None:
        """`tls` is asked at start and at each reload."""
        self._product = product
        self.listener = listener
        self._tls = tls
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, handsets: Sequence[HandsetId]) -> None:
        """Start and wait until MQTT connections are taken.

        Raises:
            BrokerFailed: no program, the port is taken, or it ended at once.
        """
        program = _program(self._product)
        await self._end_orphan()
        if _listening(self.listener):
            raise BrokerFailed(
                f"Port {self.listener.port} is taken by another program; stop it or choose another mqtt_port."
            )
        self._write(handsets)
        folder = self.listener.folder
        (folder / self._product).mkdir(mode=0o700, exist_ok=True)
        with (folder / "broker.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program,
                *self._arguments(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._wait_listening(self._process)
        except TimeoutError as error:
            await self.stop()
            raise BrokerFailed(
                f"The broker did not listen within {START_SECONDS:.0f} s; see broker.log."
            ) from error

    async def reload(self, handsets: Sequence[HandsetId]) -> None:
        """Let exactly these handsets in from now on, with the certificate of now; who stays is not dropped."""
        if self._write(handsets) and self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    async def ended(self) -> int:
        """Wait until the process ends; return its exit status (0 when it was never started)."""
        return await self._process.wait() if self._process is not None else 0

    async def stop(self) -> None:
        """End the process and wait for it; harmless when it has ended."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _write(self, handsets: Sequence[HandsetId]) -> bool:
        files = FILES[self._product](self.listener, sorted(handsets), self._tls())
        return write_files(self.listener.folder, files)

    def _arguments(self) -> list[str]:
        configuration = str(self.listener.folder / f"{self._product}.conf")
        return ["-c", configuration]

    async def _end_orphan(self) -> None:
        """End the broker that a killed hub left behind: the process of our pid file that runs our configuration."""
        try:
            pid = int((self.listener.folder / f"{self._product}.pid").read_text())
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return
        if os.fsencode(self._arguments()[1]) not in arguments:
            return
        os.kill(pid, signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            while Path(f"/proc/{pid}").exists():
                await asyncio.sleep(0.02)

    async def _wait_listening(self, process: asyncio.subprocess.Process) -> None:
        while not _listening(self.listener):
            if process.returncode is not None:
                raise BrokerFailed(
                    "The broker ended as soon as it was started; see broker.log in the hub's data folder."
                )
            await asyncio.sleep(0.02)


class OutsideBroker:
    """A broker that somebody else runs; the hub leaves it certificate, key and rights, for mosquitto and NATS."""

    def __init__(self, listener: Listener, tls: Callable[[], BrokerTls]) -> None:
        self.listener = listener
        self._tls = tls

    async def start(self, handsets: Sequence[HandsetId]) -> None:
        """Write the files; the broker's keeper loads them."""
        await self.reload(handsets)

    async def reload(self, handsets: Sequence[HandsetId]) -> None:
        """Write the files anew, and the folders that they name as the broker's store."""
        for product, files in FILES.items():
            write_files(self.listener.folder, files(self.listener, sorted(handsets), self._tls()))
            (self.listener.folder / product).mkdir(mode=0o700, exist_ok=True)

    async def ended(self) -> int:
        """Never: it is not ours."""
        await asyncio.Event().wait()
        return 0

    async def stop(self) -> None:
        """Leave it running."""


def _program(product: Product) -> str:
    if product == "nats":
        name = "nats-server.exe" if os.name == "nt" else "nats-server"
        wheel = Path(sysconfig.get_path("scripts")) / name
        found = str(wheel) if wheel.exists() else shutil.which("nats-server")
    else:
        found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    if found is None:
        raise BrokerFailed(
            f'The broker program of {product} is not installed; install it or change the setting "broker".'
        )
    return found


def _listening(listener: Listener) -> bool:
    try:
        with socket.create_connection((listener.host, listener.port), timeout=1.0):
            return True
    except OSError:
        return False
