"""Verdicts and their counts as JSON."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery, PathParameter, QueryParameter

from compline_hub.core.record import MAX_PAGE, Query
from compline_hub.service.desk import Desk
from compline_hub.web.codes import member
from compline_hub.web.schemas import SummaryOut, VerdictOut, VerdictsOut, summary_out, verdict_out
from compline_shared.ids import MAX_SEQ, BindingId, HandsetId, Seq, VerdictId
from compline_shared.taxonomy import Category, Kind, Severity

Moment = Annotated[int | None, QueryParameter(ge=0, le=MAX_SEQ)]
Hex16 = Annotated[str, PathParameter(pattern="^[0-9a-f]{16}$")]


class VerdictController(Controller):
    """`/api/verdicts` and `/api/summary`."""

    path = "/api"

    @get("/verdicts", sync_to_thread=True)
    def verdicts(
        self,
        desk: NamedDependency[Desk],
        after: Moment = None,
        before: Moment = None,
        limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)] = 100,
        category: FromQuery[str | None] = None,
        severity: FromQuery[str | None] = None,
        kind: FromQuery[str | None] = None,
    ) -> VerdictsOut:
        """Newest first, or oldest first after the arrival `after`; `severity` means this one or graver."""
        query = Query(
            after=after,
            before=before,
            limit=limit,
            category=member(Category, category),
            severity=member(Severity, severity),
            kind=member(Kind, kind),
        )
        found = [verdict_out(kept) for kept in desk.verdicts(query)]
        return VerdictsOut(found, max((v.arrival for v in found), default=after or 0))

    @get("/verdicts/{handset:str}/{binding:str}/{seq:int}", sync_to_thread=True)
    def verdict(
        self,
        desk: NamedDependency[Desk],
        handset: Hex16,
        binding: Hex16,
        seq: Annotated[int, PathParameter(ge=1, le=MAX_SEQ)],
    ) -> VerdictOut:
        """One verdict by its id."""
        kept = desk.verdict(VerdictId(HandsetId(handset), BindingId(binding), Seq(seq)))
        if kept is None:
            raise NotFoundException("There is no such verdict.")
        return verdict_out(kept)

    @get("/summary", sync_to_thread=True)
    def summary(self, desk: NamedDependency[Desk], since: Moment = None) -> SummaryOut:
        """Counts since a time (Unix s; left out: the last 24 hours)."""
        return summary_out(desk.summary(since=since), hub=desk.hub, now=desk.now(), refused=desk.refused())
