"""Handsets, alarms and lexicon phrases as JSON."""

from __future__ import annotations

from litestar import Controller, get
from litestar.di import NamedDependency

from compline_hub.service.desk import Desk
from compline_hub.web.schemas import HandsetsOut, PhraseOut, PhrasesOut, alarm_out, handset_out


class HandsetController(Controller):
    """`/api/handsets` and `/api/phrases`."""

    path = "/api"

    @get("/handsets", sync_to_thread=True)
    def handsets(self, desk: NamedDependency[Desk]) -> HandsetsOut:
        """All enrolled handsets and the newest alarms."""
        now = desk.now()
        return HandsetsOut(
            handsets=[handset_out(handset, now=now) for handset in desk.handsets()],
            alarms=[alarm_out(alarm) for alarm in desk.alarms()],
        )

    @get("/phrases", sync_to_thread=False)
    def phrases(self, desk: NamedDependency[Desk]) -> PhrasesOut:
        """What a page may say of each lexicon entry and of each rule."""
        return PhrasesOut(
            {str(entry): PhraseOut(zh, en) for entry, (zh, en) in desk.phrases.items()},
            {str(rule): PhraseOut(zh, en) for rule, (zh, en) in desk.sentences.items()},
        )
