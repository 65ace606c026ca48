"""What was heard in a stretch with several speakers is divided among them, and nothing is lost or doubled."""

from __future__ import annotations

import numpy as np

from compline_edge.core.speech import Heard, Posteriors, Token, Utterance
from compline_edge.core.turns import Turn, divided, joined
from compline_shared.taxonomy import Role

COLLECTOR, OTHER, UNKNOWN = Role.COLLECTOR, Role.OTHER, Role.UNKNOWN
TEXT = "你好请还钱我没有钱"
TOKENS = tuple(Token(char, "", 10 + i * 0.5, 10.5 + i * 0.5, 0.5 + i / 20) for i, char in enumerate(TEXT))
SAID = Utterance(TEXT, UNKNOWN, 10.0, 14.5, 0.7, TOKENS)
TURNS = [Turn(COLLECTOR, 10.0, 12.5), Turn(OTHER, 12.5, 14.5)]


def posteriors(start: float, steps: int) -> Posteriors:
    rows = np.arange(steps, dtype=np.float32)[:, None].repeat(3, axis=1)
    return Posteriors(start, 0.1, rows, ends=False)


def test_divided_when_two_speak_then_each_has_his_words_and_times() -> None:
    ours, theirs = divided(Heard(utterances=(SAID,)), TURNS)
    (first,), (second,) = ours.utterances, theirs.utterances
    assert (first.text, first.role, first.start, first.end) == ("你好请还钱", COLLECTOR, 10.0, 12.5)
    assert (second.text, second.role, second.start, second.end) == ("我没有钱", OTHER, 12.5, 14.5)
    assert first.tokens + second.tokens == TOKENS
    assert second.confidence > first.confidence


def test_divided_when_a_part_is_nobodys_then_the_sentence_is_torn() -> None:
    whole = divided(Heard(utterances=(SAID,)), TURNS)
    torn = divided(Heard(utterances=(SAID,)), [Turn(UNKNOWN, 10.0, 12.5), Turn(COLLECTOR, 12.5, 14.5)])
    assert [u.torn for part in whole for u in part.utterances] == [False, False]
    assert [u.torn for part in torn for u in part.utterances] == [True, True]


def test_divided_when_words_have_spaces_then_they_stay_between_the_words() -> None:
    tokens = tuple(
        Token(word, "", 10.0 + i, 11.0 + i, 0.9) for i, word in enumerate(["pay", "up", "no", "way"])
    )
    said = Utterance("pay up no way", UNKNOWN, 10.0, 14.0, 0.9, tokens)
    parts = divided(Heard(utterances=(said,)), [Turn(COLLECTOR, 10, 12), Turn(OTHER, 12, 14)])
    assert [u.text for part in parts for u in part.utterances] == ["pay up", "no way"]


def test_divided_when_one_speaks_then_all_is_his() -> None:
    heard = Heard(utterances=(SAID,), posteriors=(posteriors(10.0, 45),))
    (whole,) = divided(heard, [Turn(OTHER, 10.0, 14.5)])
    assert [(u.text, u.role) for u in whole.utterances] == [(TEXT, OTHER)]
    assert whole.posteriors == heard.posteriors


def test_divided_when_the_text_is_not_that_of_its_words_then_it_goes_whole_to_who_spoke_most() -> None:
    rewritten = Utterance("您好", UNKNOWN, 10.0, 14.5, 0.7, TOKENS)
    ours, theirs = divided(Heard(utterances=(rewritten,)), TURNS)
    assert ([u.role for u in ours.utterances], theirs.utterances) == ([COLLECTOR], ())


def test_divided_when_there_are_posteriors_then_every_step_goes_to_one_and_ends_his_turn() -> None:
    heard = Heard(posteriors=(posteriors(10.0, 20), posteriors(12.0, 25)))
    parts = divided(heard, TURNS)
    steps = [p.log_probs[:, 0].tolist() for part in parts for p in part.posteriors]
    assert sum(map(len, steps)) == 45
    assert [part.posteriors[-1].ends for part in parts] == [True, True]
    assert [p.ends for part in parts for p in part.posteriors].count(True) == 2
    assert max(p.start for p in parts[0].posteriors) < 12.5 <= min(p.start for p in parts[1].posteriors)


def test_joined_when_neighbours_have_one_role_then_they_are_one_turn() -> None:
    turns = [Turn(COLLECTOR, 0, 1), Turn(COLLECTOR, 1, 2), Turn(OTHER, 2, 3), Turn(COLLECTOR, 3, 4)]
    assert joined(turns) == [Turn(COLLECTOR, 0, 2), Turn(OTHER, 2, 3), Turn(COLLECTOR, 3, 4)]
