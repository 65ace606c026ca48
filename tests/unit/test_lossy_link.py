"""What a connection is asked of the kernel, on real sockets."""

from __future__ import annotations

import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from compline_edge.link.lossy_link import UNANSWERED, tune

LINEAR = 16  # TCP_THIN_LINEAR_TIMEOUTS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the options are Linux's")


def allowed() -> list[str]:
    return Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control").read_text(encoding="ascii").split()


def test_tune_when_the_kernel_has_the_options_then_they_are_set() -> None:
    with socket.socket() as connection:
        tune(connection)
        tcp = socket.IPPROTO_TCP
        assert connection.getsockopt(tcp, socket.TCP_NODELAY) == 1
        assert connection.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == UNANSWERED
        assert connection.getsockopt(tcp, LINEAR) == 1
        chosen = connection.getsockopt(tcp, socket.TCP_CONGESTION, 16).rstrip(b"\0")
        assert (chosen == b"bbr") == ("bbr" in allowed() or chosen == b"bbr")


def test_tune_when_the_kernel_refuses_every_option_then_the_connection_stays_as_it_was() -> None:
    near, far = socket.socketpair()
    with closing(near), closing(far):
        with pytest.raises(OSError, match="not supported"):
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tune(near)
        near.sendall(b"word")
        assert far.recv(4) == b"word"
