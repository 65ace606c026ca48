"""How sure the text classifier is, and from where on that counts: its operating points, measured and kept as data."""

from __future__ import annotations

import math

import msgspec

from compline_edge.core.points_file import read_points
from compline_shared.errors import ComplineError
from compline_shared.taxonomy import Category, Severity

MAX_BYTES = 100_000
STEP = 10
MOST_SURE = 95


class BadCalibration(ComplineError):
    """The text classifier's calibration cannot be used; restore its folder, or train it anew."""


class OperatingPoints(msgspec.Struct, frozen=True, kw_only=True):
    """From which probability on a category is noticed at all, whispered to the collector, and an alarm."""

    review: float
    whisper: float
    alarm: float

    def severity(self, probability: float) -> Severity | None:
        """How grave a finding of this probability is; None: it is none."""
        if probability >= self.alarm:
            return Severity.SERIOUS
        if probability >= self.whisper:
            return Severity.WARNING
        return Severity.NOTICE if probability >= self.review else None


class CategoryCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """Logistic calibration of one category (Platt 1999) with what a match of the lexicon adds."""

    slope: float  # of the network's logit
    bias: float
    matched: float  # added where the lexicon has a match, times its confidence (0..1)
    points: OperatingPoints

    def probability(self, logit: float, *, matched: float = 0.0) -> float:
        """The share of such texts that are of the category, 0..1, where the calibration was measured."""
        return _logistic(self.slope * logit + self.bias + self.matched * matched)


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """calibration.json of a text classifier's folder."""

    written: dict[str, CategoryCalibration]  # by code
    heard: dict[str, CategoryCalibration]  # of what a recogniser wrote, a third of it wrong

    def of(self, category: Category, *, heard: bool = False) -> CategoryCalibration:
        """What was measured of a category that the classifier tells."""
        return (self.heard if heard else self.written)[category.code]


def percent(probability: float) -> int:
    """A probability as the confidence of a finding, 0..95, in steps of `STEP`.

    It depends on every word of a sentence, names among them; the steps keep what it could tell of them small.
    """
    return min(MOST_SURE, STEP * round(100 * probability / STEP))


def parse_calibration(content: bytes, categories: tuple[Category, ...]) -> Calibration:
    """Read calibration.json.

    Raises:
        BadCalibration: it is too large, broken, lacks a category, or its points are not in ascending order.
    """
    found = read_points(
        content, Calibration, most=MAX_BYTES, file="calibration.json", restore="it", refusal=BadCalibration
    )
    for category in categories:
        for of in (found.written.get(category.code), found.heard.get(category.code)):
            if of is None:
                raise BadCalibration(f"calibration.json lacks {category.code}; restore it.")
            if not 0 < of.points.review <= of.points.whisper <= of.points.alarm:
                raise BadCalibration(
                    f"calibration.json: review, whisper and alarm of {category.code} must ascend from above 0; "
                    "restore it."
                )
    return found


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, value))))
