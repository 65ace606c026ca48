"""Takes orders and approvals of people; works while another process serves the hub, and while none does."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from compline_hub.core import ordering
from compline_hub.core.audit import MAX_WHO, Act, Entry
from compline_hub.core.enrolled import Binding, Handset
from compline_hub.core.orders import Order, OrderKind, Reason
from compline_hub.core.sentences import english
from compline_hub.core.standing import Case
from compline_hub.core.strictness_changes import changes
from compline_hub.errors import NoSuchHandset, NoSuchOrder, OrderRefused
from compline_hub.ports import Ledger, Store
from compline_hub.service.cases import case_of, entry_of, keep_case
from compline_shared.commands import Approval, Operator
from compline_shared.ids import HandsetId
from compline_shared.lease import LeaseTimes
from compline_shared.strictness import CategoryStrictness, Strictness, with_category, without_category
from compline_shared.taxonomy import Category

SHORTEST_PREFIX = 6
"""Hex digits of an id that stand for the whole, at least."""
_Decide = Callable[[Ledger, Case, Order], Case | Reason]


@dataclass(frozen=True, slots=True)
class Given:
    """An order as it was taken, with the handset that it is to."""

    handset: Handset
    order: Order
    collector: str | None = None  # whose binding it is, where the hub knows

    @property
    def whose(self) -> str:
        """The handset's name, and whose vault on it."""
        return self.handset.name if self.collector is None else f"{self.handset.name}, of {self.collector}"


