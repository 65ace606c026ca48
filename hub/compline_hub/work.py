"""A further process that takes verdicts in, beside a hub that runs: no page, no pairing, no orders of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable

import structlog

from compline_hub.core.shares import FIRST, share_of, user_of
from compline_hub.errors import HubNotReady
from compline_hub.link.mqtt import MqttLink
from compline_hub.link.tls import load_identity
from compline_hub.logs import close_logs, configure_logs
from compline_hub.office import Hub
from compline_hub.rotation import is_outdated
from compline_hub.running import ending_of, repeat, run_on
from compline_hub.service.intake import Intake
from compline_hub.settings import HubSettings
from compline_hub.worker_locks import only_worker
from compline_hub.worker_sessions import worker_certificate, worker_context

REFUSED_SECONDS = 1.0
"""How soon a worker gives up that the broker does not let listen."""
OUTDATED_SECONDS = 5.0
"""How soon a worker goes on with keys that were replaced."""
RENEWAL_SECONDS = 3_600.0
"""How often it makes its certificate anew, for the next time that it connects."""
_log = structlog.get_logger("compline_hub")


async def work(
    settings: HubSettings,
    number: int,
    *,
    stop: asyncio.Event | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Take in what falls to a number until `stop` is set or SIGINT or SIGTERM comes; `ready` gets the broker's address.

    Raises:
        HubBusy: another process works under this number.
        HubNotReady: the settings ask for no such worker, or there is no hub.
    """
    if not FIRST < number <= settings.workers:
        raise HubNotReady(
            f'There is no worker {number}: set "workers" to how many processes take verdicts in, the hub itself'
            " among them, and start the hub again."
        )
    if not settings.data.is_dir():
        raise HubNotReady("There is no hub in this data folder; run compline-hub init first.")
    ending = ending_of(stop)
    with only_worker(settings, number):
        logs = configure_logs(settings.data / "logs" / f"worker-{number}", level=settings.log_level)
        try:
            await run_on(settings, ending, ready, _running(number))
        finally:
            close_logs(logs)


def _running(number: int) -> Callable[[Hub, asyncio.Event, Callable[[str], None]], Awaitable[bool]]:
    async def run(hub: Hub, ending: asyncio.Event, ready: Callable[[str], None]) -> bool:
        host, port = hub.settings.broker_address
        tls = worker_context(hub, number)

        def handles(topic: str) -> bool:
            return share_of(topic, hub.settings.workers) == number

        link = MqttLink(
            host,
            port,
            tls,
            client_id=hub.keys.client_id(user_of(number)),
            lasting=False,
            handles=handles,
        )
        intake = Intake(hub.store, hub.ring, link, news=lambda: None)
        async with contextlib.AsyncExitStack() as running:
            link.start(intake.take, intake.refuse)
            running.push_async_callback(asyncio.to_thread, link.stop)
            ready(f"{host}:{port}")
            _log.info("worker_started", number=number, of=hub.settings.workers)
            outdated = asyncio.create_task(
                repeat(OUTDATED_SECONDS, "outdated_failed", lambda: _outdated(hub))
            )
            renewed = asyncio.create_task(
                repeat(RENEWAL_SECONDS, "renewal_failed", lambda: _renew(hub, number, tls))
            )
            refused = asyncio.create_task(_refused(link))
            stopped = asyncio.create_task(ending.wait())
            try:
                await asyncio.wait({stopped, outdated, refused}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (stopped, outdated, renewed, refused):
                    task.cancel()
            if refused.done():
                refused.result()
        _log.info("worker_stopped", number=number)
        return not ending.is_set()

    return run


async def _refused(link: MqttLink) -> None:
    """Wait until the broker refuses to let this worker listen; it leaves its share to the hub then."""
    while not link.refused.is_set():
        await asyncio.sleep(REFUSED_SECONDS)
    raise HubNotReady(
        "The broker does not let this worker listen; see broker.log in the hub's data folder, and start it again."
    )


async def _outdated(hub: Hub) -> bool:
    return await asyncio.to_thread(is_outdated, hub)


async def _renew(hub: Hub, number: int, tls: ssl.SSLContext) -> None:
    load_identity(tls, worker_certificate(hub, number), hub.keys.link)
