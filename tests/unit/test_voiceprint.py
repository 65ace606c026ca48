"""A voiceprint shows nothing of itself, and what is kept of it is read back or refused."""

from __future__ import annotations

import numpy as np
import pytest

from compline_edge.core.voiceprint import BadVoiceprint, Voiceprint, centre, pack, unpack
from tests.speakers import VOICE, voice


def test_voiceprint_when_printed_then_it_shows_nothing() -> None:
    assert repr(VOICE) == f"{VOICE}" == "Voiceprint(********)"


def test_voiceprint_when_packed_and_read_then_it_is_the_same() -> None:
    vector = centre(np.array([[0.1, 0.7, -0.3], [0.2, 0.5, 0.1]], dtype=np.float32))
    found = unpack(pack(Voiceprint(model=7, seconds=61.5, vector=vector)))
    assert (found.model, found.seconds) == (7, 61.5)
    assert np.array_equal(found.vector, vector)


GOOD = pack(VOICE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        GOOD[:-1],
        GOOD + b"\0",
        b"\2" + GOOD[1:],
        GOOD[:1] + b"\0" + GOOD[2:],
        GOOD[:8] + bytes(len(GOOD) - 8),
        GOOD[:8] + b"\xff" * (len(GOOD) - 8),
    ],
)
def test_voiceprint_when_what_is_kept_is_none_then_it_is_refused(content: bytes) -> None:
    with pytest.raises(BadVoiceprint):
        unpack(content)


def test_centre_when_weighted_then_the_heavier_voice_is_nearer() -> None:
    middle = centre(np.stack([voice(0), voice(1)]), np.array([3.0, 1.0]))
    assert float(middle @ voice(0)) > float(middle @ voice(1)) > 0
    assert float(np.linalg.norm(middle)) == pytest.approx(1.0)
