"""Delivery over bad links between network namespaces, beside the naive sender and the wire in the same run."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.figure import Figure
from bench.wire import GOAL, publish_head
from compline_shared.ids import HandsetId
from compline_shared.topics import up
from tests.far_branch import Way, far_branch
from tests.link_trials import Delivery, courier_deliveries, naive_deliveries
from tests.network_namespace import why_none

SEEDS = 20
VERDICTS = 200
LOSSY_GOAL = 4.0  # s, median
SLOW_GOAL = 1.3  # times the wire
LOSSY = Way(delay=0.06, loss=0.3)
SLOW = Way(delay=0.35, rate=2_500)
_TOPIC = up(HandsetId("0" * 16))


def figures() -> Iterable[Figure]:
    """Yield seconds over a link that loses 30 % each way, and seconds and bytes over one of 20 kbit/s."""
    reason = why_none()
    if reason is not None:
        print(f"links: {reason}", file=sys.stderr)
        return
    yield from _lossy()
    yield from _slow()


def _lossy() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder, far_branch(Path(folder)) as branch:
        good = Way(delay=LOSSY.delay)
        ours = branch.handsets([good] * SEEDS, held=True)
        theirs = branch.handsets([good] * SEEDS, first_seed=101)
        branch.start_hub()
        found = _settled(courier_deliveries(branch, ours, [VERDICTS] * SEEDS, LOSSY))
        reference = _settled(naive_deliveries(theirs, VERDICTS, LOSSY))
    yield Figure("links_lossy_settled_median", statistics.median(found), "s", LOSSY_GOAL, "lower")
    for name, place in (("median", 0.5), ("p90", 0.9), ("worst", 1.0)):
        yield Figure(f"links_lossy_{name}", _at(found, place), "s", _at(reference, place), "lower")


def _slow() -> Iterable[Figure]:
    counts = (50, VERDICTS)
    assert SLOW.rate is not None
    with tempfile.TemporaryDirectory() as folder, far_branch(Path(folder)) as branch:
        fars = branch.handsets([SLOW] * len(counts), held=True)
        branch.start_hub()
        found = courier_deliveries(branch, fars, counts, SLOW)
    for count, it in zip(counts, found, strict=True):
        wire = it.up / SLOW.rate
        payloads = sum(size + publish_head(_TOPIC, size) for size in it.frames)
        yield Figure(f"links_slow_{count}_delivered", it.delivered, "s", wire, "lower")
        yield Figure(f"links_slow_{count}_settled", it.settled, "s", wire, "lower")
        yield Figure(f"links_slow_{count}_delivered_over_wire", it.delivered / wire, "x", SLOW_GOAL, "lower")
        yield Figure(f"links_slow_{count}_verdict_mqtt", payloads / count, "B", GOAL, "lower")
        yield Figure(f"links_slow_{count}_verdict_ip_up", it.up / count, "B", GOAL, "lower")
        yield Figure(f"links_slow_{count}_verdict_ip_down", it.down / count, "B", None, "lower")


def _settled(deliveries: Sequence[Delivery]) -> list[float]:
    return sorted(each.settled for each in deliveries)


def _at(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of them lies."""
    if share == 0.5:
        return statistics.median(values)
    return values[min(len(values) - 1, int(share * len(values)))]
