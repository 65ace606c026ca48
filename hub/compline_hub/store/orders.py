"""Keeps orders and standings: the order book of one session."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from compline_hub.core.key_sets import KeySets
from compline_hub.core.orders import FINAL, Order, OrderKind, OrderState, PolicyTerms, Reason
from compline_hub.core.standing import NONCES, Question, Standing, Told
from compline_hub.store.tables import BranchPolicyRow, CommandRow, KeySetsRow, StandingRow
from compline_shared.commands import Approval, Operator
from compline_shared.hub_keys import HubPublicKeys
from compline_shared.ids import BindingId, HandsetId
from compline_shared.lease import LeaseTimes
from compline_shared.message_frame import decode_message, encode_message
from compline_shared.reports import BindingState, Cause
from compline_shared.strictness import Strictness

_NONCE = 16
_ONE = 1
_FINAL = [int(state) for state in FINAL]


class SqlOrderBook:
    """The order book port on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def standing(self, binding: BindingId) -> Standing:
        """Return the standing of a binding; a binding that has none yet is wanted bound."""
        row = self._session.get(StandingRow, binding)
        return Standing() if row is None else standing_of(row)

    def keep_standing(self, binding: BindingId, standing: Standing) -> None:
        """Set a binding's standing."""
        self._session.merge(_standing_row(binding, standing))
        self._session.flush()

    def pending(self, binding: BindingId) -> Sequence[Order]:
        """Return a binding's pending orders, oldest first."""
        question = (
            select(CommandRow)
            .where(CommandRow.binding == binding, CommandRow.state.not_in(_FINAL))
            .order_by(CommandRow.number)
        )
        return [order_of(row) for row in self._session.scalars(question)]

    def order(self, order: bytes) -> Order | None:
        """Return an order, or None."""
        row = self._row(order)
        return None if row is None else order_of(row)

    def keep(self, order: Order) -> None:
        """Keep a new order, or what became of a known one."""
        row = self._row(order.id)
        if row is None:
            row = CommandRow(id=order.id.hex(), handset=order.handset, binding=order.binding)
            self._session.add(row)
        _fill(row, order)
        self._session.flush()

    def wipes_since(self, at: int) -> int:
        """Count the wipes that were ordered at or after a time."""
        question = (
            select(func.count())
            .select_from(CommandRow)
            .where(CommandRow.kind == int(OrderKind.WIPE), CommandRow.ordered >= at)
        )
        return self._session.scalar(question) or 0

    def due(self, at: int) -> Sequence[BindingId]:
        """Return the bindings with orders to be sent by a time."""
        question = select(CommandRow.binding).where(CommandRow.due <= at).distinct()
        return [BindingId(binding) for binding in self._session.scalars(question)]

    def times(self) -> LeaseTimes:
        """Return the branch's lease times."""
        row = self._session.get(BranchPolicyRow, _ONE)
        return LeaseTimes() if row is None else LeaseTimes(row.warn, row.freeze, row.destroy)

    def keep_times(self, times: LeaseTimes) -> None:
        """Set them."""
        self._keep_policy(times, self.strictness())

    def strictness(self) -> Strictness:
        """Return what the branch's policy says of categories."""
        row = self._session.get(BranchPolicyRow, _ONE)
        if row is None or row.strictness is None:
            return ()
        return msgspec.msgpack.decode(row.strictness, type=Strictness)

    def keep_strictness(self, strictness: Strictness) -> None:
        """Set it."""
        self._keep_policy(self.times(), strictness)

    def _keep_policy(self, times: LeaseTimes, strictness: Strictness) -> None:
        row = BranchPolicyRow(
            one=_ONE,
            warn=times.warn,
            freeze=times.freeze,
            destroy=times.destroy,
            strictness=msgspec.msgpack.encode(strictness),
        )
        self._session.merge(row)
        self._session.flush()

    def key_sets(self) -> KeySets | None:
        """Return the keys that handsets are told of, None before the hub was opened first."""
        row = self._session.get(KeySetsRow, _ONE)
        if row is None:
            return None
        former = None if row.former is None else decode_message(row.former, HubPublicKeys)
        return KeySets(decode_message(row.present, HubPublicKeys), former, row.since)

    def keep_key_sets(self, sets: KeySets) -> None:
        """Set them."""
        former = None if sets.former is None else encode_message(sets.former)
        row = KeySetsRow(one=_ONE, present=encode_message(sets.present), former=former, since=sets.since)
        self._session.merge(row)
        self._session.flush()

    def _row(self, order: bytes) -> CommandRow | None:
        return self._session.scalar(select(CommandRow).where(CommandRow.id == order.hex()))


