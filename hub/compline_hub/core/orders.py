"""An order to one binding as the hub keeps it, and everything that may become of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import unique
from typing import Final

import msgspec

from compline_shared.commands import Approval, Operator, Roster
from compline_shared.ids import BindingId, HandsetId
from compline_shared.lease import LeaseTimes
from compline_shared.message_frame import Counter
from compline_shared.strictness import Strictness
from compline_shared.taxonomy import Coded

BY_HUB: Final = "hub"
"""Who ordered what the hub orders by itself."""
FIRST_PAUSE: Final = 60
LONGEST_PAUSE: Final = 3_600
"""Seconds until an order is sent again without a report; doubled each time."""


@unique
class OrderKind(Coded):
    """What is ordered."""

    FREEZE = 1
    REBIND = 2
    WIPE = 3
    POLICY = 4


@unique
class OrderState(Coded):
    """How far an order has come."""

    ORDERED = 1  # kept here, perhaps sent; the handset has not said that it saw it
    SEEN = 2  # the handset has it and is not through with it
    DONE = 3
    REFUSED = 4  # by the handset, for good
    SUPERSEDED = 5  # a later order or another state made it pointless


FINAL: Final = frozenset({OrderState.DONE, OrderState.REFUSED, OrderState.SUPERSEDED})


@unique
class Reason(Coded):
    """Why an order was not taken, was refused by the handset, or waits; `sentences` says it to people."""

    WIPED = 1
    ALREADY_FROZEN = 2
    ALREADY_BOUND = 3
    WIPE_UNDER_WAY = 4
    NO_OPERATORS = 5
    TOO_MANY_WIPES = 6
    TOO_FEW_OPERATORS = 7
    SECRETS_LOST = 8
    NOT_AN_OPERATOR = 10
    ALREADY_APPROVED = 11
    NOTHING_TO_APPROVE = 12
    COLLECTOR_ELSEWHERE = 13
    LATER_ORDER = 20
    OLD_POLICY = 30
    WRONG_EPOCH = 31
    OLD_NONCE = 32
    NOT_APPROVED = 33
    TOO_OFTEN = 34
    WRONG_STATE = 35
    UNOPENED = 36
    NO_ROOM = 37


class PolicyTerms(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a policy order sets."""

    version: Counter
    times: LeaseTimes
    operators: Roster
    strictness: Strictness = ()


@dataclass(frozen=True, slots=True)
class Order:
    """One order; the id stays, epoch and counter are those that it was signed at last."""

    id: bytes  # [16]
    handset: HandsetId
    binding: BindingId
    kind: OrderKind
    by: str
    ordered: int  # Unix s
    changed: int  # Unix s, of the state
    terms: PolicyTerms | None = None
    needed: int = 0  # different operators who must approve it
    approvals: tuple[Approval, ...] = ()
    state: OrderState = OrderState.ORDERED
    reason: Reason | None = None
    epoch: int = 0
    counter: int = 0  # 0 = never signed
    tries: int = 0  # times sent
    due: int | None = None  # Unix s, when it is sent (again) without a report; None = not at all

    @property
    def ready(self) -> bool:
        """Whether it has the approvals that it needs."""
        return len(self.approvals) >= self.needed

    @property
    def pending(self) -> bool:
        """Whether anything may still become of it."""
        return self.state not in FINAL

    @property
    def named(self) -> str:
        """Its kind, and a policy's version, as the audit names it: a verdict tells the version that it was under."""
        return self.kind.code if self.terms is None else f"{self.kind.code} {self.terms.version}"

    @property
    def restrictive(self) -> bool:
        """Whether it takes something away; such a one answers no nonce."""
        return self.kind in (OrderKind.FREEZE, OrderKind.WIPE)

    def settled(self, state: OrderState, *, now: int, reason: Reason | None = None) -> Order:
        """Return it at its end."""
        return replace(self, state=state, reason=reason, changed=now, due=None)

    def sent(self, *, epoch: int, counter: int, now: int) -> Order:
        """Return it as it is once it was signed at a place and sent."""
        tries = self.tries + 1
        return replace(self, epoch=epoch, counter=counter, tries=tries, due=now + pause(tries))


def pause(tries: int) -> int:
    """Seconds until it is sent again after so many tries."""
    return min(FIRST_PAUSE << min(tries - 1, 6), LONGEST_PAUSE)


def roster_of(operators: tuple[Operator, ...]) -> dict[bytes, bytes]:
    """Operator id to public key."""
    return {operator.id: operator.key for operator in operators}
