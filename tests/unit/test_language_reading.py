"""The trigram model and the beam search on a small text and posteriors made by hand."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from models.language.train import spoken, train

from compline_edge.core.beam_search import BeamReader, BeamSettings
from compline_edge.core.ctc_decoding import Symbol
from compline_edge.core.ngram import MAGIC, BadNgrams, NgramModel, parse_ngrams
from compline_edge.core.syllables import INDEX, SYLLABLES, reading

TEXT = [
    "请您今天还款",
    "今天下午还款",
    "您今天还款吗",
    "明天再还款",
    "我去您单位",
    "我去您家里",
    "他在单位上班",
] * 8
TOKENS = ("<blank>", *"请您今天还款下午吗明再我去家里他在上班", "丹", "金")
NGRAMS = train(TEXT, [token for token in TOKENS if len(token) == 1], trigrams=500, bigrams=500)
MODEL = NgramModel(NGRAMS)


def heard(*steps: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities by token and by syllable of steps that give some tokens and leave the rest to blank."""
    tokens = np.full((len(steps), len(TOKENS)), 1e-7)
    sounds = np.full((len(steps), len(SYLLABLES)), 1e-7)
    for row, step in enumerate(steps):
        for token, share in step.items():
            tokens[row, TOKENS.index(token)] = share
            sounds[row, reading(token)] += share
        tokens[row, 0] = sounds[row, 0] = max(1e-7, 1.0 - sum(step.values()))
    return np.log(tokens).astype(np.float32), np.log(sounds).astype(np.float32)


def text_of(reader: BeamReader, symbols: list[Symbol]) -> str:
    """What symbols spell."""
    return "".join(reader.alphabet[one.index] for one in symbols)


def test_model_when_a_context_is_given_then_its_characters_share_one_probability() -> None:
    for context in ("", "今", "今天", "单位", "款今", "午"):
        places = (0, *(MODEL.places[char] for char in context))[-2:]
        assert np.exp(MODEL.after(places)[1:-1]).sum() == pytest.approx(1.0, abs=0.12), context


def test_model_when_a_text_was_seen_then_it_is_likelier_than_the_same_characters_shuffled() -> None:
    assert MODEL.log_prob("今天下午还款") > MODEL.log_prob("款午天今还下") + 5


def test_model_when_written_and_read_then_it_is_the_same() -> None:
    again = parse_ngrams(NGRAMS.pack())
    for name in (field.name for field in dataclasses.fields(again)):
        assert np.array_equal(getattr(again, name), getattr(NGRAMS, name)), name


@pytest.mark.parametrize(
    "broken",
    [b"", MAGIC, NGRAMS.pack()[:-1], NGRAMS.pack() + b"x", b"x" + NGRAMS.pack()[1:]],
    ids=["empty", "head alone", "cut", "too long", "another head"],
)
def test_model_when_its_file_is_broken_then_it_is_refused(broken: bytes) -> None:
    with pytest.raises(BadNgrams):
        parse_ngrams(broken)


def test_model_when_its_file_names_a_character_that_is_not_there_then_it_is_refused() -> None:
    beyond = dataclasses.replace(NGRAMS, thirds=np.full_like(NGRAMS.thirds, len(NGRAMS.characters)))
    with pytest.raises(BadNgrams):
        parse_ngrams(beyond.pack())


def test_model_when_asked_for_many_contexts_then_it_answers_as_it_did_at_first() -> None:
    model = NgramModel(NGRAMS)
    before = model.after((0, 1)).copy()
    for one in range(24):
        for two in range(1, 24):
            model.after((one, two))
    assert np.array_equal(model.after((0, 1)), before)


def test_spoken_when_a_text_has_pauses_and_digits_then_only_what_is_said_is_left() -> None:
    assert list(spoken(["您好，欠3期。请 OK 还款！"])) == ["您好欠三期", "请还款"]


def test_reader_when_nothing_but_blank_is_heard_then_nothing_is_read() -> None:
    reader = BeamReader(TOKENS, MODEL)
    assert reader.read(*heard({}, {}, {})) == []


def test_reader_when_two_characters_sound_alike_then_the_context_decides() -> None:
    rows = heard({"金": 0.5, "今": 0.4}, {}, {"天": 0.9}, {}, {"还": 0.9}, {}, {"款": 0.9}, {})
    reader = BeamReader(TOKENS, MODEL)
    assert text_of(reader, reader.read(*rows)) == "今天还款"
    deaf = BeamReader(TOKENS, MODEL, BeamSettings(model=0.0, length=0.0))
    assert text_of(deaf, deaf.read(*rows)) == "金天还款"


def test_reader_when_the_recogniser_has_no_such_character_then_its_sound_gives_it() -> None:
    assert "单" not in TOKENS
    assert "位" not in TOKENS
    rows = list(heard({"我": 0.9}, {}, {"去": 0.9}, {}, {"您": 0.9}, {}, {"丹": 0.9}, {}, {}, {}))
    rows[1][8, INDEX["wei"]] = np.log(0.9)
    reader = BeamReader(TOKENS, MODEL)
    assert text_of(reader, reader.read(rows[0], rows[1])).startswith("我去您单")


def test_reader_when_a_character_is_said_twice_then_both_are_read_where_they_stand() -> None:
    rows = heard({"天": 0.95}, {}, {"天": 0.95}, {"天": 0.9}, {})
    reader = BeamReader(TOKENS, MODEL, BeamSettings(model=0.0))
    found = reader.read(*rows)
    assert text_of(reader, found) == "天天"
    assert [(one.first, one.last) for one in found] == [(0, 0), (2, 3)]
    assert all(0.9 <= one.confidence <= 1.0 for one in found)


def test_reader_when_fed_the_same_again_then_it_reads_the_same() -> None:
    reader = BeamReader(TOKENS, MODEL)
    rows = heard({"今": 0.6, "金": 0.3}, {"天": 0.5}, {}, {"下": 0.7}, {"午": 0.4, "还": 0.2}, {"款": 0.5})
    assert reader.read(*rows) == reader.read(*rows)


def test_reader_when_threads_share_it_then_each_reads_what_it_would_alone() -> None:
    rows = [
        heard({one: 0.6, other: 0.3}, {}, {"天": 0.5}, {"下": 0.7}, {"午": 0.4, "还": 0.2}, {"款": 0.5})
        for one in "今您我"
        for other in "金去在"
    ] * 6
    alone = [BeamReader(TOKENS, NgramModel(NGRAMS)).read(*row) for row in rows]
    shared = BeamReader(TOKENS, NgramModel(NGRAMS))
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda row: shared.read(*row), rows))
    assert together == alone
