"""The agent's composition root and its one task group: watch, judge, keep, carry, obey."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ParamSpec

import structlog

from compline_edge.clock import BootClock, SystemClock, local_zone
from compline_edge.core.lack_words import Lack
from compline_edge.core.room_words import Shortage
from compline_edge.depositing import Depositor
from compline_edge.former_files import FormerFiles
from compline_edge.judging import Judge, Stopped
from compline_edge.link.certificate_keeper import CertificateKeeper
from compline_edge.link.courier import CourierLoop
from compline_edge.link.renewal import RenewalLoop
from compline_edge.ports import NotKept, Surroundings
from compline_edge.seen_files import SeenFiles
from compline_edge.senses.begun import begun
from compline_edge.senses.growing import GrowingWav
from compline_edge.senses.watch import MAX_FILES, Arrival, MissingFolder, Sort, existing, key_of, watch
from compline_edge.settings import EdgeSettings
from compline_edge.vault.binding import Binding
from compline_edge.vault.errors import FilesPutBack, OutboxFull, StorageFailing
from compline_edge.vault.home import Home, open_home
from compline_edge.warden import Warden
from compline_edge.wiring import (
    Instruments,
    instruments,
    keeper_of,
    link,
    pairing_ports,
    renewal,
    slot_at,
    surroundings_of,
)
from compline_shared.errors import ComplineError
from compline_shared.messages import Verdict

_log = structlog.get_logger("compline_edge")
P = ParamSpec("P")

WAITING_ARRIVALS = 64
"""Finished files that may wait for judgement before the watcher itself waits."""
LIVE_CALLS = 2
"""Running calls judged live at a time; a phone has one, and two folders may show it twice."""
HAND_OVER_TICK = 0.2
"""Seconds after which a watcher whose file must wait looks whether the agent is ending."""
ROOM_RETRY = 5.0
"""Seconds before a file is tried again when the disk or the outbox was full, or the disk failed."""


class NothingToWatch(ComplineError):
    """No folder to watch is set: name one with --recordings or in compline.toml, [edge] recordings."""


@dataclass(slots=True)
class Agent:
    """The running agent; `judge`, `home` and `courier` may be looked at by tests and by the demo."""

    settings: EdgeSettings
    home: Home
    judge: Judge
    clock: SystemClock
    threads: (
        ThreadPoolExecutor  # one that judges, one that moves, and two for each folder that last as the agent
    )
    keeper: CertificateKeeper
    courier: CourierLoop = field(init=False)
    renewal: RenewalLoop = field(init=False)
    warden: Warden = field(init=False)
    surroundings: Surroundings = field(init=False)
    told_binding: Callable[[Binding], object] = lambda _binding: None
    told_room: Callable[[Shortage | None], object] = lambda _shortage: None
    told_dispute: Callable[[], object] = lambda: None
    lacks: tuple[Lack, ...] = ()  # what judging goes without
    live_calls: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(LIVE_CALLS))
    _tasks: asyncio.TaskGroup | None = None
    _session: asyncio.Task[None] | None = None
    _short_of: Shortage | None = None

    def __post_init__(self) -> None:
        """Wire what commands the judging to what carries the commands."""
        self.warden = Warden(self.home, clock=BootClock(), judging=self, told=self.told_binding)
        self.surroundings = surroundings_of(self.settings, self.home)
        self.courier = link(
            self.settings,
            self.home,
            self.keeper,
            self.clock,
            orders=self.warden,
            surroundings=self.surroundings,
            alarm=self.told_dispute,
        )
        self.renewal = renewal(self.settings, self.home, self.keeper)

    @property
    def stopping(self) -> threading.Event:
        """Set while nothing may be judged."""
        return self.judge.stopping

    async def run(self) -> None:
        """Watch, judge, carry and obey until cancelled; a cancelled agent has lost nothing it kept.

        What is being judged then is broken off and judged at the next start; no thread uses the home afterwards.
        """
        state = self.home.binding.life.state
        _log.info(
            "agent_started", folders=len(folders(self.settings)), live=self.settings.live, state=state.code
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self.courier.run())
                tasks.create_task(self.renewal.run())
                tasks.create_task(
                    Depositor(
                        self.home,
                        find=pairing_ports(self.settings, self.home),
                        surroundings=self.surroundings,
                    ).run()
                )
                tasks.create_task(self.warden.keep(self.courier.post))
                self.resume()
        finally:
            self.stopping.set()
            _log.info("agent_stopped")

    async def pause(self) -> None:
        """Stop judging; returns once nothing uses the vault."""
        session, self._session = self._session, None
        if session is not None:
            session.cancel()
            await asyncio.wait({session})

    def resume(self) -> None:
        """Judge what comes if the vault is open."""
        if self._session is None and self._tasks is not None and self.home.is_open:
            self.stopping.clear()
            self._session = self._tasks.create_task(self._judge_folders())

    async def _judge_folders(self) -> None:
        await self._leave_former_files()
        arrivals: asyncio.Queue[Arrival] = asyncio.Queue(WAITING_ARRIVALS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._judge_all(arrivals))
            tasks.create_task(self._move_owed())
            for folder in folders(self.settings):
                tasks.create_task(self._watch(folder, arrivals))
                if self.settings.live:
                    tasks.create_task(self._listen_live(folder))

    async def _leave_former_files(self) -> None:
        """Settle what is of before the binding; nothing is judged or heard until that is kept."""

        def settle() -> None:
            FormerFiles(self.home).settle(folders(self.settings), clock=self.clock, go_on=self.judge.go_on)

        while True:
            try:
                await self._in_thread(settle)
                return self._note(None)
            except NotKept as error:
                self._note(_shortage(error))
                await asyncio.sleep(ROOM_RETRY)

    async def _move_owed(self) -> None:
        """Move to the outbox what missed it, also where nothing more is judged; kept back, it would not be sent."""
        ledger = self.home.ledger

        def move() -> None:
            _log.info("owed_moved", verdicts=ledger.move())

        while True:
            await asyncio.sleep(ROOM_RETRY)
            if ledger.behind:
                with suppress(NotKept):
                    await self._in_thread(move)

    async def _watch(self, folder: Path, arrivals: asyncio.Queue[Arrival]) -> None:
        loop = asyncio.get_running_loop()
        crowded = threading.Event()

        def warn() -> None:
            if not crowded.is_set():
                crowded.set()
                _log.warning("folder_too_full", most=MAX_FILES)

        def hand_over() -> None:
            seen = self._patient(loop)
            found = watch(
                folder,
                seen=seen,
                stop=self.stopping,
                clock=self.clock,
                settle_s=self.settings.settle_seconds,
                crowded=warn,
            )
            for arrival in found:
                if seen.holds_back(arrival.path, arrival.key, clock=self.clock):
                    _log.info("former_file_held_back", sort=arrival.sort.value)
                    continue  # the next session sets it aside, once its folder can be looked through
                handing = asyncio.run_coroutine_threadsafe(arrivals.put(arrival), loop)
                while not self.stopping.is_set() and not wait((handing,), HAND_OVER_TICK).done:
                    pass
                if self.stopping.is_set():
                    handing.cancel()
                    return
                handing.result()

        with suppress(Stopped):
            await self._in_thread(hand_over)

    async def _judge_all(self, arrivals: asyncio.Queue[Arrival]) -> None:
        short: set[str] = set()  # keys of files that found no room and wait
        while True:
            arrival = await arrivals.get()
            while shortage := await self._judge(arrival):
                short.add(arrival.key)
                self._note(shortage)
                await asyncio.sleep(ROOM_RETRY)
                if shortage is Shortage.DISK and not arrivals.empty():  # a smaller file may find room
                    large, arrival = arrival, arrivals.get_nowait()
                    arrivals.put_nowait(large)  # before anyone who waits for a place
            short.discard(arrival.key)
            if not short:
                self._note(None)

    async def _judge(self, arrival: Arrival) -> Shortage | None:
        """Judge a file; returns what there was too little of, None where it is done with."""
        work = self.judge.recording if arrival.sort is Sort.RECORDING else self.judge.chat
        try:
            with suppress(Stopped):
                await self._in_thread(work, arrival)
        except (OutboxFull, NotKept) as error:
            return _shortage(error)
        except Exception as failure:  # noqa: BLE001 (one file must not end the agent; it stays unseen and is tried at the next start)
            _log.error("judging_failed", error=type(failure).__name__, sort=arrival.sort.value)
        return None

    def _note(self, shortage: Shortage | None) -> None:
        """Say once that judging stops for want of room, and once that it goes on."""
        if shortage is self._short_of:
            return
        self._short_of = shortage
        if shortage is None:
            _log.info("judging_again")
        else:
            _log.warning("judging_stopped", short_of=shortage.value)
        self.told_room(shortage)

    def _patient(self, loop: asyncio.AbstractEventLoop) -> SeenFiles:
        """What the vault remembers, for a thread that waits where the disk fails; Stopped once the agent is ending."""

        def note(shortage: Shortage | None) -> None:
            loop.call_soon_threadsafe(self._note, shortage)

        def failed(error: NotKept) -> None:
            note(_shortage(error))
            self._wait(ROOM_RETRY)

        return SeenFiles(self.home, failed=failed, answered=lambda: note(None))

    async def _listen_live(self, folder: Path) -> None:
        def follow_all(loop: asyncio.AbstractEventLoop) -> None:
            seen = self._patient(loop)
            with ThreadPoolExecutor(LIVE_CALLS, thread_name_prefix="live-call") as threads:
                for path in begun(folder, stop=self.stopping):
                    key = key_of(path)
                    if key is None or key in seen or seen.holds_back(path, key, clock=self.clock):
                        continue  # gone, or it lies there as it was judged or left alone: nobody is recording it
                    if self.live_calls.acquire(blocking=False):
                        threads.submit(self._follow, path)
                    else:
                        _log.warning("live_call_passed_over", most=LIVE_CALLS)  # the full pass judges it

        with suppress(Stopped):
            await self._in_thread(follow_all, asyncio.get_running_loop())

    def _follow(self, path: Path) -> None:
        try:
            self.judge.growing(path, GrowingWav(path, clock=self.clock, wait=self._wait))
        except Stopped:
            return
        except Exception as failure:  # noqa: BLE001 (the full pass judges it all the same)
            _log.warning("live_ended_early", reason=type(failure).__name__)
        finally:
            self.live_calls.release()

    def _wait(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise Stopped

    async def _in_thread(self, work: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> None:
        """Run blocking work; when cancelled, have it stop and wait for its end, for it uses the home."""
        working = asyncio.get_running_loop().run_in_executor(self.threads, partial(work, *arguments, **named))
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError:
            self.stopping.set()
            await asyncio.gather(working, return_exceptions=True)
            raise
        working.result()


@asynccontextmanager
async def open_agent(
    settings: EdgeSettings,
    *,
    told: Callable[[Verdict], object] = lambda _verdict: None,
    told_binding: Callable[[Binding], object] = lambda _binding: None,
    told_room: Callable[[Shortage | None], object] = lambda _shortage: None,
    told_dispute: Callable[[], object] = lambda: None,
) -> AsyncIterator[Agent]:
    """Open home and instruments and wire them.

    `told` hears of each verdict once it is kept, `told_binding` of the binding when it changes and as its lease goes,
    `told_room` when judging stops for want of room and, with None, when it goes on, `told_dispute` when hub and handset
    disagree about the past.

    Raises:
        NothingToWatch: no folder is set.
        MissingFolder: a folder to watch is not there.
        NotEnrolled: this handset has not joined a hub.
        ComplineError: a model or lexicon that cannot be used; the message says what to do.
    """
    if not folders(settings):
        raise NothingToWatch(NothingToWatch.__doc__)
    for folder in folders(settings):
        if not folder.is_dir():
            raise MissingFolder(f"{folder} is not a folder: create it or name another one to watch.")
    clock = SystemClock()
    ready: Instruments = await asyncio.to_thread(instruments, settings)
    for problem in ready.problems:
        _log.warning("lexicon_line_left_out", problem=problem)
    for lack in ready.lacks:
        _log.warning("judging_without", part=lack.value)

    def judge_of(home: Home) -> Judge:
        return Judge(
            home=home,
            listener=ready.listener.knowing(lambda: home.vault.voiceprint()),
            versions=ready.versions,
            instead=ready.instead(lambda: home.vault.voiceprint()),  # a vault may be frozen now
            clock=clock,
            zone=local_zone(),
            longest=settings.longest_call_hours * 3600,
            collector=settings.collector_id or None,
            remove_originals=settings.remove_sealed_originals,
            told=told,
        )

    def part(home: Home) -> None:
        watched = folders(settings)
        try:
            FormerFiles(home).settle(watched, clock=clock)
        except FilesPutBack:  # a damaged file must not keep a vault from freezing
            _log.error("parted_unsaid")
            return
        seen = SeenFiles(home)
        left = (a for folder in watched for a in existing(folder) if a.key not in seen)
        _log.info("parted", not_judged=judge_of(home).part(left))

    with (
        open_home(settings.home_folder, clock=clock, slot_at=slot_at(settings), parting=part) as home,
        ThreadPoolExecutor(2 * len(folders(settings)) + 2, thread_name_prefix="agent") as threads,
    ):
        yield Agent(
            settings=settings,
            home=home,
            judge=judge_of(home),
            keeper=keeper_of(settings, home, clock),
            clock=clock,
            threads=threads,
            told_binding=told_binding,
            told_room=told_room,
            told_dispute=told_dispute,
            lacks=ready.lacks,
        )


def _shortage(error: OutboxFull | NotKept) -> Shortage:
    if isinstance(error, OutboxFull):
        return Shortage.OUTBOX
    return Shortage.FAILING if isinstance(error, StorageFailing) else Shortage.DISK


def folders(settings: EdgeSettings) -> tuple[Path, ...]:
    """Return the folders to watch, each once, in the order of the settings."""
    return tuple(dict.fromkeys(Path(name).expanduser() for name in (*settings.recordings, *settings.chats)))