def order_of(row: CommandRow) -> Order:
    """Return what a row means."""
    return Order(
        id=bytes.fromhex(row.id),
        handset=HandsetId(row.handset),
        binding=BindingId(row.binding),
        kind=OrderKind(row.kind),
        by=row.by,
        ordered=row.ordered,
        changed=row.changed,
        terms=None if row.terms is None else msgspec.msgpack.decode(row.terms, type=PolicyTerms),
        needed=row.needed,
        approvals=msgspec.msgpack.decode(row.approvals, type=tuple[Approval, ...]),
        state=OrderState(row.state),
        reason=None if row.reason is None else Reason(row.reason),
        epoch=row.epoch,
        counter=row.counter,
        tries=row.tries,
        due=row.due,
    )


def standing_of(row: StandingRow) -> Standing:
    """Return what a row means."""
    return Standing(
        wanted=BindingState(row.wanted),
        signed=row.signed,
        policy=row.policy,
        roster=msgspec.msgpack.decode(row.roster, type=tuple[Operator, ...]),
        leased=row.leased,
        hub_keys=row.hub_keys,
        rekeyed=row.rekeyed,
        told=_told(row),
        nonces=tuple(row.nonces[i : i + _NONCE] for i in range(0, len(row.nonces), _NONCE)),
    )


def _fill(row: CommandRow, order: Order) -> None:
    row.kind, row.by = int(order.kind), order.by
    row.ordered, row.changed = order.ordered, order.changed
    row.terms = None if order.terms is None else msgspec.msgpack.encode(order.terms)
    row.needed, row.approvals = order.needed, msgspec.msgpack.encode(order.approvals)
    row.state, row.reason = int(order.state), None if order.reason is None else int(order.reason)
    row.epoch, row.counter = order.epoch, order.counter
    row.tries, row.due = order.tries, order.due


def _standing_row(binding: BindingId, standing: Standing) -> StandingRow:
    told = standing.told
    return StandingRow(
        binding=binding,
        wanted=int(standing.wanted),
        signed=standing.signed,
        policy=standing.policy,
        roster=msgspec.msgpack.encode(standing.roster),
        leased=standing.leased,
        hub_keys=standing.hub_keys,
        rekeyed=standing.rekeyed,
        nonces=b"".join(standing.nonces[-NONCES:]),
        epoch=told and told.epoch,
        counter=told and told.counter,
        state=told and int(told.state),
        cause=told and int(told.cause),
        told_policy=told and told.policy,
        rollback_resistant=told and told.rollback_resistant,
        lease_used=told and told.lease_used,
        owed=told and told.owed,
        last_seq=told and told.last_seq,
        nonce=told and told.question and told.question.nonce,
        answer_key=told and told.question and told.question.answer_key,
        told=told and told.at,
    )


def _told(row: StandingRow) -> Told | None:
    if row.told is None or row.state is None or row.cause is None:
        return None
    return Told(
        epoch=row.epoch or 0,
        counter=row.counter or 0,
        state=BindingState(row.state),
        cause=Cause(row.cause),
        policy=row.told_policy or 0,
        rollback_resistant=bool(row.rollback_resistant),
        lease_used=row.lease_used or 0,
        owed=row.owed or 0,
        last_seq=row.last_seq or 0,
        question=None if row.nonce is None or row.answer_key is None else Question(row.nonce, row.answer_key),
        at=row.told,
    )
