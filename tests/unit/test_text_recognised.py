"""Calibration on what a recogniser truly wrote: held to the simulation by little data, better by much."""

from __future__ import annotations

import numpy as np
import pytest
from models.text.calibrate import FALSE_ALARMS, operating_points
from models.text.recognised import HEARD, Recognised, brier, left_out, probabilities, recall, refitted

from compline_edge.core.text_calibration import CategoryCalibration, OperatingPoints
from compline_edge.core.text_features import CATEGORIES

POINTS = OperatingPoints(review=0.2, whisper=0.5, alarm=0.8)
SIMULATED = {
    category.code: CategoryCalibration(slope=1.0, bias=0.0, matched=1.0, points=POINTS)
    for category in CATEGORIES
}


def heard(sentences: int, *, slope: float, bias: float, seed: int = 3) -> Recognised:
    """Sentences whose logits truly mean what slope and bias say, each heard twice."""
    chance = np.random.default_rng(seed)
    logits = chance.normal(-1.0, 3.0, size=(sentences, len(CATEGORIES)))
    wanted = (chance.random(logits.shape) < 1 / (1 + np.exp(-slope * logits - bias))).astype(float)
    numbers = np.repeat(np.arange(sentences), 2)
    both = logits[numbers] + chance.normal(0.0, 0.1, size=(2 * sentences, len(CATEGORIES)))
    return Recognised(numbers, wanted[numbers], both, np.zeros_like(both))


def test_refitted_when_there_is_much_data_then_the_truth_is_found_and_unseen_sentences_gain() -> None:
    data = heard(1_500, slope=0.4, bias=-1.0)
    fitted = refitted(data, SIMULATED)
    assert all(abs(each.slope - 0.4) < 0.08 and abs(each.bias + 1.0) < 0.25 for each in fitted.values())
    unseen = heard(1_500, slope=0.4, bias=-1.0, seed=4)
    assert brier(probabilities(unseen, fitted), unseen.wanted) < brier(
        probabilities(unseen, SIMULATED), unseen.wanted
    )


def test_refitted_when_there_is_next_to_no_data_then_it_stays_near_the_simulation() -> None:
    fitted = refitted(heard(3, slope=0.1, bias=-3.0), SIMULATED)
    assert np.mean([each.slope for each in fitted.values()]) > (1.0 + 0.1) / 2
    assert np.mean([each.bias for each in fitted.values()]) > -1.0


def test_refitted_when_points_are_set_then_they_ascend_and_so_many_lawful_sentences_reach_them() -> None:
    data = heard(2_000, slope=1.0, bias=-4.0)
    points = next(iter(refitted(data, SIMULATED).values())).points
    assert 0 < points.review <= points.whisper <= points.alarm < 1
    fitted = refitted(data, SIMULATED)
    lawful = data.of(data.wanted.sum(1) == 0)
    reach = (probabilities(lawful, fitted).max(1) >= points.review).mean()
    assert 0.03 < reach < 0.07


def test_left_out_when_ways_of_one_sentence_differ_then_they_are_left_out_together() -> None:
    """Labels that no logit tells: what memory of the same sentence could gain must not show."""
    data = heard(60, slope=0.0, bias=-1.0)
    before, fresh = left_out(data, SIMULATED)
    assert before.shape == fresh.shape == data.wanted.shape
    memorised = probabilities(data, refitted(data, SIMULATED))
    assert brier(memorised, data.wanted) < brier(fresh, data.wanted)


def test_recall_when_violations_stand_above_lawful_talk_then_it_is_their_share() -> None:
    wanted = np.zeros((6, len(CATEGORIES)))
    wanted[:2, 0] = 1
    told = np.full_like(wanted, 0.1)
    told[0, 0] = 0.9
    assert recall(told, wanted, false_alarms=0.0) == 0.5


def test_heard_sentences_when_read_then_they_are_kept_back_ones_in_every_way() -> None:
    rows = [line.split("\t") for line in HEARD.read_text(encoding="utf-8").splitlines()]
    ways = {number: [row[2] for row in rows if row[0] == number] for number in {row[0] for row in rows}}
    assert len(ways) >= 400
    assert all(sorted(each) == ["amr", "mulaw", "mulaw_babble"] for each in ways.values())
    codes = {code for row in rows for code in row[1].split("+")}
    assert codes == {"none"} | {category.code for category in CATEGORIES}
    assert sum(row[1] == "none" for row in rows) >= 3 * 200


def test_points_when_set_then_so_many_unseen_lawful_sentences_reach_one_of_any_category() -> None:
    chance = np.random.default_rng(4)
    lawful = chance.beta(0.4, 4, (20_000, len(CATEGORIES))) * np.linspace(0.1, 0.9, len(CATEGORIES))
    points = operating_points(lawful[::2])
    for name, share in FALSE_ALARMS.items():
        reached = (lawful[1::2] > getattr(points, name)).any(1).mean()
        assert reached == pytest.approx(share, abs=0.006), name
