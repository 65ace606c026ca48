"""Makes a store that came back from a backup safe to go on with."""

from __future__ import annotations

import time
from dataclasses import replace

from compline_hub.core.audit import Act, Entry
from compline_hub.core.orders import BY_HUB
from compline_hub.ports import Ledger
from compline_hub.service.pairing import entry_of, expire_offers

COUNTER_STEP = 2**16
"""By so much a restored hub's counters go up, so that a freeze holds at once also where nobody has reported yet."""


def mark_restored(ledger: Ledger, *, by: str = BY_HUB) -> None:
    """Take counters up, forget what reports asked, call pairing codes off, and say so in the audit."""
    for binding in ledger.bindings():
        standing = ledger.book.standing(binding.id)
        told = standing.told
        marked = replace(
            standing,
            signed=standing.signed + COUNTER_STEP,
            told=None if told is None else replace(told, question=None),
        )
        ledger.book.keep_standing(binding.id, marked)
    revoke_offers(ledger, by=by)
    ledger.audit.note(Entry(at=int(time.time()), who=by, act=Act.RESTORED))


def revoke_offers(ledger: Ledger, *, by: str) -> None:
    """Pairing codes are sealed under the escrow key, and are good at the hub alone that gave them out."""
    now = int(time.time())
    expire_offers(ledger, now)  # what was over already is not called off
    for offer in ledger.offers.unfinished():
        ledger.offers.put(offer.revoked())
        ledger.audit.note(entry_of(offer, Act.CODE_WITHDRAWN, who=by, now=now))
