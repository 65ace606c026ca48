"""How long what is owed takes over a bad link, and how many bytes: the courier, and the naive sender beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.far_branch import Far, FarBranch, Way

STAGGER = 0.3
"""Seconds between the handsets' beginnings, so that the links are measured and not the machine they share."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One handset's verdicts from when its established session may serve; s and bytes."""

    settled: float  # until its outbox knew that the hub has them
    delivered: float  # until the hub had them; as `settled` where nobody says
    frames: tuple[int, ...]  # payloads that it handed over
    up: int  # IP packets that went over the wire, headers of all layers included
    down: int


def courier_deliveries(
    branch: FarBranch, fars: Sequence[Far], counts: Sequence[int], way: Way
) -> list[Delivery]:
    """Have each handset, which must be held, deliver so many typical verdicts once its link is as given."""
    for seed, (far, count) in enumerate(zip(fars, counts, strict=True)):
        far.do("judge", count=count, seed=seed)
    for far in fars:
        far.hear("judged")
        far.do("run")
    settled = _timed(fars, way, _serve)
    taken = branch.logged("batch_taken")
    return [
        Delivery(
            settled=ended - began,
            delivered=min(it["at"] for it in taken if it["handset"] == far.handset and it["up_to"] == count)
            - began,
            frames=tuple(told["bytes"] for told in far.past if told["what"] == "sent"),
            up=far.link.up.carried_bytes - up,
            down=far.link.down.carried_bytes - down,
        )
        for far, count, (began, ended, up, down) in zip(fars, counts, settled, strict=True)
    ]


def naive_deliveries(fars: Sequence[Far], count: int, way: Way) -> list[Delivery]:
    """Have each handset send so many messages as one would do first, once its link is as given."""
    for far in fars:
        far.do("naive_connect")
    settled = _timed(fars, way, lambda far: far.do("naive_send", count=count))
    return [
        Delivery(
            settled=ended - began,
            delivered=ended - began,
            frames=(),
            up=far.link.up.carried_bytes - up,
            down=far.link.down.carried_bytes - down,
        )
        for far, (began, ended, up, down) in zip(fars, settled, strict=True)
    ]


def naive_within(fars: Sequence[Far], count: int, way: Way, seconds: float) -> int:
    """As `naive_deliveries`, but return how many handsets had everything acknowledged within so long."""
    for far in fars:
        far.do("naive_connect")
    _begun(fars, way, lambda far: far.do("naive_send", count=count))
    time.sleep(seconds)
    return sum(far.has_told("settled") for far in fars)


def _serve(far: Far) -> None:
    far.do("serve")
    far.do("settle")


def _timed(
    fars: Sequence[Far], way: Way, begin: Callable[[Far], object]
) -> list[tuple[float, float, int, int]]:
    before = _begun(fars, way, begin)
    began = [far.hear("serving")["at"] for far in fars]
    ended = [far.hear("settled", within=300.0)["at"] for far in fars]
    return [(*times, *sizes) for times, sizes in zip(zip(began, ended, strict=True), before, strict=True)]


def _begun(fars: Sequence[Far], way: Way, begin: Callable[[Far], object]) -> list[tuple[int, int]]:
    """Begin on established sessions, one after another; returns the bytes that each link had carried before."""
    for far in fars:
        far.hear("connected")
    time.sleep(1.0)  # the last acknowledgements of the beginning are on their way
    before = []
    for far in fars:
        far.link.become(way)
        before.append((far.link.up.carried_bytes, far.link.down.carried_bytes))
        begin(far)
        time.sleep(STAGGER)
    return before
