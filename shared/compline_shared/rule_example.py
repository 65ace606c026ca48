"""Parses the examples of a rule: mini-dialogues on which it must fire (+) or must not (-)."""

from __future__ import annotations

import re
from typing import Final

from compline_shared.rule import (
    Example,
    Felt,
    Loud,
    Pause,
    Recording,
    Said,
    Scene,
    Sighting,
    Unclear,
)
from compline_shared.rule_grammar import LONGEST, parse_feeling, parse_sighting
from compline_shared.rule_reader import LineReader, RuleFault
from compline_shared.taxonomy import Role

MAX_SCENES = 64
"""Scenes of one example."""
MAX_SAID = 200
"""Characters that somebody says in one scene."""

_ROLES: Final = {role.code: role for role in (Role.COLLECTOR, Role.OTHER, Role.UNKNOWN)}
_RECORDINGS: Final = {recording.value: recording for recording in Recording}
_SCENE: Final = (
    '"collector 0-3 你好", "silence 3-8", "level collector 0-3 -20 dBFS", "emotion collector angry 70%", '
    '"noticed collector 0-3 category threat", "unclear collector", "mixed", "narrow" or "written"'
)
_NEXT: Final = "divide scenes by ;"
_SPOKEN: Final = re.compile(r"(?P<role>collector|other|unknown)\s+(?P<times>\S+)\s+(?P<text>\S.*)", re.S)
_TIMES: Final = re.compile(r"([0-9]{1,5}(?:\.[0-9])?)-([0-9]{1,5}(?:\.[0-9])?)")


def parse_example(line: str, *, number: int) -> Example:
    """Parse one example, the sign before it included; `number` is its line.

    Raises:
        RuleFault: a scene cannot be read, or a bound is broken.
    """
    scenes = [scene.strip() for scene in re.split("[;；]", line[1:])]
    if len(scenes) > MAX_SCENES:
        raise RuleFault(f"the example has more than {MAX_SCENES} scenes; shorten it")
    return Example(line[0] == "+", tuple(_scene(scene) for scene in scenes), number)


def _scene(text: str) -> Scene:
    spoken = _SPOKEN.fullmatch(text)
    if spoken is not None:
        start, end = _times(spoken["times"])
        if len(spoken["text"]) > MAX_SAID:
            raise RuleFault(f"somebody says more than {MAX_SAID} characters in one scene; divide it")
        return Said(_ROLES[spoken["role"]], start, end, spoken["text"])
    words = text.split()
    match words:
        case ["silence", times]:
            return Pause(*_times(times))
        case ["level", role, times, *rest] if role in _ROLES:
            line = LineReader(" ".join(rest))
            dbfs = line.number(-120, 0, instead=_SCENE)
            line.expect("dBFS", instead=_SCENE)
            line.end(instead=_NEXT)
            return Loud(_ROLES[role], *_times(times), dbfs)
        case ["emotion", role, *rest] if role in _ROLES:
            line = LineReader(" ".join(rest))
            feeling = parse_feeling(line)
            percent = line.integer(0, 100, instead=_SCENE)
            line.expect("%", instead=_SCENE)
            line.end(instead=_NEXT)
            return Felt(_ROLES[role], feeling, percent)
        case ["noticed", role, times, *rest] if role in _ROLES:
            line = LineReader(" ".join(rest))
            what = parse_sighting(line)
            line.end(instead=_NEXT)
            return Sighting(_ROLES[role], *_times(times), what)
        case ["unclear", role] if role in _ROLES:
            return Unclear(_ROLES[role])
        case [recording] if recording in _RECORDINGS:
            return _RECORDINGS[recording]
        case _:
            raise RuleFault(f'"{text}" is no scene; write {_SCENE}')


def _times(text: str) -> tuple[float, float]:
    found = _TIMES.fullmatch(text)
    if found is None or not float(found[1]) <= float(found[2]) <= LONGEST:
        raise RuleFault(f'"{text}" is no stretch of time; write seconds from start to end, for example 0-3.5')
    return float(found[1]), float(found[2])
