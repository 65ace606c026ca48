"""Wires the running hub together by hand: broker, intake, network advert, page."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
import socket
import time
from collections.abc import Callable

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from compline_hub.core.keys import HubKeys
from compline_hub.errors import BrokerFailed, HubBusy
from compline_hub.link.advert import Advert
from compline_hub.link.broker import ChildBroker, OutsideBroker, Product
from compline_hub.link.broker_files import HUB_USER, Listener
from compline_hub.link.mqtt import MqttLink
from compline_hub.logs import close_logs, configure_logs
from compline_hub.office import Hub, init_hub, only_one, open_hub
from compline_hub.phrases import load_phrases
from compline_hub.ports import Broker
from compline_hub.service.desk import Desk
from compline_hub.service.dispatch import Dispatch
from compline_hub.service.intake import Intake
from compline_hub.service.news import News
from compline_hub.service.orders import Orders
from compline_hub.settings import HubSettings
from compline_hub.web.application import make_application

__all__ = ["Hub", "init_hub", "open_hub", "serve"]

WEB_HOST = "127.0.0.1"
ROSTER_SECONDS = 0.5
"""How soon a newly enrolled handset is let in by the broker."""
ORDER_SECONDS = 0.5
"""How soon an order that another process took is sent."""
_log = structlog.get_logger("compline_hub")


async def serve(
    settings: HubSettings, *, stop: asyncio.Event | None = None, ready: Callable[[str], None] | None = None
) -> None:
    """Run the hub until `stop` is set or SIGINT or SIGTERM comes; `ready` gets the page's address once everything runs.

    Signals are handled only when `stop` is None.

    Raises:
        HubBusy: another hub uses the data folder, or the page's port is taken.
        BrokerFailed: the broker cannot be started, or ended by itself.
    """
    ending = stop or asyncio.Event()
    if stop is None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ending.set)
    init_hub(settings)
    logs = configure_logs(settings.data / "logs", level=settings.log_level)
    try:
        with only_one(settings.data), open_hub(settings) as hub:
            await _run(hub, ending, ready)
    finally:
        close_logs(logs)


async def _run(hub: Hub, ending: asyncio.Event, ready: Callable[[str], None] | None) -> None:
    settings, keys = hub.settings, hub.keys
    _check_free(settings.port)
    broker = _broker(settings, keys)
    host, port = settings.broker_address
    link = MqttLink(host, port, keys.password(HUB_USER))
    news = News()
    news.open()
    intake = Intake(hub.store, keys, link, news=news.ring)
    advert = Advert(
        hub_name=settings.name, fingerprint=keys.fingerprint, interface=settings.interface, port=port
    )
    desk = Desk(
        hub=settings.name,
        reading=hub.reading,
        phrases=load_phrases(settings.lexicons),
        news=news,
        refused=intake.refused,
    )
    web = _web(desk, hub.orders, settings.port)
    async with contextlib.AsyncExitStack() as running:
        await broker.start([handset.id for handset in hub.reading.handsets()])
        running.push_async_callback(broker.stop)
        link.start(intake.take, intake.refuse)
        running.push_async_callback(asyncio.to_thread, link.stop)
        running.push_async_callback(advert.stop)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(web.serve())
            watching = tasks.create_task(_watch_broker(broker, ending))
            following = tasks.create_task(_follow_roster(hub, broker))
            ordering = tasks.create_task(_follow_orders(hub, Dispatch(hub.store, keys, link)))
            if settings.advertise:
                tasks.create_task(advert.start())
            await _wait_serving(settings.port)
            address = f"http://{WEB_HOST}:{settings.port}/"
            _log.info("hub_started", page=address, fingerprint=keys.fingerprint)
            if ready is not None:
                ready(address)
            await ending.wait()
            watching.cancel()
            following.cancel()
            ordering.cancel()
            news.close()
            web.stop()  # type: ignore[no-untyped-call]
            await serving
    _log.info("hub_stopped")


async def _watch_broker(broker: Broker, ending: asyncio.Event) -> None:
    status = await broker.ended()
    if not ending.is_set():
        raise BrokerFailed(
            f"The broker ended by itself (status {status}); see broker.log in the hub's data folder."
        )


async def _follow_roster(hub: Hub, broker: Broker) -> None:
    """Let handsets in that another process enrolled."""
    known = {handset.id for handset in hub.reading.handsets()}
    while True:
        await asyncio.sleep(ROSTER_SECONDS)
        handsets = {handset.id for handset in await asyncio.to_thread(hub.reading.handsets)}
        if handsets != known:
            await broker.reload(sorted(handsets))
            _log.info("handsets_changed", handsets=len(handsets))
            known = handsets


async def _follow_orders(hub: Hub, dispatch: Dispatch) -> None:
    """Send orders as they are taken, here or by another process, and again as long as no report settles them."""
    while True:
        await asyncio.sleep(ORDER_SECONDS)
        try:
            if await asyncio.to_thread(hub.reading.orders_due, int(time.time())):
                await asyncio.to_thread(dispatch.send_due)
        except Exception as error:  # noqa: BLE001 (a store that is busy now is tried again)
            _log.error("orders_failed", error=type(error).__name__)


def _broker(settings: HubSettings, keys: HubKeys) -> Broker:
    host, port = settings.broker_address
    user = pwd.getpwuid(os.getuid()).pw_name
    listener = Listener(host, port, settings.data / "broker", user=user)
    if settings.broker.startswith("mqtt://"):
        return OutsideBroker(listener, keys.password)
    product: Product = "nats" if settings.broker == "embedded" else "mosquitto"
    return ChildBroker(product, listener, keys.password)


def _web(desk: Desk, orders: Orders, port: int) -> Server:
    return Server(
        make_application(desk, orders, port=port),
        address=WEB_HOST,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    )


async def _wait_serving(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(WEB_HOST, port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((WEB_HOST, port))
        except OSError as error:
            raise HubBusy(
                f"Port {port} is taken by another program; stop it or choose another port."
            ) from error
