"""What the web side does when something goes wrong or nothing happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import LogCapture

from compline_hub.core.record import Query
from compline_hub.service.desk import Desk
from compline_hub.service.news import News
from compline_hub.web.application import make_application
from compline_hub.web.stream import MAX_STREAMS, Streams
from tests.branch_store import Branch, branch

PORT = 8460


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Branch]:
    with branch(tmp_path) as made:
        yield made


@pytest.fixture
def desk(office: Branch) -> Desk:
    news = News()
    return Desk(
        hub="hub",
        reading=office.hub.reading,
        phrases={},
        sentences={},
        news=news,
        refused=office.intake.refused,
    )


@asynccontextmanager
async def _web(application: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://localhost:{PORT}") as web:
        yield web


class BrokenReading:
    """A store that fails with something in its message that must not get out."""

    def verdicts(self, query: Query) -> list[Any]:
        raise RuntimeError("13800001234")


async def test_answer_when_the_store_fails_then_neither_answer_nor_log_tell_what_it_said(
    desk: Desk, office: Branch
) -> None:
    capture = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[capture])
    broken = replace(desk, reading=BrokenReading())  # type: ignore[arg-type]

    async with _web(make_application(broken, office.hub.pairing, office.orders, port=PORT)) as web:
        answer = await web.get("/api/verdicts")
    structlog.configure(**before)

    assert answer.status_code == 500
    assert "13800001234" not in answer.text + str(capture.entries)
    assert [(entry["event"], entry["error"]) for entry in capture.entries] == [
        ("request_failed", "RuntimeError")
    ]


async def test_stream_when_nothing_happens_then_it_ticks(desk: Desk) -> None:
    events = Streams(heartbeat=0.01).events(desk, 0)

    kinds = [(await anext(events)).event, (await anext(events)).event]
    await events.aclose()

    assert kinds == ["hello", "tick"]


async def test_stream_when_the_hub_stops_then_it_ends(desk: Desk) -> None:
    desk.news.close()

    kinds = [event.event async for event in Streams(heartbeat=10).events(desk, 0)]

    assert kinds == ["hello"]


async def test_stream_when_too_many_pages_are_open_then_the_next_is_refused(
    desk: Desk, office: Branch
) -> None:
    streams = Streams(heartbeat=10)
    opened = [streams.events(desk, 0) for _ in range(MAX_STREAMS)]
    for events in opened:
        await anext(events)

    async with _web(
        make_application(desk, office.hub.pairing, office.orders, port=PORT, streams=streams)
    ) as web:
        answer = await web.get("/api/stream")
    for events in opened:
        await events.aclose()

    assert answer.status_code == 503
    assert not streams.full
