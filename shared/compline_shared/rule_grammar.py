"""Parses the conditions of a rule: tests with roles and anchors, joined by and, or, not and brackets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compline_shared.rule import (
    AllOf,
    Anchor,
    Anchored,
    And,
    AnyOf,
    Comparison,
    Condition,
    Duration,
    Emotion,
    Entries,
    Feeling,
    Interruptions,
    Level,
    LongInterruption,
    Medium,
    NoneOf,
    Not,
    OfCategory,
    Or,
    Rate,
    Relation,
    RelativeLevel,
    Repeated,
    Saying,
    Silence,
    Similar,
    Test,
    Through,
    Wording,
    happens,
)
from compline_shared.rule_reader import Budget, LineReader, RuleFault
from compline_shared.taxonomy import SPEECH_CATEGORIES, Category, Role

MAX_DEPTH = 8
"""Brackets and nots inside one another."""
MAX_TESTS = 32
"""Tests of one line."""
MAX_SAYINGS = 64
"""Phrases, entries and categories in one list."""
MAX_ANCHORS = 4
"""Anchors of one test."""
LONGEST = 86_400
"""Seconds of the longest call."""
MAX_TIMES = 100
LEAST_ALIKE = 60
"""Percent of similarity below which a phrase is like half of what anybody says."""
MAX_SIMILAR = 64
"""Phrases that the templates of one `similar` may stand for."""

RULE_CATEGORIES: Final = SPEECH_CATEGORIES | {Category.MANNER, Category.CONTACT_REFUSED}
"""What a rule may be about: what is told from listening or reading."""

_ROLES: Final = {role.code: role for role in (Role.COLLECTOR, Role.OTHER, Role.UNKNOWN)}
_ANCHORS: Final = ("before", "after", "within")
_FEELINGS: Final = {feeling.value: feeling for feeling in Feeling}
_TESTS: Final = (
    "any, all, none, similar, repeated, silence, rate, interrupts, level, emotion, duration, spoken or written, "
    'with collector, other or unknown before it, for example "collector any(你好)"'
)
_RATE: Final = '"rate above 6 syllables/s" or "rate below 2 syllables/s"'
_LEVEL: Final = '"level above -20 dBFS" or "level above median by 10 dB"'
_SILENCE: Final = '"silence longer than 10 s"'
_INTERRUPTS: Final = '"interrupts 3 times", "interrupts 3 times in 60 s" or "interrupts longer than 2 s"'
_REPEATED: Final = '"repeated 3 times (...)" or "repeated 3 times in 60 s (...)"'
_WITHIN: Final = '"within 30 s of", "within 30 s before" or "within 30 s after" and a test'
_EMOTION: Final = f'"emotion angry above 60%" with one of {", ".join(_FEELINGS)}'
_DURATION: Final = '"duration longer than 600 s" or "duration shorter than 20 s"'
_ENTRY: Final = '"entry 2001" or "entry 9000 to 9499"'


def parse_condition(text: str, slots: Mapping[str, tuple[str, ...]], budget: Budget) -> Condition:
    """Parse one condition; `slots` gives the values of the named slots of its phrases.

    Raises:
        RuleFault: the text breaks the grammar or a bound.
        TemplateError: a phrase breaks the template language or asks for a number, a person or a place.
    """
    parser = _Parser(text, slots, budget)
    found = parser.condition(0)
    parser.line.end(instead='join conditions with "and" or "or"')
    return found


def parse_sighting(line: LineReader) -> Entries | OfCategory:
    """Parse "entry 2001", "entry 9000 to 9499" or "category threat".

    Raises:
        RuleFault: it is none of these.
    """
    if line.took("category"):
        return OfCategory(parse_category(line.take()))
    line.expect("entry", instead=f'"category threat", {_ENTRY}')
    first = line.integer(1, 65_535, instead=_ENTRY)
    last = line.integer(first, 65_535, instead=_ENTRY) if line.took("to") else first
    return Entries(first, last)


def parse_category(code: str) -> Category:
    """Return the category with this code.

    Raises:
        RuleFault: a rule cannot be about it.
    """
    codes = [category.code for category in sorted(RULE_CATEGORIES)]
    if code not in codes:
        raise RuleFault(f'category "{code}" is not one of {", ".join(codes)}; choose one')
    return Category[code.upper()]


def parse_feeling(line: LineReader) -> Feeling:
    """Return the emotion that is named next.

    Raises:
        RuleFault: no emotion has that name.
    """
    shown = line.shown()
    feeling = _FEELINGS.get(line.take())
    if feeling is None:
        raise RuleFault(f"{shown} is no emotion; write {_EMOTION}")
    return feeling


class _Parser:
    def __init__(self, text: str, slots: Mapping[str, tuple[str, ...]], budget: Budget) -> None:
        self.line = LineReader(text)
        self._slots = slots
        self._budget = budget
        self._tests = 0

    def condition(self, depth: int) -> Condition:
        parts = [self._conjunction(depth)]
        while self.line.took("or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _conjunction(self, depth: int) -> Condition:
        parts = [self._factor(depth)]
        while self.line.took("and"):
            parts.append(self._factor(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _factor(self, depth: int) -> Condition:
        if self.line.took("not"):
            return Not(self._factor(_deeper(depth)))
        if self.line.peek() != "(":
            return self._anchored(depth)
        found = self._bracket(depth)
        if self.line.peek() in _ANCHORS:
            raise RuleFault(
                f"{self.line.shown()} follows a bracket; write it behind each test in the bracket"
            )
        return found

    def _bracket(self, depth: int) -> Condition:
        self.line.take()
        found = self.condition(_deeper(depth))
        self.line.expect(")", instead="a ) for each (")
        return found

    def _anchored(self, depth: int) -> Condition:
        test = self._test()
        anchors: list[Anchor] = []
        while self.line.peek() in _ANCHORS:
            anchors.append(self._anchor(depth))
        if not anchors:
            return test
        if len(anchors) > MAX_ANCHORS:
            raise RuleFault(f"a test has more than {MAX_ANCHORS} anchors; keep those that matter")
        if not isinstance(test, NoneOf) and not happens(test):
            raise RuleFault(
                "emotion, duration, spoken and written belong to the whole call, not to a moment of it; "
                'join the two with "and" instead'
            )
        return Anchored(test, tuple(anchors))

    def _anchor(self, depth: int) -> Anchor:
        within: float | None = None
        word = self.line.take()
        if word == "within":
            within = self._seconds(_WITHIN)
            word = self.line.peek()
            if word not in ("of", "before", "after"):
                raise RuleFault(f"{self.line.shown()} says no side; write {_WITHIN}")
            self.line.take()
        target = self._bracket(depth) if self.line.peek() == "(" else self._test()
        if not happens(target):
            raise RuleFault(
                f'what follows "{word}" happens at no moment, as none, not and what is of the whole call; '
                "name something that is said or heard"
            )
        return Anchor(Relation(word), within, target)

    def _test(self) -> Test:
        self._tests += 1
        if self._tests > MAX_TESTS:
            raise RuleFault(f"the line has more than {MAX_TESTS} tests; divide the rule in several")
        who = _ROLES.get(self.line.peek())
        if who is not None:
            self.line.take()
        shown = self.line.shown()
        match self.line.take():
            case "any":
                return AnyOf(who, self._sayings())
            case "all":
                return AllOf(who, self._sayings())
            case "none":
                return NoneOf(who, self._sayings())
            case "similar":
                return self._similar(who)
            case "repeated":
                times, within = self._times(_REPEATED, least=2)
                return Repeated(who, times, within, self._sayings())
            case "silence":
                self.line.expect("longer", "than", instead=_SILENCE)
                return Silence(who, self._seconds(_SILENCE))
            case "rate":
                comparison = self._comparison(_RATE)
                syllables = self.line.number(0.1, 30, instead=_RATE)
                self.line.expect("syllables/s", instead=_RATE)
                return Rate(who, comparison, syllables)
            case "interrupts":
                if self.line.took("longer"):
                    self.line.expect("than", instead=_INTERRUPTS)
                    return LongInterruption(who, self._seconds(_INTERRUPTS))
                return Interruptions(who, *self._times(_INTERRUPTS, least=1))
            case "level":
                return self._level(who)
            case "emotion":
                feeling = parse_feeling(self.line)
                self.line.expect("above", instead=_EMOTION)
                return Emotion(who, feeling, self._percent(0, 99, _EMOTION))
            case "spoken" | "written" as medium if who is None:
                return Through(Medium(medium))
            case "duration" if who is None:
                longer = self.line.took("longer")
                self.line.expect(*(("than",) if longer else ("shorter", "than")), instead=_DURATION)
                return Duration(Comparison.ABOVE if longer else Comparison.BELOW, self._seconds(_DURATION))
            case "duration" | "spoken" | "written":
                raise RuleFault(f"{shown} is of the whole call, not of one side; leave the role out")
            case _:
                raise RuleFault(f"{shown} is no test; write one of {_TESTS}")

    def _similar(self, who: Role | None) -> Similar:
        instead = '"similar 80% (...)"'
        percent = self._percent(LEAST_ALIKE, 100, instead)
        wordings: list[Wording] = []
        for saying in self._sayings():
            if not isinstance(saying, Wording):
                raise RuleFault("similar takes phrases only; write any(...) for entries and categories")
            if saying.template.gaps:
                raise RuleFault(f'"{saying.text}" has a gap, which similar takes anyway; leave the ~ out')
            wordings.append(saying)
        if sum(wording.template.expansions for wording in wordings) > MAX_SIMILAR:
            raise RuleFault(
                f"the list of similar stands for more than {MAX_SIMILAR} phrases; "
                "keep the typical ones, those like them are found too"
            )
        return Similar(who, percent, tuple(wordings))

    def _level(self, who: Role | None) -> Level | RelativeLevel:
        comparison = self._comparison(_LEVEL)
        relative = self.line.took("median")
        if relative:
            self.line.expect("by", instead=_LEVEL)
        bound = self.line.number(*((1, 60) if relative else (-120, 0)), instead=_LEVEL)
        self.line.expect("dB" if relative else "dBFS", instead=_LEVEL)
        lasting = self._seconds('"for 3 s"') if self.line.took("for") else 0.0
        kind = RelativeLevel if relative else Level
        return kind(who, comparison, bound, lasting)

    def _sayings(self) -> tuple[Saying, ...]:
        items = self.line.items(instead='phrases divided by /, for example "any(别再打了 / 不要再打)"')
        if len(items) > MAX_SAYINGS:
            raise RuleFault(f"a list has more than {MAX_SAYINGS} phrases; put words that vary in a slot")
        return tuple(dict.fromkeys(self._saying(item) for item in items))

    def _saying(self, item: str) -> Saying:
        word = item.partition(" ")[0]
        if word not in ("entry", "category"):
            if not item:
                raise RuleFault('a list has an empty place; write a phrase between each "/"')
            return Wording(item, self._budget.template(item, self._slots))
        line = LineReader(item)
        found = parse_sighting(line)
        line.end(instead="divide a list by /")
        return found

    def _times(self, instead: str, *, least: int) -> tuple[int, float | None]:
        times = self.line.integer(least, MAX_TIMES, instead=instead)
        self.line.expect("times", instead=instead)
        return times, self._seconds(instead) if self.line.took("in") else None

    def _seconds(self, instead: str) -> float:
        found = self.line.number(0.1, LONGEST, instead=instead)
        self.line.expect("s", instead=instead)
        return found

    def _percent(self, low: int, high: int, instead: str) -> int:
        found = self.line.integer(low, high, instead=instead)
        self.line.expect("%", instead=instead)
        return found

    def _comparison(self, instead: str) -> Comparison:
        if self.line.took("below"):
            return Comparison.BELOW
        self.line.expect("above", instead=instead)
        return Comparison.ABOVE


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise RuleFault(f"brackets and nots stand more than {MAX_DEPTH} deep; divide the rule in several")
    return depth + 1
