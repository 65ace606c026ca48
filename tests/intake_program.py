"""Takes frames in as one of several processes on one store, over and over, until it is killed.

    python -m tests.intake_program FOLDER DATABASE SENT SEED

FOLDER/hub is the hub's data folder, FOLDER/frames what `keep_frames` wrote. What is sent goes to the file SENT as it
is sent, a line each: handset and frame in hex. A handset's next frames are those about the newest receipt, as a courier
would choose them, some of them again, too late or too soon; now and then comes a report.
"""

from __future__ import annotations

import os
import random
import sys
from bisect import bisect_right
from pathlib import Path

import msgspec

from compline_hub.core.intake import Frame
from compline_hub.office import open_hub
from compline_hub.service.intake import Intake, Taken
from compline_hub.settings import HubSettings
from compline_shared.ids import HandsetId
from compline_shared.topics import up

MOST = 12
"""Frames of one group, at most."""
ASTRAY = 2
"""By so many frames a choice may be wrong."""
REPORTS = 0.05
"""Share of frames that are reports."""


class Sender(msgspec.Struct):
    """What one handset may send: batches by their first seq, and reports."""

    handset: str
    firsts: list[int]
    batches: list[bytes]
    reports: list[bytes]


def keep_frames(folder: Path, senders: list[Sender]) -> None:
    (folder / "frames").write_bytes(msgspec.msgpack.encode(senders))


class _File:
    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def send(self, handset: HandsetId, message: bytes) -> None:
        os.write(self._handle, f"{handset} {message.hex()}\n".encode())


class _Courier:
    def __init__(self, sender: Sender, chance: random.Random) -> None:
        self._sender = sender
        self._chance = chance
        self.up_to = 0

    def frame(self) -> Frame:
        sender, chance = self._sender, self._chance
        topic = up(HandsetId(sender.handset))
        if chance.random() < REPORTS:
            return topic, chance.choice(sender.reports)
        at = bisect_right(sender.firsts, self.up_to + 1) - 1 + chance.randint(-ASTRAY, ASTRAY)
        return topic, sender.batches[min(max(at, 0), len(sender.batches) - 1)]


def main(folder: Path, database: str, sent: Path, seed: int) -> None:
    chance = random.Random(seed)
    senders = msgspec.msgpack.decode((folder / "frames").read_bytes(), type=list[Sender])
    couriers = {sender.handset: _Courier(sender, chance) for sender in senders}
    with open_hub(HubSettings(data_dir=str(folder / "hub"), database=database)) as hub:
        intake = Intake(hub.store, hub.ring, _File(sent), news=lambda: None)
        while True:
            chosen = chance.choices(list(couriers.values()), k=chance.randint(1, MOST))
            for outcome in intake.take([courier.frame() for courier in chosen]):
                if isinstance(outcome, Taken):
                    receipt = outcome.answer.receipt
                    couriers[receipt.handset].up_to = receipt.up_to


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
