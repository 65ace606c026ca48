"""What the API says and takes of orders, as msgspec Structs; enums by their code, reasons in two languages."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from compline_hub.core.orders import Order
from compline_hub.core.sentences import chinese, english
from compline_shared.commands import Operator
from compline_shared.lease import LeaseTimes
from compline_shared.strictness import CategoryStrictness, Strictness

Code = Annotated[str, Meta(pattern="^[a-z_]{1,32}$")]
"""Of a category."""
Hex = Annotated[str, Meta(pattern="^([0-9a-f]{2})*$", max_length=128)]


class OrderOut(msgspec.Struct, frozen=True):
    """An order and how far it has come; times in Unix seconds."""

    id: str
    handset: str
    binding: str
    kind: str
    by: str
    ordered: int
    state: str
    changed: int
    approvals_needed: int
    approved_by: list[str]  # ids of operators
    reason: str | None
    reason_zh: str | None
    reason_en: str | None


class OrdersOut(msgspec.Struct, frozen=True):
    """Newest orders first."""

    commands: list[OrderOut]


class WipeIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The handset's name, typed by whoever orders its wipe."""

    name: Annotated[str, Meta(max_length=60)]


class ApprovalIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operator's signature under a command."""

    operator: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    signature: Annotated[str, Meta(pattern="^[0-9a-f]{128}$")]


class PolicyIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lease times in seconds."""

    warn: int
    freeze: int
    destroy: int


class StrictnessIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which confidence (percent) on a category counts."""

    category: Code
    review: int
    whisper: int
    alarm: int


class SilenceIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A category, typed by whoever silences it, beside the one that is meant."""

    category: Code
    typed: Code


class ResetIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A category that is to be judged as calibrated again; null: every one."""

    category: Code | None


class StrictnessOut(msgspec.Struct, frozen=True):
    """What policy says of one category; the points are null where it is silenced."""

    category: str
    silenced: bool
    review: int | None
    whisper: int | None
    alarm: int | None


class PolicyOut(msgspec.Struct, frozen=True):
    """Lease times in seconds, and who may approve."""

    warn: int
    freeze: int
    destroy: int
    operators: list[str]  # ids
    strictness: list[StrictnessOut]  # categories that are not judged as the model's calibration says


def order_out(order: Order) -> OrderOut:
    """Return an order as a page gets it."""
    reason = order.reason
    return OrderOut(
        id=order.id.hex(),
        handset=order.handset,
        binding=order.binding,
        kind=order.kind.code,
        by=order.by,
        ordered=order.ordered,
        state=order.state.code,
        changed=order.changed,
        approvals_needed=order.needed,
        approved_by=[approval.operator.hex() for approval in order.approvals],
        reason=None if reason is None else reason.code,
        reason_zh=None if reason is None else chinese(reason),
        reason_en=None if reason is None else english(reason),
    )


def policy_out(times: LeaseTimes, operators: tuple[Operator, ...], strictness: Strictness) -> PolicyOut:
    """Return the policy as a page gets it."""
    ids = [operator.id.hex() for operator in operators]
    return PolicyOut(times.warn, times.freeze, times.destroy, ids, list(map(_strictness_out, strictness)))


def _strictness_out(each: CategoryStrictness) -> StrictnessOut:
    points = each.points
    return StrictnessOut(
        category=each.category.code,
        silenced=each.silenced,
        review=None if points is None else points.review,
        whisper=None if points is None else points.whisper,
        alarm=None if points is None else points.alarm,
    )
