"""Says whether the day went as it must: all of it on the page, the sure findings found, one while its call ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from page import Expected, Shown


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the day has brought onto the page."""

    places: Mapping[str, Shown]  # the final verdict of each thing that has one, by name
    live_after: float | None  # s into the live call when a finding of it stood there; None: not while it ran


def found_live(call: Expected, shown: Sequence[Shown]) -> bool:
    """Return whether a live verdict on `call` with a finding that must be found stands on the page."""
    return any(
        verdict.pass_ == "live" and call.shown_by(verdict) and call.must_find & _categories(verdict)
        for verdict in shown
    )


def shortfalls(wanted: Sequence[Expected], outcome: Outcome, *, live: str) -> tuple[str, ...]:
    """Return a sentence for each thing that must be on the page and is not; `live` names the live call."""
    sentences = []
    if absent := [one.name for one in wanted if one.name not in outcome.places]:
        sentences.append(f"{len(absent)} of {len(wanted)} never came to the page: {', '.join(absent)}.")
    for one in wanted:
        verdict = outcome.places.get(one.name)
        if verdict and (lacking := one.must_find - _categories(verdict)):
            sentences.append(
                f"The verdict on '{one.name}' lacks {', '.join(sorted(lacking))}, which the shipped model and "
                "lexicon are known to find."
            )
    if outcome.live_after is None:
        sentences.append(f"No finding of the call '{live}' stood on the page while the call ran.")
    return tuple(sentences)


def _categories(verdict: Shown) -> frozenset[str]:
    return frozenset(finding.category for finding in verdict.findings)
