"""Verdicts as the hub keeps them and what a page may ask of them."""

from __future__ import annotations

from dataclasses import dataclass

from compline_shared.ids import BindingId, HandsetId
from compline_shared.messages import Verdict
from compline_shared.taxonomy import Abstention, Category, Kind, Severity

MAX_PAGE = 500
"""Verdicts that one answer may carry."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A verdict in the store; `arrival` numbers them as they came, `superseded_by` is the seq of a later pass."""

    arrival: int
    handset: HandsetId
    binding: BindingId
    received: int  # Unix s
    superseded_by: int | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Link:
    """A new verdict and the chain's head after it."""

    verdict: Verdict
    head: bytes  # 32 bytes


@dataclass(frozen=True, slots=True)
class Query:
    """Which verdicts to give: those after `after` in order of arrival, or the newest where `after` is None."""

    after: int | None = None
    before: int | None = None
    limit: int = 100
    category: Category | None = None
    severity: Severity | None = None  # this severity or graver
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Minute:
    """What arrived in one minute."""

    start: int  # Unix s, a multiple of 60
    verdicts: int
    grave: int  # of them with a serious finding or worse


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over verdicts that no later pass superseded, received at or after `since`."""

    since: int  # Unix s
    verdicts: int
    kinds: dict[Kind, int]
    severities: dict[Severity, int]  # findings
    categories: dict[Category, int]  # findings
    abstentions: dict[Abstention, int]
    minutes: tuple[Minute, ...]
    handsets: int
    handsets_heard: int  # heard within ONLINE_SECONDS
    alarms: int  # since the hub was set up


ONLINE_SECONDS = 900
"""A handset counts as present when a good frame of it came within this time."""
