"""Judges the rules of a pack on the evidence of one call or conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from compline_edge.core import measures
from compline_edge.core.anchors import narrowed
from compline_edge.core.disclosure import CONFIDENCE
from compline_edge.core.evidence import Evidence
from compline_edge.core.measures import MEASURED, Counts, by_role
from compline_edge.core.noticed import Noticed
from compline_edge.core.outcome import Hit, Outcome, Seen, Truth, both, either, happened, opposite, runs
from compline_edge.core.wordings import EXACTLY, Wordings
from compline_shared.rule import (
    AllOf,
    Anchor,
    Anchored,
    And,
    AnyOf,
    Condition,
    Duration,
    Emotion,
    Entries,
    Interruptions,
    Level,
    LongInterruption,
    Medium,
    NoneOf,
    Not,
    OfCategory,
    Or,
    Rate,
    RelativeLevel,
    Repeated,
    Rule,
    RulePack,
    Saying,
    Silence,
    Similar,
    Test,
    Through,
    Wording,
)
from compline_shared.taxonomy import Role, Severity, Technique


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A pack with its phrases in one index; made once, judged often, safe to share between threads."""

    pack: RulePack
    wordings: Wordings


def compile_rules(pack: RulePack) -> CompiledRules:
    """Put the phrases of a pack in one index."""
    tests = [test for rule in pack.rules for condition in rule.conditions for test in _tests(condition)]
    wordings = (saying for test in tests for saying in _sayings(test) if isinstance(saying, Wording))
    return CompiledRules(pack, Wordings(wordings, (test for test in tests if isinstance(test, Similar))))


def evaluate(rules: CompiledRules, evidence: Evidence) -> tuple[Noticed, ...]:
    """Return one finding for each rule that is true, in order of time.

    A finding lies where the first condition of its rule happened that happens somewhere, else at the end. It is as
    sure as the least sure thing that the rule rests on; a rule that is unknown gives none. As of phrases of lexicons,
    words that only sound alike are never a veto.
    """
    call = _Call(rules.wordings, evidence)
    found = (_finding(rule, call) for rule in rules.pack.rules)
    return tuple(sorted((noticed for noticed in found if noticed), key=lambda n: (n.start, n.rule)))


