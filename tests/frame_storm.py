"""Throws mutated, truncated, replayed and foreign frames at everything that reads them; prints what became of them.

A process of its own, so that its memory is its own: `python -m tests.frame_storm --count N [--seconds S] [--seed K]`.
`--without CHECK` takes one check out first: the control, which must be seen to let something in.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Final

import msgspec

from compline_edge.core.binding_life import Life, order
from compline_shared import codec, envelope, message_frame
from compline_shared.codec import decode
from compline_shared.commands import Command
from compline_shared.errors import MalformedFrame
from tests import frame_readers
from tests.frame_readers import Target, targets
from tests.mutations import mutated, rebuilt

SLOW: Final = 0.05
"""Seconds of one reader's own time that no input may take."""


def inputs(target: Target, random: Random, others: list[bytes]) -> Iterator[bytes]:
    """Endless bytes for one reader: foreign and mutated ones, replays where those are no good either."""
    yield from target.seeds if target.name == "replayed command" else ()
    while True:
        seed = random.choice(target.seeds)
        tree = target.may_take and random.random() < 0.5
        made = rebuilt(seed, random) if tree else mutated(seed, random, others)
        yield target.sign(made) if target.sign else made


def storm(count: int, seconds: float, seed: int) -> dict[str, object]:
    """Throw up to ``count`` inputs for at most ``seconds``; returns what was seen, at most 5 of each fault."""
    before = _highest()
    random, all_targets = Random(seed), targets()
    others = [frame for target in all_targets for frame in target.seeds]
    streams = [(target, inputs(target, random, others)) for target in all_targets]
    for target in all_targets:
        for frame in target.seeds:
            target.read(target.sign(frame) if target.sign else frame)
    ends = time.monotonic() + seconds
    tried, slowest, accepted, crashed, sound = 0, 0.0, [], [], 0
    while tried < count and time.monotonic() < ends:
        for target, stream in streams:
            data = next(stream)
            began = time.thread_time()
            try:
                taken = target.read(data)
            except MalformedFrame:
                taken = None
            except Exception as error:  # noqa: BLE001 - what is looked for
                taken = None
                crashed.append(f"{target.name}: {type(error).__name__} for {data.hex()[:200]}")
            slowest = max(slowest, time.thread_time() - began)
            if taken is not None:
                own = data in target.seeds and target.name != "replayed command"
                sound += 1
                if not own and not (target.may_take and taken == data):
                    accepted.append(f"{target.name}: {data.hex()[:200]}")
            tried += 1
    grown = _highest() - before
    return {
        "tried": tried,
        "sound": sound,
        "accepted": accepted[:5],
        "crashed": crashed[:5],
        "slowest_s": round(slowest, 4),
        "grown_mib": round(grown, 1),
    }


def _highest() -> float:
    """Return the most memory that this process ever held, in MiB (`ru_maxrss` begins with its parent's)."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _swap(name: str, broken: object, *modules: ModuleType) -> None:
    for module in modules:
        setattr(module, name, broken)


def _without_signature() -> None:
    def verify(frame: bytes, public_key: object, *, context: bytes, limit: int) -> bytes:
        match decode(frame, limit=limit):
            case [protected, unprotected, bytes() as payload, bytes()] if (
                protected == b"\xa1\x01\x27" and unprotected == {}
            ):
                return payload
            case _:
                raise MalformedFrame("not such a frame")

    _swap("verify", verify, envelope)


def _without_one_encoding() -> None:
    def lenient(payload: bytes, kind: Any, limit: int) -> Any:
        try:
            return msgspec.convert(decode(payload, limit=limit), kind)
        except msgspec.ValidationError:
            raise MalformedFrame("not such a message") from None

    _swap("_decoded", lenient, message_frame)


def _without_end() -> None:
    def lenient(data: bytes, *, limit: int) -> Any:
        return codec._item(data, 0, codec.MAX_DEPTH)[0]

    _swap("decode", lenient, frame_readers)


def _without_shortest_form() -> None:
    def lenient(data: bytes, initial: int, at: int) -> tuple[int, int]:
        size = 1 << ((initial & 0x1F) - 24) if 24 <= initial & 0x1F <= 27 else 0
        if initial & 0x1F > 27 or len(data) - at < size:
            raise MalformedFrame("no such head")
        return (int.from_bytes(data[at : at + size], "big") if size else initial & 0x1F), at + size

    _swap("_argument", lenient, codec)


def _without_counter() -> None:
    kept = order

    def lenient(life: Life, command: Command, **more: Any) -> Any:
        return kept(msgspec.structs.replace(life, counter=0, results=()), command, **more)

    _swap("order", lenient, frame_readers)


def _without_haste() -> None:
    kept = codec._map

    def slow(*arguments: Any) -> Any:
        ends = time.thread_time() + 2 * SLOW
        while time.thread_time() < ends:
            pass
        return kept(*arguments)

    _swap("_map", slow, codec)


def _without_thrift() -> None:
    kept = codec._map

    def wasteful(*arguments: Any) -> Any:
        return kept(*arguments) if b"x" * (100 * 2**20) else None

    _swap("_map", wasteful, codec)


CHECKS: Final = {
    "signature": _without_signature,
    "one encoding": _without_one_encoding,
    "end": _without_end,
    "shortest form": _without_shortest_form,
    "counter": _without_counter,
    "haste": _without_haste,
    "thrift": _without_thrift,
}


def main() -> None:
    """Run and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=3_600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", choices=CHECKS)
    chosen = parser.parse_args()
    if chosen.without:
        CHECKS[chosen.without]()
    sys.stdout.write(json.dumps(storm(chosen.count, chosen.seconds, chosen.seed)))


if __name__ == "__main__":
    main()