class Orders:
    """The use case, wired."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def freeze(self, handset: str, *, by: str) -> Given:
        """Unbind a handset, named by people or by its id; raises OrderRefused or NoSuchHandset."""
        return self._to(
            handset, OrderKind.FREEZE, by, lambda _ledger, case, order: ordering.freeze(case, order)
        )

    def rebind(self, handset: str, *, by: str) -> Given:
        """Bind a frozen handset to the same collector again; raises OrderRefused or NoSuchHandset."""

        def decide(ledger: Ledger, case: Case, order: Order) -> Case | Reason:
            collector = case.binding.collector
            holder = None if collector is None else ledger.holder(collector)
            return ordering.rebind(
                case, order, elsewhere=holder is not None and holder.id != case.binding.handset
            )

        return self._to(handset, OrderKind.REBIND, by, decide)

    def wipe(self, handset: str, *, by: str, collector: str | None = None) -> Given:
        """Order the destruction of one vault on a handset, to be approved by two: the present one, or a collector's.

        Raises OrderRefused or NoSuchHandset.
        """

        def decide(ledger: Ledger, case: Case, order: Order) -> Case | Reason:
            recent = ledger.book.wipes_since(order.ordered - ordering.WIPE_WINDOW + 1)
            return ordering.wipe(case, order, recent=recent)

        return self._to(handset, OrderKind.WIPE, by, decide, collector=collector)

    def grade(self, chosen: CategoryStrictness, *, by: str) -> list[Given]:
        """Order how one category is judged, or that it is silenced, for all handsets that are not wiped.

        Raises:
            OrderRefused: a handset may not take it; none gets it then.
        """
        return self._strictness(lambda present: with_category(present, chosen), by=by)

    def reset(self, category: Category | None = None, *, by: str) -> list[Given]:
        """Order that a category, or each, is judged as the model's calibration says; raises OrderRefused."""
        return self._strictness(
            lambda present: () if category is None else without_category(present, category), by=by
        )

    def strictness(self) -> Strictness:
        """Return what the branch's policy says of categories."""
        with self._store.transaction() as ledger:
            return ledger.book.strictness()

    def _strictness(self, change: Callable[[Strictness], Strictness], *, by: str) -> list[Given]:
        with self._store.transaction() as ledger:
            present = ledger.book.strictness()
            changed = change(present)
            if changed == present:
                return []
            outcome = order_policy(ledger, None, strictness=changed, by=by, now=self._now())
        if isinstance(outcome, Reason):
            raise _refused(outcome)
        return outcome

    def policy(self, times: LeaseTimes | None, *, by: str) -> list[Given]:
        """Order lease times (None: as they are) and the present operators for all handsets that are not wiped.

        Raises:
            OrderRefused: a handset may not take it; none gets it then.
        """
        with self._store.transaction() as ledger:
            outcome = order_policy(ledger, times, by=by, now=self._now())
        if isinstance(outcome, Reason):
            raise _refused(outcome)
        return outcome

    def approve(self, order: bytes, approval: Approval) -> Given:
        """Add an operator's approval; raises OrderRefused or NoSuchOrder."""
        with self._store.transaction() as ledger:
            known = ledger.book.order(order)
            binding = None if known is None else ledger.binding(known.binding)
            handset = None if known is None else ledger.handset(known.handset)
            if known is None or binding is None or handset is None:
                raise NoSuchOrder("There is no such order; see `compline-hub commands`.")
            before = case_of(ledger, binding)
            now, who = self._now(), f"operator {approval.operator.hex()}"
            outcome = ordering.approve(before, known, approval, now=now)
            act = Act.NOT_TAKEN if isinstance(outcome, Reason) else Act.APPROVED
            detail = outcome.code if isinstance(outcome, Reason) else known.kind.code
            ledger.audit.note(entry_of(known, act, who=who, now=now, detail=detail))
            if isinstance(outcome, Case):
                keep_case(ledger, before, outcome, who=who, now=now)
                (known,) = (order for order in outcome.orders if order.id == known.id)
        if isinstance(outcome, Reason):
            raise _refused(outcome)
        return Given(handset, known)

    def find(self, prefix: str) -> Given:
        """Return the pending order whose id begins with some hex digits; raises NoSuchOrder."""
        with self._store.transaction() as ledger:
            found = [
                order
                for binding in ledger.bindings()
                for order in ledger.book.pending(binding.id)
                if order.id.hex().startswith(prefix.lower())
            ]
            if len(found) != 1 or len(prefix) < SHORTEST_PREFIX:
                raise NoSuchOrder(
                    f"{len(found)} pending orders have an id that begins with {prefix!r}; give {SHORTEST_PREFIX} or"
                    " more digits of one in `compline-hub commands`."
                )
            handset = ledger.handset(found[0].handset)
            binding = ledger.binding(found[0].binding)
            whose = None if binding is None else _collector(ledger, binding)
        if handset is None:
            raise NoSuchOrder("The order's handset is gone; see `compline-hub commands`.")
        return Given(handset, found[0], whose)

    def handset(self, name: str) -> Handset:
        """Return the handset that goes by a name or id; raises NoSuchHandset."""
        with self._store.transaction() as ledger:
            return named_handset(ledger, name)

    def times(self) -> LeaseTimes:
        """Return the branch's lease times."""
        with self._store.transaction() as ledger:
            return ledger.book.times()

    def roster(self) -> tuple[Operator, ...]:
        """Return who may approve."""
        with self._store.transaction() as ledger:
            return present_roster(ledger)

    def order(self, order: bytes) -> Order | None:
        """Return an order as it stands now."""
        with self._store.transaction() as ledger:
            return ledger.book.order(order)

    def vaults(self, handset: str) -> tuple[str, ...]:
        """Return whose vaults lie on a handset and are not wiped, the newest binding's first."""
        with self._store.transaction() as ledger:
            found = ledger.bindings_of(named_handset(ledger, handset).id)
            return tuple(_collector(ledger, binding) or binding.id for binding in found if binding.escrow)

    def _to(
        self, name: str, kind: OrderKind, by: str, decide: _Decide, *, collector: str | None = None
    ) -> Given:
        now = self._now()
        with self._store.transaction() as ledger:
            handset = named_handset(ledger, name)
            binding = _binding(ledger, handset) if collector is None else _vault(ledger, handset, collector)
            whose = _collector(ledger, binding)
            before = case_of(ledger, binding)
            order = _draft(binding, kind, by=by, now=now)
            outcome = decide(ledger, before, order)
            if isinstance(outcome, Case):
                keep_case(ledger, before, outcome, who=by, now=now)
                (order,) = (kept for kept in outcome.orders if kept.id == order.id)
            else:
                ledger.audit.note(entry_of(order, Act.NOT_TAKEN, who=order.by, now=now, detail=outcome.code))
        if isinstance(outcome, Reason):
            raise _refused(outcome)
        return Given(handset, order, whose)

    def _now(self) -> int:
        return int(self._clock())


