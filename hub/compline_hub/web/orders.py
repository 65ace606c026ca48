"""Orders, approvals and the branch's policy as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import JSONBody, PathParameter, QueryParameter

from compline_hub.service.desk import Desk
from compline_hub.service.orders import Given, Orders
from compline_hub.web.order_schemas import (
    ApprovalIn,
    OrderOut,
    OrdersOut,
    PolicyIn,
    PolicyOut,
    ResetIn,
    SilenceIn,
    StrictnessIn,
    WipeIn,
    order_out,
    policy_out,
)
from compline_shared.commands import Approval
from compline_shared.ids import HandsetId
from compline_shared.lease import LeaseTimes
from compline_shared.strictness import NAMED, BadStrictness, named, points_of, silenced
from compline_shared.taxonomy import Category

BY_PAGE = "page"
"""Who ordered it, as the audit names them until sign-in exists."""
Handset = Annotated[str, PathParameter(pattern="^[0-9a-f]{16}$")]


class OrderController(Controller):
    """`/api/commands`, `/api/handsets/{handset}/freeze | rebind | wipe`, `/api/policy` and what lies under it."""

    path = "/api"

    @get("/commands", sync_to_thread=True)
    def commands(
        self,
        desk: NamedDependency[Desk],
        handset: Annotated[str | None, QueryParameter(pattern="^[0-9a-f]{16}$")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
    ) -> OrdersOut:
        """Newest first, those to one handset or all."""
        only = None if handset is None else HandsetId(handset)
        return OrdersOut([order_out(order) for order in desk.reading.orders(only, limit=limit)])

    @post("/handsets/{handset:str}/freeze", sync_to_thread=True)
    def freeze(self, orders: NamedDependency[Orders], handset: Handset) -> OrderOut:
        """Unbind."""
        return order_out(orders.freeze(handset, by=BY_PAGE).order)

    @post("/handsets/{handset:str}/rebind", sync_to_thread=True)
    def rebind(self, orders: NamedDependency[Orders], handset: Handset) -> OrderOut:
        """Bind to the same collector again."""
        return order_out(orders.rebind(handset, by=BY_PAGE).order)

    @post("/handsets/{handset:str}/wipe", sync_to_thread=True)
    def wipe(self, orders: NamedDependency[Orders], handset: Handset, data: JSONBody[WipeIn]) -> OrderOut:
        """Order a wipe, which two operators must approve; the handset's name must be typed."""
        if orders.handset(handset).name != data.name:
            raise ValidationException("That is not the handset's name; nothing was ordered.")
        return order_out(orders.wipe(handset, by=BY_PAGE).order)

    @post("/commands/{command:str}/approvals", sync_to_thread=True)
    def approve(
        self,
        orders: NamedDependency[Orders],
        command: Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")],
        data: JSONBody[ApprovalIn],
    ) -> OrderOut:
        """Add an operator's approval; the signature proves who gave it."""
        approval = Approval(bytes.fromhex(data.operator), bytes.fromhex(data.signature))
        return order_out(orders.approve(bytes.fromhex(command), approval).order)

    @get("/policy", sync_to_thread=True)
    def policy(self, orders: NamedDependency[Orders]) -> PolicyOut:
        """Lease times and operators of the branch, and how strict it is."""
        return policy_out(orders.times(), orders.roster(), orders.strictness())

    @post("/policy", sync_to_thread=True)
    def set_policy(self, orders: NamedDependency[Orders], data: JSONBody[PolicyIn]) -> OrdersOut:
        """Order lease times for all handsets."""
        try:
            times = msgspec.convert([data.warn, data.freeze, data.destroy], LeaseTimes)
        except msgspec.ValidationError as error:
            raise ValidationException(
                "warn is 3600 to 2592000 s, freeze 7200 to 2592000 s, destroy 259200 to 31536000 s, each longer than"
                " the one before."
            ) from error
        return _ordered(orders.policy(times, by=BY_PAGE))

    @post("/policy/strictness", sync_to_thread=True)
    def set_strictness(self, orders: NamedDependency[Orders], data: JSONBody[StrictnessIn]) -> OrdersOut:
        """Order from which confidence on a category counts, for all handsets."""
        category = _category(data.category)
        try:
            chosen = points_of(category, review=data.review, whisper=data.whisper, alarm=data.alarm)
        except BadStrictness as error:
            raise ValidationException(str(error)) from error
        return _ordered(orders.grade(chosen, by=BY_PAGE))

    @post("/policy/silence", sync_to_thread=True)
    def silence(self, orders: NamedDependency[Orders], data: JSONBody[SilenceIn]) -> OrdersOut:
        """Order that nothing of a category is told; its code must be typed."""
        if data.typed != data.category:
            raise ValidationException("That is not the category; nothing was changed.")
        return _ordered(orders.grade(silenced(_category(data.category)), by=BY_PAGE))

    @post("/policy/reset", sync_to_thread=True)
    def reset(self, orders: NamedDependency[Orders], data: JSONBody[ResetIn]) -> OrdersOut:
        """Order that a category, or every one, is judged as the model's calibration says."""
        category = None if data.category is None else _category(data.category)
        return _ordered(orders.reset(category, by=BY_PAGE))


def _ordered(given: Sequence[Given]) -> OrdersOut:
    return OrdersOut([order_out(each.order) for each in given])


def _category(code: str) -> Category:
    category = named(code)
    if category is None:
        raise ValidationException(f"{code} is none of: {', '.join(each.code for each in sorted(NAMED))}.")
    return category
