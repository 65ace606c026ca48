"""Reads all that a decision on one binding needs, and keeps what it changed with its audit entries."""

from __future__ import annotations

import secrets

from compline_hub.core.audit import Act, Entry
from compline_hub.core.enrolled import Binding
from compline_hub.core.keys import EpochSecrets, HubKeys
from compline_hub.core.orders import Order, OrderState
from compline_hub.core.standing import NO_KEYS, Case, KeyNames
from compline_hub.ports import Ledger
from compline_shared.ids import HandsetId

_ACTS = {
    OrderState.SEEN: Act.SEEN,
    OrderState.DONE: Act.DONE,
    OrderState.REFUSED: Act.REFUSED,
    OrderState.SUPERSEDED: Act.SUPERSEDED,
}


def case_of(ledger: Ledger, binding: Binding, keys: KeyNames = NO_KEYS) -> Case:
    """Return the case of a binding; ``keys`` matter to what is signed."""
    newest = ledger.binding_of(binding.handset)
    return Case(
        binding,
        ledger.book.standing(binding.id),
        tuple(ledger.book.pending(binding.id)),
        newest=newest is None or newest.id == binding.id,
        keys=keys,
    )


def told_keys(ledger: Ledger, handset: HandsetId) -> bytes | None:
    """Return the name of the set of keys by which a handset as a whole knows this hub: that of its present binding.

    That is the newest of which it told: it may not have come to hold the newest one that was made for it.
    """
    newest_first = sorted(ledger.bindings_of(handset), key=lambda binding: binding.bound, reverse=True)
    standings = [ledger.book.standing(binding.id) for binding in newest_first]
    heard = [standing for standing in standings if standing.told is not None]
    return next((standing.hub_keys for standing in heard or standings), None)


def keep_case(ledger: Ledger, before: Case, after: Case, *, who: str, now: int) -> None:
    """Keep what changed; each order that is new or has come further leaves an audit entry."""
    known = {order.id: order for order in before.orders}
    for order in after.orders:
        earlier = known.get(order.id)
        if order == earlier:
            continue
        ledger.book.keep(order)
        if earlier is None:
            ledger.audit.note(entry_of(order, Act.ORDERED, who=order.by, now=now, detail=order.named))
        elif order.state is not earlier.state:
            reason = order.reason.code if order.reason else order.named
            ledger.audit.note(entry_of(order, _ACTS[order.state], who=who, now=now, detail=reason))
    if after.standing != before.standing:
        ledger.book.keep_standing(after.binding.id, after.standing)
    if after.binding != before.binding:
        ledger.keep_binding(after.binding)


def entry_of(order: Order, act: Act, *, who: str, now: int, detail: str) -> Entry:
    """Return an audit entry about an order."""
    return Entry(
        at=now,
        who=who,
        act=act,
        detail=detail,
        handset=order.handset,
        binding=order.binding,
        command=order.id.hex(),
    )


def next_escrow(keys: HubKeys, binding: Binding) -> bytes:
    """Make the secrets of a binding's next epoch, sealed for the store."""
    fresh = EpochSecrets(binding_secret=secrets.token_bytes(32), freeze_key=secrets.token_bytes(32))
    return keys.seal_escrow(fresh, binding=binding.id, nonce=secrets.token_bytes(12))
