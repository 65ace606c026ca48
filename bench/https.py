"""Bytes of a verdict all told, TLS and answers included, beside what a cloud service gets: JSON by HTTPS.

Both go through real TLS 1.3 in memory, one connection that stands already; what TCP/IP adds is the same for both and
left out. The JSON is the very same verdict, posted with the headers of a common client and a token of 32 characters.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from itertools import count
from random import Random

import h11
import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bench.figure import Figure
from bench.wire import BATCH, PLACE, PUBACK, day, publish_head, sealed
from compline_hub.core.authority import refreshed
from compline_hub.core.keys import HubKeys, certificate_key
from compline_hub.link.tls import load_identity
from compline_shared.batch import Outcome, Receipt, pack, pack_receipt
from compline_shared.masking import BranchKey
from compline_shared.messages import Verdict
from compline_shared.topics import down, up
from compline_shared.wire import SegmentBase

_FOUNDED = 1_795_000_000


class Line:
    """A TLS 1.3 connection between two ends in memory that counts what passes."""

    def __init__(self) -> None:
        self._wires = (ssl.MemoryBIO(), ssl.MemoryBIO())
        server, client = _contexts()
        self._client = client.wrap_bio(self._wires[1], self._wires[0], server_hostname="localhost")
        self._server = server.wrap_bio(self._wires[0], self._wires[1], server_side=True)
        for _ in range(4):
            for end in (self._client, self._server):
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue
        self._passed(self._server, b"\0", self._client)  # and with it the tickets that a server sends first

    def passed(self, request: bytes, *answers: bytes) -> int:
        """Send one to the server and the others back; return the bytes on the wire, both ways."""
        there = self._passed(self._client, request, self._server)
        return there + sum(self._passed(self._server, answer, self._client) for answer in answers)

    def _passed(self, sender: ssl.SSLObject, data: bytes, reader: ssl.SSLObject) -> int:
        wire = self._wires[0] if sender is self._client else self._wires[1]
        sender.write(data)
        sent, left = wire.pending, len(data)
        while left:
            left -= len(reader.read(left))
        return sent


def figures() -> Iterable[Figure]:
    """Yield a verdict's bytes in a batch of 50, and alone, each beside JSON in a request of its own."""
    verdicts = day(Random(20261123))
    line = Line()
    alone = sum(line.passed(_request([verdict]), _answer()) for verdict in verdicts) / BATCH
    together = line.passed(_request(verdicts), _answer()) / BATCH
    yield Figure("verdict_bytes_against_https", _ours(line, verdicts), "B", alone, "lower")
    yield Figure("verdict_bytes_against_https_array", _ours(line, verdicts), "B", together, "lower")
    single = sum(_ours(line, [verdict]) for verdict in verdicts) / BATCH
    yield Figure("single_verdict_bytes_against_https", single, "B", alone, "lower")


def _ours(line: Line, verdicts: list[Verdict]) -> float:
    base = SegmentBase(verdicts[0].seq, verdicts[0].started, verdicts[0].versions)
    key, hub = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    frame = pack(sealed(verdicts, base, hub), key)
    taken = Receipt(PLACE.handset, PLACE.binding, verdicts[-1].seq, bytes(32), Outcome.TAKEN)
    receipt = pack_receipt(taken, key)
    there = bytes(publish_head(up(PLACE.handset), len(frame))) + frame
    back = bytes(publish_head(down(PLACE.handset), len(receipt), qos=0)) + receipt
    return line.passed(there, bytes(PUBACK), back) / len(verdicts)


def _request(verdicts: list[Verdict]) -> bytes:
    content = msgspec.json.encode(
        verdicts if len(verdicts) > 1 else verdicts[0], enc_hook=lambda mark: bytes(mark).hex()
    )
    client = httpx.Client(headers={"Authorization": "Bearer " + 32 * "x", "Content-Type": "application/json"})
    request = client.build_request("POST", "https://hub.example/api/verdicts", content=content)
    client.close()
    connection = h11.Connection(h11.CLIENT)
    head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
    parts = (connection.send(head), connection.send(h11.Data(content)), connection.send(h11.EndOfMessage()))
    return b"".join(part or b"" for part in parts)


def _answer() -> bytes:
    body = b'{"status":"ok"}'
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        b"date: Wed, 25 Nov 2026 09:00:00 GMT\r\nserver: uvicorn\r\n\r\n%s" % (len(body), body)
    )


def _contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    keys = HubKeys(
        sealing=X25519PrivateKey.generate(),
        signing=Ed25519PrivateKey.generate(),
        command=Ed25519PrivateKey.generate(),
        branch=BranchKey(bytes(32)),
        escrow=bytes(32),
        ca=certificate_key(b"1" * 32),
        tls=certificate_key(b"2" * 32),
        link=certificate_key(b"3" * 32),
        session=bytes(32),
    )
    made = refreshed(None, keys, names=(), now=_FOUNDED, serials=count(1))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    load_identity(server, made.server, keys.tls)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return server, client