def order_policy(
    ledger: Ledger, times: LeaseTimes | None, *, strictness: Strictness | None = None, by: str, now: int
) -> list[Given] | Reason:
    """Order a policy for all handsets neither wiped nor removed, all or none, within a transaction.

    What is None stays as it is. In the audit what changed comes before the orders that tell it, so that the version
    of an order names what the chain says up to there.
    """
    operators, present = present_roster(ledger), ledger.book.strictness()
    chosen, graded = times or ledger.book.times(), present if strictness is None else strictness
    given: list[Given] = []
    cases: list[tuple[Case, Case]] = []
    for handset in ledger.handsets():
        if handset.removed is not None:
            continue
        before = case_of(ledger, _binding(ledger, handset))
        if before.gone:
            continue
        order = _draft(before.binding, OrderKind.POLICY, by=by, now=now)
        outcome = ordering.policy(before, order, times=chosen, operators=operators, strictness=graded)
        if isinstance(outcome, Reason):
            ledger.audit.note(entry_of(order, Act.NOT_TAKEN, who=order.by, now=now, detail=outcome.code))
            return outcome
        cases.append((before, outcome))
        given.append(Given(handset, next(kept for kept in outcome.orders if kept.id == order.id)))
    if graded != present:
        ledger.book.keep_strictness(graded)
        for act, detail in changes(present, graded):
            ledger.audit.note(Entry(at=now, who=by[:MAX_WHO], act=act, detail=detail))
    for before, after in cases:
        keep_case(ledger, before, after, who=by, now=now)
    if times is not None:
        ledger.book.keep_times(times)
        ledger.audit.note(Entry(at=now, who=by[:MAX_WHO], act=Act.ORDERED, detail="branch_policy"))
    return given


def present_roster(ledger: Ledger) -> tuple[Operator, ...]:
    """Operators who are not removed, in the order in which they were added."""
    return tuple(record.operator for record in ledger.operators.all() if record.removed is None)


def named_handset(ledger: Ledger, name: str) -> Handset:
    """Return the handset that goes by a name for people, an id, or the first digits of one; raises NoSuchHandset.

    A removed handset goes by nothing any more: no order reaches it, and its name is free for another.
    """
    handsets = [handset for handset in ledger.handsets() if handset.removed is None]
    found = [handset for handset in handsets if handset.name == name or handset.id == name]
    if not found and len(name) >= SHORTEST_PREFIX:
        found = [handset for handset in handsets if handset.id.startswith(name.lower())]
    if len(found) != 1:
        many = "Several handsets go" if found else "No handset goes"
        raise NoSuchHandset(f"{many} by that name; give its id as `compline-hub status` shows it.")
    return found[0]


def _binding(ledger: Ledger, handset: Handset) -> Binding:
    binding = ledger.binding_of(HandsetId(handset.id))
    if binding is None:
        raise NoSuchHandset("That handset has no binding; enrol it anew.")
    return binding


def _vault(ledger: Ledger, handset: Handset, collector: str) -> Binding:
    for binding in ledger.bindings_of(handset.id):
        if binding.escrow and collector in (_collector(ledger, binding), binding.id):
            return binding
    raise NoSuchHandset(f"No vault of {collector} that is not wiped lies on that handset; check the name.")


def _collector(ledger: Ledger, binding: Binding) -> str | None:
    known = None if binding.collector is None else ledger.collector(binding.collector)
    return None if known is None else known.name


def _draft(binding: Binding, kind: OrderKind, *, by: str, now: int) -> Order:
    return Order(
        id=secrets.token_bytes(16),
        handset=binding.handset,
        binding=binding.id,
        kind=kind,
        by=by[:MAX_WHO],
        ordered=now,
        changed=now,
    )


def _refused(reason: Reason) -> OrderRefused:
    return OrderRefused(english(reason), code=reason.code)
