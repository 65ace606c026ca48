"""Answers reports and sends what is due: decides with the core, keeps it, then lets frames leave."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import structlog

from compline_hub.core import commanding
from compline_hub.core.alarm import AlarmKind
from compline_hub.core.audit import Act, Entry
from compline_hub.core.commanding import Signing
from compline_hub.core.enrolled import Binding, Handset
from compline_hub.core.key_sets import KeyRing
from compline_hub.core.orders import BY_HUB, Order, OrderKind
from compline_hub.core.reporting import Escrow, Heard, hear
from compline_hub.core.standing import Case, Question
from compline_hub.ports import Downlink, Ledger, Store
from compline_hub.service.cases import case_of, keep_case, next_escrow
from compline_shared.commands import Command, RebindSecrets, seal_secrets, sign_command
from compline_shared.ids import BindingId, HandsetId, Seq, VerdictId
from compline_shared.place import Place
from compline_shared.reports import Report

_log = structlog.get_logger("compline_hub.orders")
BY_HANDSET = "handset"


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that was taken, and the frames that answer it once it is durable."""

    handset: HandsetId
    report: Report
    frames: tuple[bytes, ...]
    alarms: tuple[AlarmKind, ...]


class Dispatch:
    """The use case, wired; every method commits before anything is sent."""

    def __init__(
        self, store: Store, ring: KeyRing, downlink: Downlink, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._ring = ring
        self._downlink = downlink
        self._clock = clock

    def take_report(
        self, ledger: Ledger, handset: Handset, binding: Binding, report: Report, *, now: int
    ) -> Reported:
        """Take a report in within a transaction; `send` its frames after the commit."""
        before = case_of(ledger, binding, self._ring.sets.names)
        heard = hear(before, report, now=now, fresh=secrets.token_bytes(16))
        frames: list[bytes] = []
        after = heard.case
        if not heard.repeated:
            after, frames = self._answer(after, heard, report, now=now)
        keep_case(ledger, before, after, who=BY_HANDSET, now=now)
        self._note(ledger, after.binding, heard, now=now)
        ledger.heard(handset.id, at=now)
        return Reported(handset.id, report, tuple(frames), heard.alarms)

    def send(self, reported: Reported) -> None:
        """Send what answers a report, and log it."""
        for frame in reported.frames:
            self._downlink.send(reported.handset, frame)
        report = reported.report
        _log.info(
            "report_taken",
            handset=reported.handset,
            state=report.state.code,
            epoch=report.epoch,
            counter=report.counter,
            answers=len(reported.frames),
        )
        for alarm in reported.alarms:
            _log.error("binding_alarm", handset=reported.handset, kind=alarm.code)

    def send_due(self) -> int:
        """Send the orders that wait for no report; returns how many frames left."""
        now = int(self._clock())
        with self._store.transaction() as ledger:
            bindings = ledger.book.due(now)
        return sum(self._send_due(binding, now=now) for binding in bindings)

    def _send_due(self, binding_id: BindingId, *, now: int) -> int:
        with self._store.transaction() as ledger:
            binding = ledger.binding(binding_id)
            handset = None if binding is None else ledger.handset(binding.handset)
            if binding is None or handset is None:
                return 0
            before = case_of(ledger, binding, self._ring.sets.names)
            due = [order for order in before.orders if order.due is not None and order.due <= now]
            after, frames = self._signed(before, due, now=now)
            keep_case(ledger, before, after, who=BY_HUB, now=now)
        for frame in frames:
            self._downlink.send(handset.id, frame)
        if frames:
            _log.info("orders_sent", handset=handset.id, frames=len(frames))
        return len(frames)

    def _answer(self, case: Case, heard: Heard, report: Report, *, now: int) -> tuple[Case, list[bytes]]:
        """Restrictive orders first; a lease before a rebind, so that what is thawed does not freeze at once."""
        orders = [order for order in case.orders if order.id not in heard.held]
        case, frames = self._signed(case, (o for o in orders if o.restrictive), now=now)
        if heard.lease:
            case, renewal = commanding.lease(case, id=secrets.token_bytes(16), nonce=report.nonce, now=now)
            frames.append(self._sign(case, renewal))
        case, others = self._signed(case, (o for o in orders if not o.restrictive), now=now)
        frames += others
        if (
            heard.rekey and not others
        ):  # last, and alone with a lease: what follows it is signed by another key
            keys = self._ring.sets.present
            case, change = commanding.rekey(
                case, id=secrets.token_bytes(16), nonce=report.nonce, keys=keys, now=now
            )
            frames.append(self._sign(case, change))
        return replace(case, spoken=None), frames

    def _signed(self, case: Case, orders: Iterable[Order], *, now: int) -> tuple[Case, list[bytes]]:
        case, signings = commanding.signings(case, orders, now=now)
        if any(signing.order.kind is OrderKind.REBIND for signing in signings):
            case = self._with_next_epoch(case)
        return case, [self._frame(case, signing) for signing in signings]

    def _with_next_epoch(self, case: Case) -> Case:
        """The secrets of the next epoch are made once, however often its rebind is signed."""
        binding = case.binding
        if binding.next_escrow is not None:
            return case
        return replace(case, binding=replace(binding, next_escrow=next_escrow(self._ring.keys, binding)))

    def _frame(self, case: Case, signing: Signing) -> bytes:
        sealed = b""
        if signing.order.kind is OrderKind.REBIND and signing.question is not None:
            sealed = self._sealed(case.binding, signing.question)
        return self._sign(case, commanding.command(signing, sealed=sealed))

    def _sign(self, case: Case, command: Command) -> bytes:
        """Sign with the key that the handset knows: the former one until it tells the present set's name."""
        key = self._ring.command_for(case.standing.hub_keys)
        if key is None:
            raise ValueError("nothing is decided for a handset whose key this hub lacks")
        return sign_command(command, key)

    def _sealed(self, binding: Binding, question: Question) -> bytes:
        """What thaws the vault and binds it anew, for the next epoch and the one report that it answers."""
        keys = self._ring.keys
        ending = keys.open_escrow(binding.escrow, binding=binding.id)
        begun = keys.open_escrow(binding.next_escrow or b"", binding=binding.id)
        thaw = RebindSecrets(
            freeze_key=ending.freeze_key,
            binding_secret=begun.binding_secret,
            next_freeze_key=begun.freeze_public,
        )
        begins = Place(binding.handset, binding.id, binding.epoch + 1)
        return seal_secrets(thaw, question.answer_key, begins=begins, nonce=question.nonce)

    def _note(self, ledger: Ledger, binding: Binding, heard: Heard, *, now: int) -> None:
        def note(act: Act, detail: str) -> None:
            entry = Entry(
                at=now, who=BY_HUB, act=act, detail=detail, handset=binding.handset, binding=binding.id
            )
            ledger.audit.note(entry)

        match heard.escrow:
            case Escrow.KEPT:
                pass
            case Escrow.NEXT:
                note(Act.EPOCH_BEGAN, str(binding.epoch))
            case Escrow.DESTROYED:
                note(Act.ESCROW_DESTROYED, str(binding.epoch))
        for alarm in heard.alarms:
            place = VerdictId(binding.handset, binding.id, Seq(binding.up_to))
            if ledger.raise_alarm(alarm, place, at=now):
                note(Act.ALARMED, alarm.code)
