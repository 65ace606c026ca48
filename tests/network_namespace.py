"""A network namespace without a name: it lives as long as somebody holds it, so that nothing is left behind."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

_CLONE_NEWNET: Final = 0x40000000
_TUN: Final = Path("/dev/net/tun")
_TUN_DEVICE: Final = os.makedev(10, 200)
_LIBC = ctypes.CDLL(None, use_errno=True)
_T = TypeVar("_T")


class Namespace:
    """A network of its own with its loopback up; threads and programs can be put into it."""

    def __init__(self) -> None:
        """Raises OSError where the system does not let this process have one."""
        self.fd = -1
        _in_thread(self._make)

    def close(self) -> None:
        """Let go of it; it ends with the last program in it."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def call(self, what: Callable[[], _T]) -> _T:
        """Call ``what`` in a thread inside; sockets and programs that it makes stay inside."""

        def inside() -> _T:
            enter(self.fd)
            return what()

        return _in_thread(inside)

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program inside."""
        return self.call(lambda: subprocess.Popen(command, **options))

    def ip(self, *arguments: str) -> None:
        """Run iproute2's `ip` inside."""
        self.call(lambda: subprocess.run(["ip", *arguments], check=True, capture_output=True))

    def read(self, path: str) -> str:
        """Read a file of /proc/net as it is inside; ``path`` is below that folder."""
        return self.call(lambda: Path("/proc/thread-self/net", path).read_text(encoding="ascii"))

    def congestion_control(self, name: str) -> None:
        """Say how TCP inside reckons its window where a program does not choose: a phone's and a server's default."""
        path = Path("/proc/sys/net/ipv4/tcp_congestion_control")
        self.call(lambda: path.write_text(name, encoding="ascii"))

    def _make(self) -> None:
        _checked(_LIBC.unshare(_CLONE_NEWNET))
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True, capture_output=True)


def enter(fd: int) -> None:
    """Put the calling thread into the namespace behind a file descriptor."""
    _checked(_LIBC.setns(fd, _CLONE_NEWNET))


def tun_node() -> Path:
    """Return the device that makes TUN interfaces, made where it is missing; raises OSError."""
    if not _TUN.exists():
        _TUN.parent.mkdir(exist_ok=True)
        os.mknod(_TUN, 0o20666, _TUN_DEVICE)
    return _TUN


def why_none() -> str | None:
    """Say why this process can have no namespace with a TUN interface; None where it can."""
    try:
        namespace = Namespace()
        namespace.close()
        os.close(os.open(tun_node(), os.O_RDWR))
    except OSError as error:
        return f"no network namespace with a TUN interface here ({error.strerror}); run as root"
    except subprocess.CalledProcessError:
        return "iproute2's `ip` does not work here"
    return None


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _in_thread(what: Callable[[], _T]) -> _T:
    """Call in a thread that ends afterwards: its namespace is nobody else's."""
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(what())
        except BaseException as error:  # noqa: BLE001 (the caller gets it)
            errors.append(error)

    thread = threading.Thread(target=run, name="namespace")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
