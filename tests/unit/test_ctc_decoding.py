"""CTC decoding: greedy with times, the prefix beam against all paths."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from compline_edge.core.ctc_decoding import (
    GreedyDecoder,
    beam_characters,
    beam_syllables,
    greedy,
    log_softmax,
    prefix_beam,
)


def rows(*best: int, symbols: int = 4, height: float = 0.9) -> np.ndarray:
    """Log-probabilities in which `best[k]` is the likeliest symbol of step k."""
    table = np.full((len(best), symbols), (1.0 - height) / (symbols - 1), dtype=np.float32)
    table[np.arange(len(best)), best] = height
    return np.log(table)


def test_greedy_when_repeats_and_blanks_come_then_they_are_removed() -> None:
    symbols = greedy(rows(0, 1, 1, 0, 1, 2, 2, 0))

    assert [(s.index, s.first, s.last) for s in symbols] == [(1, 1, 2), (1, 4, 4), (2, 5, 6)]


def test_greedy_when_a_run_rises_then_confidence_is_its_height() -> None:
    table = np.concatenate([rows(1, height=0.5), rows(1, height=0.8)])

    assert greedy(table)[0].confidence == pytest.approx(0.8)


def test_greedy_when_nothing_comes_then_nothing_is_found() -> None:
    assert greedy(rows()) == []


@pytest.mark.parametrize("cut", range(9))
def test_greedy_when_fed_in_two_pieces_then_the_same_as_whole(cut: int) -> None:
    table = rows(0, 1, 1, 2, 0, 3, 3, 3)
    decoder = GreedyDecoder()

    symbols = decoder.feed(table[:cut]) + decoder.feed(table[cut:]) + decoder.finish()

    assert symbols == greedy(table)


def test_running_when_a_symbol_may_go_on_then_it_is_shown() -> None:
    decoder = GreedyDecoder()

    closed = decoder.feed(rows(1, 2))

    assert [symbol.index for symbol in closed] == [1]
    assert decoder.running is not None
    assert decoder.running.index == 2


def test_log_softmax_when_logits_are_huge_then_rows_sum_to_one() -> None:
    found = log_softmax(np.array([[900.0, 899.0, -900.0]], dtype=np.float32))

    assert np.exp(found).sum() == pytest.approx(1.0)


def test_prefix_beam_when_wide_then_it_sums_over_all_paths() -> None:
    table = np.log(np.random.default_rng(3).dirichlet(np.ones(3), size=4)).astype(np.float32)
    sums: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(3), repeat=4):
        collapsed = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)
        sums[collapsed] = sums.get(collapsed, 0.0) + float(np.exp(table[np.arange(4), path].sum()))

    found = prefix_beam(table, width=100, top=3)

    assert {one.indices: pytest.approx(float(np.exp(one.log_prob)), rel=1e-4) for one in found} == sums


def test_prefix_beam_when_many_paths_make_one_reading_then_it_beats_the_best_path() -> None:
    table = np.log(np.array([[0.4, 0.35, 0.25], [0.4, 0.35, 0.25]], dtype=np.float32))

    assert greedy(table) == []
    assert prefix_beam(table, width=8, top=3)[0].indices == (1,)


def test_beam_characters_when_asked_then_texts_come_best_first() -> None:
    found = beam_characters(rows(1, 0, 2), tokens=("-", "你", "好", "号"), width=4)

    assert found[0][0] == "你好"
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_beam_syllables_when_asked_then_syllables_come_best_first() -> None:
    found = beam_syllables(rows(1, 0, 2), inventory=("-", "ni", "hao", "ma"), width=4)

    assert found[0][0] == ("ni", "hao")
