"""How good a match must be: the spotter's operating point, measured on speech that holds no phrase."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from compline_edge.core.points_file import read_points
from compline_edge.core.syllables import INDEX, SYLLABLES, fuzzy, readings
from compline_shared.errors import ComplineError

MAX_BYTES = 1_000_000
LENIENCE = 6.0
"""Nats more that a notice may lose whose absence would accuse. On the development sentences some notice is then heard
20 times an hour that nobody gave (`python -m models.spotter.notices`)."""
TAKEN_BACK = 1.0
"""Nats that each syllable of a negative context may lose which takes such a notice back. At the 2.5 of accusing phrases
contexts that nobody spoke hid a fifth of the notices (78 % heard at 16 kHz; at 1.0 94 %), by the same measurement."""


class BadThresholds(ComplineError):
    """The spotter's thresholds cannot be used; restore models/spotter or run its calibrate.py."""


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What the text classifier's log-odds on the words around a sighting add to its own."""

    bias: float
    weight: float


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """models/spotter/thresholds.json; all scores are natural logarithms.

    A path through a phrase loses probability against the freest path through the same steps. It may lose `base`
    and, for each syllable, `syllable + rarity * -ln(commonness)`: few sounds imitate a rare one, so it allows more.
    What is left of the allowance is the margin; a match with a margin of 0 or more is reported.
    """

    model: str  # name of the model whose posteriors were measured
    base: float
    syllable: float
    rarity: float
    gap: float  # lost for each character in a gap
    context: float  # a negative context may lose this for each syllable
    silence: float  # taken from blank, of which the model is too sure in noise
    floor: float  # most that one step may lose
    fuzzy: float  # weight of a syllable that people confuse with the right one
    other_reading: float  # weight of a reading that is not the usual one
    slope: float  # confidence = 100 / (1 + exp(-slope * (margin - centre)))
    centre: float
    commonness: dict[str, float]  # share of each syllable among all that were heard
    entries: dict[str, float] = {}  # entry id: nats that this entry allows less
    meaning: Meaning | None = None  # None: never measured, the classifier is not asked

    def allowance(self, character: str) -> float:
        """Nats that a path may lose at this character."""
        known = [self.commonness.get(SYLLABLES[index], _RAREST) for index in readings(character)[:1]]
        return self.syllable - self.rarity * math.log(max(_RAREST, *known, 0.0))

    def lenient(self) -> Thresholds:
        """These thresholds for what speaks in the collector's favour: rather heard falsely than missed."""
        context = min(self.context, TAKEN_BACK)
        return msgspec.structs.replace(self, base=self.base + LENIENCE, context=context, entries={})

    def confidence(self, margin: float) -> int:
        """0..99, growing with the margin: how often a match with this margin was right on the development
        speech.
        """
        return min(99, round(100.0 / (1.0 + math.exp(-self.odds(margin)))))

    def odds(self, margin: float) -> float:
        """The same as log-odds."""
        return self.slope * (margin - self.centre)

    def sounds(self, characters: Iterable[str]) -> npt.NDArray[np.float32]:
        """Weights [syllables, characters]: how far each syllable counts as each character."""
        columns = list(characters)
        weights = np.zeros((len(SYLLABLES), len(columns)), dtype=np.float32)
        for column, character in enumerate(columns):
            found = readings(character)
            for place, index in enumerate(found):
                alike = list(fuzzy(index))
                here = 1.0 if place == 0 else self.other_reading
                weights[alike, column] = np.maximum(weights[alike, column], self.fuzzy * here)
            for place, index in enumerate(found):
                weights[index, column] = max(
                    float(weights[index, column]), 1.0 if place == 0 else self.other_reading
                )
        return weights


def parse_thresholds(content: bytes) -> Thresholds:
    """Read thresholds.json.

    Raises:
        BadThresholds: it is too large, broken, or names a syllable that does not exist.
    """
    found = read_points(
        content,
        Thresholds,
        most=MAX_BYTES,
        file="thresholds.json",
        restore="models/spotter",
        refusal=BadThresholds,
    )
    unknown = next((syllable for syllable in found.commonness if syllable not in INDEX), None)
    if unknown is not None:
        raise BadThresholds(
            f'thresholds.json names "{unknown}", which is no syllable; restore models/spotter.'
        )
    return found


_RAREST = 1e-5
