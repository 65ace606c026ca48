"""CTC decoding along the best path, with times, whole and in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from compline_edge.core.ctc_decoding import GreedyDecoder, greedy, log_softmax


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
