"""How the recogniser fared is collected passage by passage; operating points that cannot be used are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compline_edge.core.comprehension import FACTS, BadDoubt, Following, parse_doubt
from compline_edge.core.speech import SAMPLE_RATE, Heard, Posteriors, SpeechBlock, Token, Utterance
from compline_shared.taxonomy import Role

SHIPPED = Path(__file__).parents[2] / "models" / "doubt" / "points.json"


def block(start: float, seconds: float, *, ends: bool = True) -> SpeechBlock:
    return SpeechBlock(start, np.ones(int(seconds * SAMPLE_RATE), np.int16), ends=ends)


def heard(*confidences: float, blanks: tuple[float, ...] = (), syllable: str = "ni") -> Heard:
    tokens = tuple(Token("你", syllable, 0.0, 0.1, confidence) for confidence in confidences)
    rows = [np.log([blank, (1 - blank) / 2, (1 - blank) / 2]) for blank in blanks]
    posteriors = (Posteriors(0.0, 0.03, np.array(rows, dtype=np.float32), ends=True),) if blanks else ()
    said = (Utterance("你", Role.UNKNOWN, 0.0, 1.0, 0.5, tokens),)
    return Heard(utterances=said, posteriors=posteriors, greedy=tokens if blanks else ())


def test_passages_when_speech_goes_on_then_a_new_one_begins_after_eight_seconds() -> None:
    following = Following()
    for start in range(0, 30, 5):
        following.feed(block(start, 4.5), Heard())
    assert [round(one.speech, 1) for one in following.passages] == [9.0, 9.0, 9.0]
    assert following.passages[1].stretches == ((10.0, 14.5), (15.0, 19.5))


def test_passages_when_a_stretch_goes_on_then_it_is_one_and_told_of_at_its_end() -> None:
    following = Following()
    following.feed(block(0, 1, ends=False), Heard())
    before = following.passages
    following.feed(block(1, 1), Heard())
    assert (before, [one.stretches for one in following.passages]) == ((), [((0.0, 2.0),)])


def test_facts_when_tokens_and_posteriors_are_heard_then_they_are_what_is_said_of_them() -> None:
    following = Following()
    following.feed(block(0, 2), heard(0.9, 0.2, 0.5, blanks=(0.98, 0.5, 0.2, 0.05)))
    (found,) = following.passages
    assert found.facts is not None
    facts = dict(zip(FACTS, found.facts, strict=True))
    assert facts["rate"] == 1.5
    assert facts["clarity"] == pytest.approx(1.6 / 3)
    assert [facts["sure"], facts["unsure"]] == pytest.approx([1 / 3, 1 / 3])
    assert (facts["wavering"], facts["spoken"]) == (0.5, 0.5)
    assert facts["foreign"] == 0.0
    entropy = [-(0.8 * np.log(0.4)), -(0.95 * np.log(0.475))]
    assert facts["entropy"] == pytest.approx(np.mean(entropy), rel=1e-4)


def test_facts_when_a_language_model_reads_something_surer_then_they_rest_on_what_was_heard() -> None:
    greedy, read = heard(0.3, blanks=(0.5,)), heard(0.9, 0.9)
    following = Following()
    following.feed(block(0, 2), replace(greedy, utterances=read.utterances))
    (found,) = following.passages
    assert found.tokens == 1
    assert found.clarity == pytest.approx(0.3)


def test_facts_when_a_recogniser_gives_no_posteriors_then_there_are_none() -> None:
    following = Following()
    following.feed(block(0, 2), heard(0.9))
    assert following.passages[0].facts is None
    assert following.passages[0].clarity == pytest.approx(0.9)


def test_facts_when_the_end_brings_the_last_words_then_they_count() -> None:
    following = Following()
    following.feed(block(0, 2, ends=False), Heard())
    following.finish(heard(0.9, 0.7, syllable=""))
    assert following.passages[0].tokens == 2


def test_passages_when_nobody_spoke_then_there_are_none() -> None:
    following = Following()
    following.finish(Heard())
    assert following.passages == ()


def test_points_when_shipped_then_they_are_of_the_shipped_recogniser() -> None:
    assert parse_doubt(SHIPPED.read_bytes()).model == "zh-ctc-telephone"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "is broken"),
        (b" " * 200_000, "larger than"),
        (
            json.dumps(
                {
                    "model": "a",
                    "weights": "",
                    "clear": 0.4,
                    "followed": {"bias": 0, "weights": {"luck": 1}},
                    "another_language": {"bias": 0, "weights": {}},
                }
            ).encode(),
            '"luck", which is no fact',
        ),
    ],
)
def test_points_when_they_cannot_be_used_then_the_sentence_says_why(content: bytes, sentence: str) -> None:
    with pytest.raises(BadDoubt, match=sentence):
        parse_doubt(content)
