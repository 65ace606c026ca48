"""What the space of voices reaches on held-out voices, as `learning.rates` gives it for a student."""

from __future__ import annotations

import numpy as np
from models.speaker.background import coloured
from models.speaker.stages import Made
from models.speaker.trials import LINES, Trials

from compline_edge.core.supervector import VoiceSpace


def rates(space: VoiceSpace, held_out: Made, *, frames: int = 200) -> dict[str, float]:
    """Equal error rates of 2 s clips, coloured as another microphone would; each line with itself, then across."""
    chance = np.random.default_rng(31)
    trials = Trials.of(held_out)
    lines = range(len(LINES))
    enrolled = [
        np.stack([space.place(clip.astype(np.float32)) for clip in held_out.copies[:, line]])
        for line in lines
    ]
    tried = [
        np.stack([space.place(coloured(clip, chance)[:frames]) for clip in held_out.copies[:, line]])
        for line in lines
    ]
    found = {}
    for one, other in ((0, 0), (1, 1), (0, 1)):
        for name, value in trials.rates(enrolled[one], tried[other]).items():
            found[f"{LINES[one]}-{LINES[other]} {name}"] = round(value, 3)
    return found
