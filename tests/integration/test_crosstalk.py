"""One speech in both channels, as crosstalk and echoes put it there, is nobody's interrupting; two speeches are."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from compline_edge.core import crosstalk
from compline_edge.core.rules import compile_rules
from compline_edge.core.speech import SAMPLE_RATE, Channels
from compline_edge.pipeline import CallListener
from compline_edge.senses.recording import open_recording
from compline_edge.settings import EdgeSettings
from compline_edge.wiring import instruments
from compline_shared.rule_pack import parse_rules
from tests.audio import Encoding, encode
from tests.edge_program import SAMPLE_DAY

CALL = SAMPLE_DAY / "calls/Record/Call/徐琳 2026-11-20 15-02-40.m4a"
"""Two channels of one call, one voice in each, in turn."""
OTHERS = SAMPLE_DAY / "calls/Sounds/CallRecord/郑凯@15400001903_20261120113620.wav"
RULES = compile_rules(
    parse_rules(
        "@pack own\n@version 1\n@language zh-CN\n\n"
        "20001 | manner | notice | 多次打断。 | interrupts\n  when: other interrupts 3 times\n"
        "  + collector 0-9 好 ; other 1-3 好 ; other 4-6 好 ; other 7-9 好\n  - collector 0-9 好\n",
        name="own.rules",
    )
)


Floats = npt.NDArray[np.float32]
WAV = Encoding(".wav", "wav", "pcm_s16le")


@cache
def listener() -> CallListener:
    return replace(instruments(EdgeSettings()).listener, rules=(RULES,))


@cache
def channels(path: Path) -> Channels:
    with open_recording(path, limit_s=100) as recording:
        return np.concatenate(list(recording.blocks()), axis=1)


def echoing(decibels: float, delay: float) -> Channels:
    """The call with the first channel's echo in the second."""
    first, second = channels(CALL).astype(np.float32)
    late = np.roll(first, round(delay * SAMPLE_RATE)) * 10 ** (decibels / 20)
    return _pair(first, second + late)


def at_once() -> Channels:
    """Two who speak at once: the first channel of the call and that of another."""
    first, second = (channels(path)[0].astype(np.float32) for path in (CALL, OTHERS))
    length = min(len(first), len(second))
    return _pair(first[:length], second[:length])


def _pair(first: Floats, second: Floats) -> Channels:
    return np.clip(np.stack([first, second]), -32_768, 32_767).astype(np.int16)


def interrupted(folder: Path, samples: Channels) -> bool:
    path = encode(folder / "call.wav", samples, rate=SAMPLE_RATE, encoding=WAV)
    with open_recording(path, limit_s=100) as recording:
        found = listener().listen(recording).observed.noticed
    return any(noticed.rule == 20001 for noticed in found)


@pytest.mark.parametrize(("decibels", "delay"), [(-6, 0.02), (-12, 0.2), (-20, 0.35)])
def test_interrupting_when_the_other_channel_holds_an_echo_then_nobody_interrupts(
    tmp_path: Path, decibels: float, delay: float
) -> None:
    assert not interrupted(tmp_path, echoing(decibels, delay))


def test_control_interrupting_when_nothing_compares_the_channels_then_the_echo_interrupts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crosstalk, "SAME", 2.0)
    assert interrupted(tmp_path, echoing(-12, 0.2))


def test_control_interrupting_when_two_people_speak_at_once_then_it_is_found(tmp_path: Path) -> None:
    assert interrupted(tmp_path, at_once())


def test_call_when_its_sides_speak_in_turn_then_nobody_interrupts(tmp_path: Path) -> None:
    assert not interrupted(tmp_path, channels(CALL))
