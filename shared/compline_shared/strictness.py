"""How strict a branch is with what is said and written: from which confidence on something counts, by category.

A category that policy does not name is judged as the calibration of the phone's model says. Points move what the text
classifier makes of a sentence; phrases and rules of packs count as their packs say. Only `silenced` leaves a category
out altogether, and nothing but that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from compline_shared.errors import ComplineError
from compline_shared.taxonomy import SPEECH_CATEGORIES, Category, Severity

CONFIDENCES: Final = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
"""The eleven steps, in percent, in which the text classifier says how sure it is."""
LEAST_REVIEW: Final = 30
"""Below it what is noticed is more often wrong than not, and the queue holds little else."""
MOST_REVIEW: Final = 90
"""The surest that leaves anything to be noticed above and at it: a point cannot switch a category off."""
LEAST_WHISPER: Final = 40
LEAST_ALARM: Final = 50
"""An alarm is right more often than not."""
MOST: Final = CONFIDENCES[-1]
GRADED: Final = frozenset(category for category in SPEECH_CATEGORIES if category <= Category.OFF_CHANNEL)
"""Categories that the text classifier tells, for which there are points to set."""
NAMED: Final = SPEECH_CATEGORIES | {Category.MANNER}
"""Categories that may be silenced: all that speech and text are judged for."""


LIMITS: Final = (
    f"review is {LEAST_REVIEW} to {MOST_REVIEW}, whisper {LEAST_WHISPER} to {MOST}, alarm {LEAST_ALARM} to {MOST}, in "
    "steps of ten and 95, none below the one before; categories with points are "
    f"{', '.join(category.code for category in sorted(GRADED))}"
)
"""What may be chosen, as a sentence says it."""


class BadStrictness(ComplineError):
    """What was chosen for a category breaks a limit; the message says which there are."""


class Points(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """From which confidence (percent) on a sentence is noticed at all, whispered to the collector, and an alarm."""

    review: Annotated[int, Meta(ge=LEAST_REVIEW, le=MOST_REVIEW)]
    whisper: Annotated[int, Meta(ge=LEAST_WHISPER, le=MOST)]
    alarm: Annotated[int, Meta(ge=LEAST_ALARM, le=MOST)]

    def __post_init__(self) -> None:
        """Hold the order and the steps; ValueError otherwise, which msgspec turns into a validation error."""
        if not self.review <= self.whisper <= self.alarm:
            raise ValueError("review, whisper and alarm ascend")
        if not {self.review, self.whisper, self.alarm} <= set(CONFIDENCES):
            raise ValueError("a point is one of the steps in which confidences are told")

    def severity(self, confidence: int) -> Severity | None:
        """How grave a finding of this confidence (percent) is; None: it is none."""
        if confidence >= self.alarm:
            return Severity.SERIOUS
        if confidence >= self.whisper:
            return Severity.WARNING
        return Severity.NOTICE if confidence >= self.review else None


class CategoryStrictness(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What policy says of one category."""

    category: Category
    points: Points | None  # None: silenced, nothing of the category is told

    def __post_init__(self) -> None:
        """Let only speech be named, and points only where there is a confidence; ValueError otherwise."""
        if self.category not in NAMED or (self.points is not None and self.category not in GRADED):
            raise ValueError(
                "points are for what the text classifier tells, silence for what speech is judged for"
            )

    @property
    def silenced(self) -> bool:
        """Whether nothing of the category is told."""
        return self.points is None

    def __str__(self) -> str:
        """As people and the audit read it."""
        points = self.points
        if points is None:
            return f"{self.category.code} silenced"
        return f"{self.category.code} {points.review}/{points.whisper}/{points.alarm}"


Strictness: TypeAlias = Annotated[tuple[CategoryStrictness, ...], Meta(max_length=len(NAMED))]
"""What policy says of categories, in ascending order of their numbers; those it does not name are as calibrated."""


def named(code: str) -> Category | None:
    """Return the category of `NAMED` that has a code; None: none has."""
    return next((category for category in NAMED if category.code == code), None)


def require_ascending(strictness: tuple[CategoryStrictness, ...]) -> None:
    """Raise ValueError unless each category is named once and in order: a policy has one encoding."""
    numbers = [int(each.category) for each in strictness]
    if numbers != sorted(set(numbers)):
        raise ValueError("each category is named once, in ascending order")


def points_of(category: Category, *, review: int, whisper: int, alarm: int) -> CategoryStrictness:
    """Return the points that somebody chose for a category.

    Raises:
        BadStrictness: they break a limit; the message names it.
    """
    try:
        points = msgspec.convert([review, whisper, alarm], Points)
        return CategoryStrictness(category, points)
    except (msgspec.ValidationError, ValueError) as error:
        chosen = f"{category.code} {review}/{whisper}/{alarm}"
        raise BadStrictness(f"{chosen} cannot be set: {LIMITS}.") from error


def silenced(category: Category) -> CategoryStrictness:
    """Return that a category is silenced; raises BadStrictness where it is not about speech."""
    try:
        return CategoryStrictness(category, None)
    except ValueError as error:
        raise BadStrictness(
            f"{category.code} is not judged from speech or text and cannot be silenced here."
        ) from error


def with_category(
    strictness: tuple[CategoryStrictness, ...], changed: CategoryStrictness
) -> tuple[CategoryStrictness, ...]:
    """Return it with one category changed."""
    by_category = {each.category: each for each in strictness} | {changed.category: changed}
    return tuple(by_category[category] for category in sorted(by_category))


def without_category(
    strictness: tuple[CategoryStrictness, ...], category: Category
) -> tuple[CategoryStrictness, ...]:
    """Return it with one category as calibrated again."""
    return tuple(each for each in strictness if each.category is not category)


def points_by_category(strictness: tuple[CategoryStrictness, ...]) -> Mapping[Category, Points]:
    """Return the points that are set."""
    return {each.category: each.points for each in strictness if each.points is not None}


def silenced_in(strictness: tuple[CategoryStrictness, ...]) -> frozenset[Category]:
    """Return the categories that are silenced."""
    return frozenset(each.category for each in strictness if each.silenced)
