"""What the hub wants of a binding, what its handset told last, and the orders between the two."""

from __future__ import annotations

from dataclasses import dataclass, replace

from compline_hub.core.enrolled import Binding
from compline_hub.core.orders import Order, OrderKind
from compline_shared.commands import Operator
from compline_shared.reports import BindingState, Cause

NONCES = 8
"""Newest reports of which a repetition is known as one."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a report asks to be answered: permissive commands name its nonce, secrets are sealed to its key."""

    nonce: bytes  # [16]
    answer_key: bytes  # [32], X25519 public; the handset has the private half in memory alone


@dataclass(frozen=True, slots=True)
class Told:
    """The newest report of a handset, kept."""

    epoch: int
    counter: int
    state: BindingState
    cause: Cause
    policy: int
    rollback_resistant: bool
    lease_used: int  # s
    owed: int
    last_seq: int  # of what it may still send, 0 = nothing
    question: Question | None  # None once the hub came back from a backup
    at: int  # Unix s


@dataclass(frozen=True, slots=True)
class KeyNames:
    """The sets of keys that handsets know this hub by; a former one only until nobody needs it any more."""

    present: bytes = b""
    former: bytes | None = None


NO_KEYS = KeyNames()
"""For decisions after which nothing is signed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The hub's side of a binding's life."""

    wanted: BindingState = BindingState.BOUND  # BOUND or FROZEN; a wipe is an order of its own
    signed: int = 0  # the highest counter that the hub has used
    policy: int = 0  # the highest policy version that the hub has used
    roster: tuple[Operator, ...] = ()  # who may approve on the handset, as far as the hub knows
    leased: int | None = None  # Unix s of the newest lease
    hub_keys: bytes | None = (
        None  # name of the set of keys by which the handset knows this hub; None: never told
    )
    rekeyed: int | None = None  # Unix s at which it was told of another set last
    told: Told | None = None
    nonces: tuple[bytes, ...] = ()  # of the newest reports, newest last

    @property
    def released(self) -> bool:
        """Whether the collector may get another handset: the unbinding is done, or the vault's keys are destroyed."""
        if self.told is None:
            return False
        frozen = self.wanted is BindingState.FROZEN and self.told.state is BindingState.FROZEN
        return frozen or self.told.state in (BindingState.WIPING, BindingState.WIPED)

    @property
    def works(self) -> bool:
        """Whether the binding is to be bound, and is so as far as the handset told."""
        told = self.told is None or self.told.state is BindingState.BOUND
        return told and self.wanted is BindingState.BOUND


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision on one binding needs: binding, standing, and its pending orders, oldest first."""

    binding: Binding
    standing: Standing
    orders: tuple[Order, ...] = ()
    newest: bool = True  # whether its handset has no later binding; a former one is never bound again
    spoken: int | None = None  # the epoch of the report that is being answered
    keys: KeyNames = NO_KEYS

    @property
    def epoch(self) -> int:
        """The epoch that commands are signed for: the handset's word, else the hub's."""
        if self.spoken is not None:
            return self.spoken
        told = self.standing.told
        return self.binding.epoch if told is None else told.epoch

    @property
    def reachable(self) -> bool:
        """Whether this hub has the keys by which the handset knows it."""
        return self.standing.hub_keys in (None, self.keys.present, self.keys.former)

    @property
    def outdated(self) -> bool:
        """Whether the handset is to be told of the present keys."""
        return self.keys.former is not None and self.standing.hub_keys in (None, self.keys.former)

    @property
    def owes(self) -> bool:
        """Whether the handset may still send verdicts that it had when it reported last."""
        told = self.standing.told
        return told is not None and told.last_seq > self.binding.up_to

    @property
    def gone(self) -> bool:
        """Whether the handset said that the vault's keys are destroyed."""
        told = self.standing.told
        return told is not None and told.state in (BindingState.WIPING, BindingState.WIPED)

    @property
    def wiped(self) -> bool:
        """Whether the handset said that the wipe is through."""
        told = self.standing.told
        return told is not None and told.state is BindingState.WIPED

    @property
    def secrets_lost(self) -> bool:
        """Whether the handset is in an epoch whose secrets this hub does not have."""
        return self.epoch > self.newest_made

    @property
    def newest_made(self) -> int:
        """The newest epoch whose secrets this hub made."""
        return self.binding.epoch + (self.binding.next_escrow is not None)

    @property
    def newest_epoch(self) -> int:
        """The newest epoch in which the handset may speak."""
        return max(self.newest_made, self.epoch)

    def pending(self, kind: OrderKind) -> tuple[Order, ...]:
        """Pending orders of a kind, oldest first."""
        return tuple(order for order in self.orders if order.kind is kind and order.pending)

    @property
    def restricted(self) -> bool:
        """Whether a freeze or an approved wipe is on its way: nothing permissive is sent before its end."""
        return any(order.restrictive and order.pending and order.ready for order in self.orders)

    @property
    def wiping(self) -> bool:
        """Whether an approved wipe is on its way."""
        return any(order.ready for order in self.pending(OrderKind.WIPE))

    def changed(self, *orders: Order) -> Case:
        """The case with these orders in the place of those with their ids; new ones come last."""
        by_id = {order.id: order for order in self.orders} | {order.id: order for order in orders}
        return replace(self, orders=tuple(by_id.values()))


def told_question(standing: Standing) -> Question | None:
    """The newest question that a permissive command may answer."""
    return None if standing.told is None else standing.told.question
