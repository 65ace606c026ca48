"""Wires the running hub together by hand: broker, intake, network advert, page."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import socket
import time
from collections.abc import Awaitable, Callable

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from compline_hub.core.authority import HUB_USER, HubCertificates
from compline_hub.core.shares import FIRST, share_of, user_of
from compline_hub.errors import BrokerFailed, HubBusy
from compline_hub.link.advert import Advert
from compline_hub.link.broker import ChildBroker, OutsideBroker, Product
from compline_hub.link.broker_files import BrokerTls, Listener, broker_tls
from compline_hub.link.evidence_talk import EvidenceTalk
from compline_hub.link.mqtt import MqttLink
from compline_hub.link.pairing_port import PairingPort
from compline_hub.link.tls import link_context, load_identity
from compline_hub.logs import close_logs, configure_logs
from compline_hub.office import Hub, certificates_of, init_hub, only_one, open_hub
from compline_hub.phrases import load_phrases, load_sentences
from compline_hub.ports import Broker
from compline_hub.rotation import is_outdated, retire
from compline_hub.running import ending_of, repeat, run_on
from compline_hub.service.desk import Desk
from compline_hub.service.dispatch import Dispatch
from compline_hub.service.intake import Intake
from compline_hub.service.news import News
from compline_hub.settings import HubSettings
from compline_hub.web.application import make_application
from compline_hub.worker_locks import absent_workers, gone_workers
from compline_hub.worker_sessions import forget_sessions
from compline_shared.transfer import ALPN

__all__ = ["Hub", "init_hub", "open_hub", "serve"]

WEB_HOST = "127.0.0.1"
ROSTER_SECONDS = 0.5
"""How soon a newly enrolled handset is let in by the broker."""
RENEWAL_SECONDS = 3_600.0
"""How often the running hub looks whether a certificate is due."""
EXPIRY_SECONDS = 20.0
"""How often secrets that are over are removed: those of pairing codes, and former keys."""
WORKER_SECONDS = 2.0
"""How soon the hub takes the share of a worker that ended, or leaves it to one that began."""
ARRIVAL_SECONDS = 0.5
"""How soon a page shows what a worker took in."""
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
    ending = ending_of(stop)
    init_hub(settings)
    logs = configure_logs(settings.data / "logs", level=settings.log_level)
    try:
        with only_one(settings.data):
            await run_on(settings, ending, ready, _run)
    finally:
        close_logs(logs)


async def _run(hub: Hub, ending: asyncio.Event, ready: Callable[[str], None]) -> bool:
    """Run until `ending`; returns before, with true, where the hub is to be opened anew."""
    settings, keys = hub.settings, hub.keys
    _check_free(settings.port)
    papers = _Papers(hub)
    gone = gone_workers(settings)
    broker = _broker(settings, papers.broker, gone)
    host, port = settings.broker_address
    shares = _Shares(settings)
    link = MqttLink(host, port, papers.link, client_id=keys.client_id(HUB_USER), handles=shares.has)
    news = News()
    news.open()
    intake = Intake(hub.store, hub.ring, link, news=news.ring)
    advert = Advert(
        hub_name=settings.name,
        fingerprint=keys.fingerprint,
        interface=settings.advert_interface,
        port=port,
        pairing_port=settings.pairing_port,
    )
    evidence = EvidenceTalk(hub.deposits)
    pairing_port = PairingPort(
        hub.pairing,
        host=settings.listen,
        port=settings.pairing_port,
        others={ALPN: evidence.meet},
    )
    desk = Desk(
        hub=settings.name,
        reading=hub.reading,
        phrases=load_phrases(settings.lexicons),
        sentences=load_sentences(settings.rules),
        news=news,
        refused=intake.refused,
    )
    web = _web(desk, hub, settings.port)
    async with contextlib.AsyncExitStack() as running:
        roster = _Roster(hub, broker)
        await broker.start(roster.known)
        running.push_async_callback(broker.stop)
        if isinstance(broker, ChildBroker):
            await asyncio.to_thread(forget_sessions, hub, sorted(gone))
        await pairing_port.start(papers.certificates.server, keys.tls)
        running.push_async_callback(pairing_port.stop)
        link.start(intake.take, intake.refuse)
        running.push_async_callback(asyncio.to_thread, link.stop)
        running.push_async_callback(advert.stop)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(web.serve())
            watching = tasks.create_task(_watch_broker(broker, ending))
            dispatch = Dispatch(hub.store, hub.ring, link)
            rounds: tuple[tuple[float, str, Callable[[], Awaitable[bool | None]]], ...] = (
                (ROSTER_SECONDS, "roster_failed", roster.follow),
                (RENEWAL_SECONDS, "renewal_failed", lambda: _renew(hub, papers, broker, pairing_port)),
                (EXPIRY_SECONDS, "expiring_failed", lambda: asyncio.to_thread(hub.pairing.expire)),
                (ORDER_SECONDS, "orders_failed", lambda: _send_due(hub, dispatch, link)),
            )
            if settings.workers > 1:
                rounds += (
                    (WORKER_SECONDS, "workers_failed", shares.follow),
                    (ARRIVAL_SECONDS, "arrivals_failed", _Arrivals(hub, news).follow),
                )
            repeated = [tasks.create_task(repeat(*each)) for each in rounds]
            retiring = tasks.create_task(repeat(EXPIRY_SECONDS, "retiring_failed", lambda: _retire(hub)))
            stopped = tasks.create_task(ending.wait())
            if settings.advertise:
                tasks.create_task(advert.start())
            await _wait_serving(settings.port)
            address = f"http://{WEB_HOST}:{settings.port}/"
            _log.info("hub_started", page=address, fingerprint=keys.fingerprint)
            ready(address)
            await asyncio.wait({stopped, retiring}, return_when=asyncio.FIRST_COMPLETED)
            for task in (stopped, watching, retiring, *repeated):
                task.cancel()
            news.close()
            web.stop()  # type: ignore[no-untyped-call]
            await serving
    _log.info("hub_stopped")
    return not ending.is_set()


async def _watch_broker(broker: Broker, ending: asyncio.Event) -> None:
    status = await broker.ended()
    if not ending.is_set():
        raise BrokerFailed(
            f"The broker ended by itself (status {status}); see broker.log in the hub's data folder."
        )


class _Roster:
    """Lets handsets in that another process enrolled, and others no more."""

    def __init__(self, hub: Hub, broker: Broker) -> None:
        self._reading = hub.reading
        self._broker = broker
        self.known = hub.reading.admitted()

    async def follow(self) -> None:
        """Tell the broker where the handsets have changed."""
        handsets = await asyncio.to_thread(self._reading.admitted)
        if handsets != self.known:
            await self._broker.reload(handsets)
            _log.info("handsets_changed", handsets=len(handsets))
            self.known = handsets


class _Shares:
    """The handsets that the hub handles itself: those of no worker that runs."""

    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings
        self._mine = frozenset({FIRST, *absent_workers(settings)})

    def has(self, topic: str) -> bool:
        """Whether what came on a topic is for the hub itself."""
        return share_of(topic, self._settings.workers) in self._mine

    async def follow(self) -> None:
        """See which workers run."""
        mine = frozenset({FIRST, *await asyncio.to_thread(absent_workers, self._settings)})
        if mine != self._mine:
            self._mine = mine
            _log.info("shares_changed", mine=sorted(mine), of=self._settings.workers)


class _Arrivals:
    """Tells pages of what workers took in."""

    def __init__(self, hub: Hub, news: News) -> None:
        self._reading = hub.reading
        self._news = news
        self._last = 0

    async def follow(self) -> None:
        """Ring where something arrived."""
        last = await asyncio.to_thread(self._reading.last_arrival)
        if last != self._last:
            self._last = last
            self._news.ring()


async def _send_due(hub: Hub, dispatch: Dispatch, link: MqttLink) -> None:
    """Send orders as they are taken, here or by another process, and again as long as no report settles them.

    Without a broker they wait: what is sent then is lost, and would not be sent again for a while.
    """
    if link.subscribed.is_set() and await asyncio.to_thread(hub.reading.orders_due, int(time.time())):
        await asyncio.to_thread(dispatch.send_due)


class _Papers:
    """The certificates that the running hub shows, and the contexts that show them."""

    def __init__(self, hub: Hub) -> None:
        self._keys = hub.keys
        self._authorities = hub.ring.sets.authorities
        self.certificates = self.shown = hub.certificates  # shown: by broker and pairing port too
        self.link = link_context(hub.certificates, hub.keys)

    def broker(self) -> BrokerTls:
        """What the broker gets."""
        return broker_tls(self.certificates.server, self._keys.tls, self._authorities)

    def replace(self, certificates: HubCertificates) -> None:
        """Show these from the next handshake on."""
        self.certificates = certificates
        load_identity(self.link, certificates.link, self._keys.link)


async def _retire(hub: Hub) -> bool:
    """Let former keys go once nobody needs them; returns whether the hub is to work with other keys."""
    await asyncio.to_thread(retire, hub)
    if not await asyncio.to_thread(is_outdated, hub):
        return False
    _log.warning(
        "keys_changed", advice="make a new backup: an older one is of a hub that handsets no longer know"
    )
    return True


async def _renew(hub: Hub, papers: _Papers, broker: Broker, pairing_port: PairingPort) -> None:
    """Renew certificates before they end; who is connected stays."""
    authority = hub.certificates.authority
    certificates = await asyncio.to_thread(certificates_of, hub.settings, hub.keys, authority=authority)
    if certificates != papers.shown:
        papers.replace(certificates)
        await broker.reload(hub.reading.admitted())
        await pairing_port.renew(certificates.server, hub.keys.tls)
        papers.shown = certificates
        _log.info("certificates_renewed", server_ends=certificates.server.not_after)


def _broker(settings: HubSettings, tls: Callable[[], BrokerTls], gone: set[int]) -> Broker:
    """The broker of the settings; it also lets in whoever ends the sessions of workers that are gone."""
    host, port = settings.broker_address
    user = pwd.getpwuid(os.getuid()).pw_name
    outside = settings.broker.startswith("mqtt://")
    numbers = {*range(FIRST, settings.workers + 1), *gone}
    hubs = tuple(user_of(number) for number in sorted(numbers))
    at = host if outside else settings.listen
    listener = Listener(at, port, settings.broker_folder, user=user, hubs=hubs)
    if outside:
        return OutsideBroker(listener, tls)
    product: Product = "nats" if settings.broker == "embedded" else "mosquitto"
    return ChildBroker(product, listener, tls)


def _web(desk: Desk, hub: Hub, port: int) -> Server:
    return Server(
        make_application(desk, hub.pairing, hub.orders, port=port),
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
