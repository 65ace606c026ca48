"""A hub's store and intake without broker or web; for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compline_hub.app import Hub, init_hub, open_hub
from compline_hub.service.intake import Intake
from compline_hub.settings import HubSettings
from compline_shared.ids import HandsetId
from tests.wire_handset import WireHandset

NOW = 1_795_500_000


@dataclass(slots=True)
class Post:
    """A downlink that keeps what was sent."""

    sent: list[tuple[HandsetId, bytes]] = field(default_factory=list)

    def send(self, handset: HandsetId, message: bytes) -> None:
        self.sent.append((handset, message))


@dataclass(slots=True)
class Branch:
    hub: Hub
    post: Post
    intake: Intake
    rings: list[int]

    def handset(self, name: str = "Desk 7") -> WireHandset:
        handset = WireHandset()
        handset.join(self.hub.enrolment.enrol(handset.request, name=name, collector=handset.id))
        return handset


@contextmanager
def branch(folder: Path) -> Iterator[Branch]:
    settings = HubSettings(data_dir=str(folder / "hub"))
    init_hub(settings)
    with open_hub(settings) as hub:
        post, rings = Post(), list[int]()
        intake = Intake(hub.store, hub.keys, post, news=lambda: rings.append(1), clock=lambda: NOW)
        yield Branch(hub, post, intake, rings)
