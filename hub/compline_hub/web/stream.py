"""The live stream: each verdict once, in order of arrival, resumable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from compline_hub.core.record import Query
from compline_hub.service.desk import Desk
from compline_hub.web.schemas import verdict_out
from compline_shared.ids import MAX_SEQ

HEARTBEAT_SECONDS = 10.0
RETRY_MILLISECONDS = 1_000
MAX_STREAMS = 64
CHUNK = 100


class Streams:
    """Counts open streams, so that forgotten pages cannot exhaust the hub."""

    def __init__(self, *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._open = 0
        self._heartbeat = heartbeat

    @property
    def full(self) -> bool:
        """Whether no further stream may open."""
        return self._open >= MAX_STREAMS

    async def events(self, desk: Desk, after: int) -> AsyncGenerator[ServerSentEventMessage, None]:
        """Yield verdicts that arrived after `after`, then each new one; a `tick` when nothing came for a heartbeat."""
        self._open += 1
        try:
            yield ServerSentEventMessage(event="hello", id=after, data=str(after), retry=RETRY_MILLISECONDS)
            while not desk.news.closed:
                waiting = asyncio.create_task(desk.news.wait(seconds=self._heartbeat))
                try:
                    found = await asyncio.to_thread(desk.verdicts, Query(after=after, limit=CHUNK))
                    for kept in found:
                        after = kept.arrival
                        data = msgspec.json.encode(verdict_out(kept))
                        yield ServerSentEventMessage(event="verdict", id=after, data=data.decode())
                    if len(found) < CHUNK and not await waiting:
                        yield ServerSentEventMessage(event="tick", data=str(desk.now()))
                finally:
                    waiting.cancel()
        finally:
            self._open -= 1


@get("/api/stream")
async def stream(
    desk: NamedDependency[Desk],
    streams: NamedDependency[Streams],
    last_event_id: Annotated[int | None, HeaderParameter(name="Last-Event-ID", ge=0, le=MAX_SEQ)] = None,
    after: Annotated[int | None, QueryParameter(ge=0, le=MAX_SEQ)] = None,
) -> ServerSentEvent:
    """Verdicts as server-sent events; resumes after `Last-Event-ID`, else after `after`, else now."""
    if streams.full:
        raise ServiceUnavailableException("Too many pages are open on this hub; close some.")
    start = last_event_id if last_event_id is not None else after
    if start is None:
        start = await asyncio.to_thread(desk.last_arrival)
    return ServerSentEvent(streams.events(desk, start))
