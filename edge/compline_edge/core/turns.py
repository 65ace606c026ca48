"""Who spoke when within one stretch of speech, and what was heard in it divided by that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from compline_edge.core.speech import Heard, Posteriors, Token, Utterance
from compline_shared.taxonomy import Role


@dataclass(frozen=True, slots=True)
class Turn:
    """Speech of one speaker without a break."""

    role: Role
    start: float  # s
    end: float  # s


def joined(turns: Sequence[Turn]) -> list[Turn]:
    """Join neighbours of one role; turns are in order and touch."""
    found: list[Turn] = []
    for turn in turns:
        if found and found[-1].role is turn.role:
            found[-1] = replace(found[-1], end=turn.end)
        else:
            found.append(turn)
    return found


def divided(heard: Heard, turns: Sequence[Turn]) -> list[Heard]:
    """Return what was heard in a stretch for each of its turns, at least one: the words and posteriors of its time."""
    if len(turns) == 1:
        (turn,) = turns
        return [
            replace(heard, partial="", utterances=tuple(replace(u, role=turn.role) for u in heard.utterances))
        ]
    utterances: list[list[Utterance]] = [[] for _ in turns]
    for utterance in heard.utterances:
        for place, part in _parts(utterance, turns):
            utterances[place].append(part)
    return [
        Heard(utterances=tuple(said), posteriors=_within(heard.posteriors, turns, place))
        for place, said in enumerate(utterances)
    ]


def _parts(utterance: Utterance, turns: Sequence[Turn]) -> Iterator[tuple[int, Utterance]]:
    """Yield the words of each turn; whole, in the turn of its middle, where its text is not that of its tokens."""
    places = _places(utterance)
    if places is None:
        whole = _turn_at((utterance.start + utterance.end) / 2, turns)
        yield whole, replace(utterance, role=turns[whole].role)
        return
    owners = [_turn_at((token.start + token.end) / 2, turns) for token in utterance.tokens]
    torn = len(set(owners)) > 1 and any(turns[owner].role is Role.UNKNOWN for owner in owners)
    first = 0
    for last in range(1, len(owners) + 1):
        if last < len(owners) and owners[last] == owners[first]:
            continue
        turn, tokens = turns[owners[first]], utterance.tokens[first:last]
        text = utterance.text[places[first] : places[last - 1] + len(tokens[-1].text)]
        start = utterance.start if first == 0 else max(turn.start, utterance.start)
        end = utterance.end if last == len(owners) else min(turn.end, utterance.end)
        yield owners[first], Utterance(text, turn.role, start, max(start, end), _mean(tokens), tokens, torn)
        first = last


def _places(utterance: Utterance) -> list[int] | None:
    """Where each token begins in the text; None where one is not there."""
    found: list[int] = []
    place = 0
    for token in utterance.tokens:
        begins = utterance.text.find(token.text, place)
        if begins < 0:
            return None
        found.append(begins)
        place = begins + len(token.text)
    return found or None


def _mean(tokens: Sequence[Token]) -> float:
    return sum(token.confidence for token in tokens) / len(tokens)


def _turn_at(moment: float, turns: Sequence[Turn]) -> int:
    return next((place for place, turn in enumerate(turns) if moment < turn.end), len(turns) - 1)


def _within(posteriors: Sequence[Posteriors], turns: Sequence[Turn], place: int) -> tuple[Posteriors, ...]:
    """The steps of one turn, the last of them closing it."""
    start = turns[place].start if place else -np.inf
    end = turns[place].end if place + 1 < len(turns) else np.inf
    found: list[Posteriors] = []
    for each in posteriors:
        times = each.start + each.step * np.arange(len(each.log_probs))
        inside = np.flatnonzero((times >= start) & (times < end))
        if len(inside):
            rows = each.log_probs[inside[0] : inside[-1] + 1]
            found.append(Posteriors(float(times[inside[0]]), each.step, rows, ends=False))
    if found:
        found[-1] = replace(found[-1], ends=True)
    return tuple(found)
