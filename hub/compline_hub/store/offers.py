"""Keeps the offers behind pairing codes, on the session of a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from compline_hub.core.offer import Offer, OfferState
from compline_hub.store.tables import OfferRow
from compline_shared.ids import HandsetId


class SqlOffers:
    """The offers port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def offer(self, offer: str) -> Offer | None:
        """Return the offer, or None."""
        row = self._session.get(OfferRow, offer, populate_existing=True)
        return None if row is None else _offer(row)

    def called(self, short: str) -> Offer | None:
        """Return the newest offer whose code begins so, or None."""
        question = select(OfferRow).where(OfferRow.short == short).order_by(OfferRow.made.desc()).limit(1)
        row = self._session.scalar(question)
        return None if row is None else _offer(row)

    def unfinished(self) -> Sequence[Offer]:
        """Return the offers that are open or taken, those whose time is over too."""
        states = (int(OfferState.OPEN), int(OfferState.TAKEN))
        question = select(OfferRow).where(OfferRow.state.in_(states)).order_by(OfferRow.made)
        return [_offer(row) for row in self._session.scalars(question)]

    def put(self, offer: Offer) -> None:
        """Keep an offer, new or changed."""
        self._session.merge(
            OfferRow(
                id=offer.id,
                short=offer.short,
                handset_name=offer.handset_name,
                collector_name=offer.collector_name,
                sealed=offer.sealed,
                made=offer.made,
                expires=offer.expires,
                tries_left=offer.tries_left,
                state=int(offer.state),
                handset=offer.handset,
            )
        )
        self._session.flush()

    def expire(self, now: int) -> Sequence[Offer]:
        """Let what has expired be so, its secret gone; return these, oldest first.

        One statement finds and changes them, so that of several callers at once each offer comes back to one alone.
        """
        lapsed = OfferRow.sealed.is_not(None) & ((OfferRow.expires <= now) | (OfferRow.made > now))
        change = update(OfferRow).where(lapsed).values(sealed=None, state=int(OfferState.EXPIRED))
        changed = self._session.scalars(
            change.returning(OfferRow), execution_options={"populate_existing": True}
        )
        return sorted((_offer(row) for row in changed), key=lambda offer: (offer.made, offer.id))

    def forget(self, before: int) -> None:
        """Remove offers made before a time, Unix s."""
        self._session.execute(delete(OfferRow).where(OfferRow.made < before))


def _offer(row: OfferRow) -> Offer:
    return Offer(
        id=row.id,
        short=row.short,
        handset_name=row.handset_name,
        collector_name=row.collector_name,
        sealed=row.sealed,
        made=row.made,
        expires=row.expires,
        tries_left=row.tries_left,
        state=OfferState(row.state),
        handset=None if row.handset is None else HandsetId(row.handset),
    )
