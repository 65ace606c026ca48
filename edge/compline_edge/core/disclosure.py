"""From where on "not heard" says something about "not said", and how surely: measured on the notices of a call."""

from __future__ import annotations

from typing import Final

ENOUGH_SPEECH: Final = 8.0
"""Seconds of speech on a side below which it is too little to judge an absence."""
CLEAR_TEXT: Final = 0.5
"""Mean token confidence below which "not heard" says nothing about "not said"."""
CALLS_WITHOUT: Final = 0.1
"""Share of calls that lack both notices, assumed for the confidence alone."""
WIDE_BAND: Final = 16_000
"""Hz of a recording below which nothing is claimed: over 8 kHz lines 18-25 % of calls that gave both notices show
neither, so that a report is right 30-39 times in 100 (`python -m models.spotter.notices`)."""
CONFIDENCE: Final = 48
"""How often a report is right at 16 kHz, by the same measurement: 12 % of calls that gave both notices show neither."""
