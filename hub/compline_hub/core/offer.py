"""The offer behind a pairing code: five minutes, one use, three tries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import unique
from typing import Final

from compline_shared.ids import HandsetId
from compline_shared.pairing import TRIES, Refusal
from compline_shared.taxonomy import Coded

LIFE: Final = 300
"""Seconds."""
MAX_OPEN: Final = 32
"""Offers that may be open at a time."""


@unique
class OfferState(Coded):
    """Where an offer stands."""

    OPEN = 1
    TAKEN = 2  # by a handset that has not said yet that it kept everything
    JOINED = 3
    SPENT = 4  # three wrong tries
    EXPIRED = 5
    WITHDRAWN = 6


_REFUSALS: Final = {
    OfferState.JOINED: Refusal.USED,
    OfferState.SPENT: Refusal.SPENT,
    OfferState.EXPIRED: Refusal.EXPIRED,
    OfferState.WITHDRAWN: Refusal.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer; `sealed` is its secret, gone once the offer is over."""

    id: str  # 16 hex digits
    short: str  # the code's first two characters
    handset_name: str
    collector_name: str
    sealed: bytes | None
    made: int  # Unix s
    expires: int  # Unix s
    tries_left: int = TRIES
    state: OfferState = OfferState.OPEN
    handset: HandsetId | None = None  # that took it

    def as_of(self, now: int) -> Offer:
        """Return it as it stands now: one whose time is over, or whose clock was set back, has expired."""
        if self.state in (OfferState.OPEN, OfferState.TAKEN) and not self.made <= now < self.expires:
            return self._over(OfferState.EXPIRED)
        return self

    def admit(self, handset: HandsetId) -> Refusal | None:
        """Return why a handset may not take it, None where it may; who took it may ask again until it has joined."""
        if self.state is OfferState.TAKEN and self.handset != handset:
            return Refusal.USED
        return _REFUSALS.get(self.state)

    def with_secret(self, sealed: bytes) -> Offer:
        """Return it with its sealed secret."""
        return replace(self, sealed=sealed)

    def tried_wrong(self) -> Offer:
        """Return it with one try less."""
        left = self.tries_left - 1
        return self._over(OfferState.SPENT, tries_left=0) if left <= 0 else replace(self, tries_left=left)

    def taken_by(self, handset: HandsetId) -> Offer:
        """Return it as taken."""
        return replace(self, state=OfferState.TAKEN, handset=handset)

    def released(self) -> Offer:
        """Return it as open again: who took it could not be bound."""
        return replace(self, state=OfferState.OPEN, handset=None)

    def joined(self) -> Offer:
        """Return it as used up."""
        return self._over(OfferState.JOINED)

    def withdrawn(self) -> Offer:
        """Return it as called off; one that is over stays as it is."""
        return self._over(OfferState.WITHDRAWN) if self.state is OfferState.OPEN else self

    def revoked(self) -> Offer:
        """Return it as called off, taken or not: the key that it is sealed under goes, or another hub gave it out."""
        return self._over(OfferState.WITHDRAWN)

    def _over(self, state: OfferState, *, tries_left: int | None = None) -> Offer:
        left = self.tries_left if tries_left is None else tries_left
        return replace(self, state=state, sealed=None, tries_left=left)
