"""Finds deposited evidence for the compliance officer: whose it is, which verdict's, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

from compline_hub.core.evidence import Holding, Listing, matched
from compline_hub.errors import NoSuchEvidence
from compline_hub.ports import EvidenceShelf, Reading
from compline_hub.service.orders import SHORTEST_PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which evidence is looked for; None asks for everybody's."""

    handset: str | None = None  # its name, its id or the first digits of that; removed ones go by it too
    collector: str | None = None  # the name
    since: int = 0  # Unix s


def find_evidence(reading: Reading, shelf: EvidenceShelf, wanted: Wanted) -> Listing:
    """Return what is wanted, oldest first.

    Raises:
        NoSuchEvidence: no handset ever went by that name, or none was ever that collector's.
    """
    holdings = _chosen(reading, shelf, wanted)
    parts = [
        matched(
            holding,
            shelf.pieces(holding.binding),
            reading.evidenced(holding.binding),
            since=wanted.since,
        )
        for holding in holdings
    ]
    pieces = sorted((listed for part in parts for listed in part.pieces), key=lambda listed: listed.at)
    return Listing(tuple(pieces), sum(part.absent for part in parts))


def _chosen(reading: Reading, shelf: EvidenceShelf, wanted: Wanted) -> list[Holding]:
    known = list(reading.holdings())
    if wanted.handset is not None:
        known = [holding for holding in known if _is_called(holding, wanted.handset)]
        if not known:
            raise NoSuchEvidence("No handset goes or went by that name; check it, or give its id.")
    if wanted.collector is not None:
        known = [holding for holding in known if holding.collector == wanted.collector]
        if not known:
            raise NoSuchEvidence("No such handset is or was that collector's; check the name.")
    if wanted.handset is not None or wanted.collector is not None:
        return known
    named = {holding.binding for holding in known}
    return known + [Holding(binding) for binding in shelf.bindings() if binding not in named]


def _is_called(holding: Holding, name: str) -> bool:
    if name in (holding.handset_name, holding.handset):
        return True
    return len(name) >= SHORTEST_PREFIX and (holding.handset or "").startswith(name.lower())