class _Call:
    """The evidence of one call, in the order that rules ask for."""

    def __init__(self, wordings: Wordings, evidence: Evidence) -> None:
        self.evidence = evidence
        self._said = wordings.hits(evidence.utterances)

    @cached_property
    def syllables(self) -> Counts:
        """Syllables of each utterance."""
        return measures.counts(self.evidence.utterances)

    def judged(self, condition: Condition) -> Outcome:
        """Judge one condition."""
        match condition:
            case And(parts=parts):
                return both([self.judged(part) for part in parts])
            case Or(parts=parts):
                return either([self.judged(part) for part in parts])
            case Not(part=part):
                return opposite(self.judged(part))
            case Anchored(test=test, anchors=anchors):
                return self._test(test, [(anchor, self.judged(anchor.target)) for anchor in anchors])
            case test:
                return self._test(test, [])

    def _test(self, test: Test, anchors: list[tuple[Anchor, Outcome]]) -> Outcome:
        def near(seen: Seen) -> Seen:
            for anchor, target in anchors:
                seen = narrowed(seen, anchor, target)
            return seen

        match test:
            case AnyOf(who=who, sayings=sayings):
                return happened(near(self._seen(who, sayings)), otherwise=CONFIDENCE)
            case AllOf(who=who, sayings=sayings):
                every = [near(self._seen(who, (saying,))) for saying in sayings]
                return both([happened(seen, otherwise=CONFIDENCE) for seen in every])
            case NoneOf(who=who, sayings=sayings):
                return self._none(near(self._at_all(who, sayings)), who, [target for _, target in anchors])
            case Similar(who=who, percent=percent, wordings=wordings):
                hits = [hit for w in wordings for hit in self._said.get((w.text, percent), ())]
                return happened(near(self._of(who, hits)), otherwise=CONFIDENCE)
            case Repeated(who=who, times=times, within=within, sayings=sayings):
                seen = runs(near(self._seen(who, sayings)), times=times, within=within)
                return happened(seen, otherwise=CONFIDENCE)
            case Silence(who=who, seconds=seconds):
                return self._measured(near, measures.silences(self.evidence, who, seconds=seconds))
            case Rate(who=who):
                seen = near(measures.turns(self.evidence, who))
                return measures.rate(test, seen, self.syllables, self.evidence)
            case Interruptions(who=who, times=times, within=within):
                seen = near(measures.interruptions(self.evidence, who))
                return happened(runs(seen, times=times, within=within), otherwise=MEASURED)
            case LongInterruption(who=who, seconds=seconds):
                seen = measures.interruptions(self.evidence, who)
                long = tuple(hit for hit in seen.hits if hit.end - hit.start > seconds)
                return self._measured(near, replace(seen, hits=long))
            case Level() | RelativeLevel():
                return self._measured(near, measures.levels(test, self.evidence))
            case Emotion():
                return measures.emotion(test, self.evidence)
            case Duration():
                return measures.duration(test, self.evidence)
            case Through(medium=medium):
                holds = self.evidence.written is (medium is Medium.WRITTEN)
                return Outcome(Truth.TRUE if holds else Truth.FALSE, 100)

    def _measured(self, near: Callable[[Seen], Seen], seen: Seen) -> Outcome:
        return happened(near(seen), otherwise=MEASURED)

    def _none(self, seen: Seen, who: Role | None, targets: list[Outcome]) -> Outcome:
        """Judge that nothing of it was said, though what it is anchored to did happen: there the finding lies."""
        missing = opposite(happened(seen, otherwise=CONFIDENCE))
        outcome = both([*targets, missing])
        if outcome.truth is not Truth.TRUE:
            return replace(outcome, seen=Seen(), place=None)
        role = who if who is not None and self.evidence.roles_known else Role.UNKNOWN
        first = min(targets[0].seen.hits, key=lambda hit: hit.start) if targets else None
        place = Hit(first.start, first.end, role, outcome.confidence) if first else None
        return Outcome(Truth.TRUE, outcome.confidence, Seen(), place, role, absent=True, alike=outcome.alike)

    def _seen(self, who: Role | None, sayings: tuple[Saying, ...]) -> Seen:
        return self._of(who, [hit for saying in sayings for hit in self._hits(saying)])

    def _at_all(self, who: Role | None, sayings: tuple[Saying, ...]) -> Seen:
        """As `_seen`; where roles were told by voice, what the other side seems to have said may have been `who`."""
        seen = self._seen(who, sayings)
        if who is None or not self.evidence.verified:
            return seen
        others = [
            hit for saying in sayings for hit in self._hits(saying) if hit.role not in (who, Role.UNKNOWN)
        ]
        return replace(seen, possible=(*seen.possible, *others))

    def _of(self, who: Role | None, hits: list[Hit]) -> Seen:
        return by_role(((hit.role, hit) for hit in hits), who, blind=not self.evidence.heard_out(who))

    def _hits(self, saying: Saying) -> Iterator[Hit]:
        match saying:
            case Wording(text=text):
                yield from self._said.get((text, EXACTLY), ())
            case Entries(first=first, last=last):
                yield from (_hit(n) for n in self.evidence.noticed if first <= n.entry <= last)
            case OfCategory(category=category):
                yield from (_hit(n) for n in self.evidence.noticed if n.category is category)


def _hit(noticed: Noticed) -> Hit:
    alike = noticed.technique in (Technique.LEXICON_PINYIN, Technique.CLASSIFIER)
    return Hit(noticed.start, noticed.end, noticed.role, noticed.confidence, alike)


def _finding(rule: Rule, call: _Call) -> Noticed | None:
    outcome = both([call.judged(condition) for condition in rule.conditions])
    if outcome.truth is not Truth.TRUE:
        return None
    end = call.evidence.duration
    place = outcome.place or Hit(end, end, outcome.role, outcome.confidence)
    return Noticed(
        category=rule.category,
        severity=min(rule.severity, Severity.SERIOUS) if outcome.alike else rule.severity,
        confidence=outcome.confidence,
        role=place.role,
        technique=Technique.ABSENCE if outcome.absent else Technique.RULE,
        entry=0,
        phrase=rule.sentence,
        rule=rule.id,
        start=place.start,
        end=place.end,
    )


def _tests(condition: Condition) -> Iterator[Test]:
    match condition:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from _tests(part)
        case Not(part=part):
            yield from _tests(part)
        case Anchored(test=test, anchors=anchors):
            yield test
            for anchor in anchors:
                yield from _tests(anchor.target)
        case test:
            yield test


def _sayings(test: Test) -> tuple[Saying, ...]:
    match test:
        case (
            Similar()
            | Silence()
            | Rate()
            | Interruptions()
            | LongInterruption()
            | Level()
            | RelativeLevel()
            | Emotion()
            | Duration()
            | Through()
        ):
            return ()
        case AnyOf(sayings=sayings) | AllOf(sayings=sayings) | NoneOf(sayings=sayings):
            return sayings
        case Repeated(sayings=sayings):
            return sayings
