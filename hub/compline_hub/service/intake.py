"""Takes frames in: check, keep durably, then answer with a signed receipt."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from compline_hub.core.alarm import AlarmKind
from compline_hub.core.enrolled import Binding, Handset
from compline_hub.core.intake import Answer, Frame, Refusal, answer, asked_again, check_signature, open_batch
from compline_hub.core.key_sets import KeyRing
from compline_hub.core.standing import Case
from compline_hub.ports import Downlink, Ledger, Store
from compline_hub.service.dispatch import Dispatch, Reported
from compline_hub.service.openers import Openers
from compline_shared.batch import Batch, Outcome, pack_receipt
from compline_shared.errors import MalformedFrame
from compline_shared.ids import HandsetId, Seq, VerdictId
from compline_shared.reports import Report
from compline_shared.topics import handset_of, up

_log = structlog.get_logger("compline_hub.intake")


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that was taken, and what its receipt is signed for."""

    answer: Answer
    last_seq: int
    hub_keys: bytes | None  # name of the set of keys by which the handset knows this hub


class Intake:
    """Handles groups of frames, each group in one transaction; one thread at a time."""

    def __init__(
        self,
        store: Store,
        ring: KeyRing,
        downlink: Downlink,
        *,
        news: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._ring = ring
        self._downlink = downlink
        self._news = news
        self._clock = clock
        self._openers = Openers(ring.sealing)
        self._dispatch = Dispatch(store, ring, downlink, clock=clock)
        self._refused: Counter[str] = Counter()

    def take(self, frames: Sequence[Frame]) -> Sequence[Taken | Reported | Refusal]:
        """Handle frames in order; receipts and commands leave only after everything is durable.

        If the group fails, each frame is tried alone; one that fails alone changed nothing and will be sent again.
        """
        outcomes = self._take_group(frames)
        if outcomes is None:
            alone = [self._take_group([frame]) for frame in frames] if len(frames) > 1 else [None]
            outcomes = [Refusal.STORE_FAILED if outcome is None else outcome[0] for outcome in alone]
        for (topic, _), outcome in zip(frames, outcomes, strict=True):
            match outcome:
                case Refusal():
                    self.refuse(topic, outcome)
                case Reported():
                    self._dispatch.send(outcome)
                case Taken():
                    self._answer(outcome)
        taken = [outcome for outcome in outcomes if isinstance(outcome, Taken)]
        if taken:
            new = sum(len(outcome.answer.links) for outcome in taken)
            _log.info("batches_taken", batches=len(taken), new=new)
            if new:
                self._news()
        return outcomes

    def refuse(self, topic: str, reason: Refusal) -> None:
        """Count and log a dropped frame; a topic is logged as its handset id or not at all."""
        self._refused[reason.value] += 1
        _log.warning("frame_refused", reason=reason.value, handset=_handset_or_none(topic))

    def refused(self) -> dict[str, int]:
        """Return the counts of dropped frames since the start, by reason."""
        return dict(self._refused)

    def _take_group(self, frames: Sequence[Frame]) -> Sequence[Taken | Reported | Refusal] | None:
        now = int(self._clock())
        senders = {sender for topic, _ in frames if (sender := _handset_or_none(topic)) is not None}
        try:
            with self._store.taking(senders) as ledger:
                return [self._take(ledger, topic, payload, now) for topic, payload in frames]
        except Exception as error:  # noqa: BLE001 (nothing of the group was kept)
            _log.error("store_failed", error=type(error).__name__, frames=len(frames))
            return None

    def _take(self, ledger: Ledger, topic: str, payload: bytes, now: int) -> Taken | Reported | Refusal:
        handset_id = _handset_or_none(topic)
        if handset_id is None or topic != up(handset_id):
            return Refusal.FOREIGN_TOPIC
        handset = ledger.handset(handset_id)
        if handset is None:
            return Refusal.UNKNOWN_HANDSET
        frame = check_signature(payload, handset)
        if isinstance(frame, Refusal):
            return frame
        binding = ledger.binding(frame.place.binding)
        if binding is None or binding.handset != handset.id:
            return Refusal.WRONG_BINDING
        if isinstance(frame, Report):
            return self._take_report(ledger, handset, binding, frame, now)
        return self._take_batch(ledger, frame, binding, now)

    def _take_report(
        self, ledger: Ledger, handset: Handset, binding: Binding, report: Report, now: int
    ) -> Reported:
        reported = self._dispatch.take_report(ledger, handset, binding, report, now=now)
        receipt = asked_again(binding, settled=report.last_seq - report.owed)
        if receipt is None:
            return reported
        _log.warning("asked_again", handset=handset.id, up_to=receipt.up_to)
        asking = pack_receipt(receipt, self._ring.signing_for(report.hub_keys))
        return replace(reported, frames=(asking, *reported.frames))  # first: a rekey may follow

    def _take_batch(self, ledger: Ledger, batch: Batch, binding: Binding, now: int) -> Taken | Refusal:
        standing = ledger.book.standing(binding.id)
        newest = Case(binding, standing).newest_epoch
        opened = open_batch(batch, binding, self._openers.find, newest_epoch=newest)
        if isinstance(opened, Refusal):
            return opened
        known = ledger.head_at(binding, batch.last_seq) if batch.last_seq <= binding.up_to else None
        decision = answer(opened, binding, self._ring.keys, head_at_last=known)
        if decision.links:
            ledger.keep(decision.binding, decision.links, received=now)
        if decision.receipt.outcome is Outcome.FORK:
            place = VerdictId(binding.handset, binding.id, Seq(batch.last_seq))
            ledger.raise_alarm(AlarmKind.FORK, place, at=now)
        ledger.heard(binding.handset, at=now)
        return Taken(decision, batch.last_seq, standing.hub_keys)

    def _answer(self, taken: Taken) -> None:
        receipt = taken.answer.receipt
        fields = {
            "handset": receipt.handset,
            "up_to": receipt.up_to,
            "last_seq": taken.last_seq,
            "new": len(taken.answer.links),
            "outcome": receipt.outcome.name.lower(),
        }
        match receipt.outcome:
            case Outcome.TAKEN:
                _log.debug("batch_taken", **fields)
            case Outcome.GAP:
                _log.warning("batch_gap", **fields)
            case Outcome.FORK:
                _log.error("batch_fork", **fields)
        self._downlink.send(receipt.handset, pack_receipt(receipt, self._ring.signing_for(taken.hub_keys)))


def _handset_or_none(topic: str) -> HandsetId | None:
    try:
        return handset_of(topic)
    except MalformedFrame:
        return None
