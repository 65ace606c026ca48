"""A hub's store and intake without broker or web; for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compline_hub.app import Hub, init_hub, open_hub
from compline_hub.core.alarm import AlarmKind
from compline_hub.core.audit import Entry
from compline_hub.core.commanding import template
from compline_hub.core.enrolled import Binding
from compline_hub.core.intake import Refusal
from compline_hub.core.operators import operator_id
from compline_hub.core.orders import Order
from compline_hub.service.dispatch import Dispatch, Reported
from compline_hub.service.intake import Intake, Taken
from compline_hub.service.operators import OperatorRoll
from compline_hub.service.orders import Orders
from compline_hub.settings import HubSettings
from compline_shared.commands import Approval, approve
from compline_shared.ids import HandsetId
from compline_shared.topics import up
from tests.simulated_handset import SimulatedHandset
from tests.wire_handset import WireHandset

NOW = 1_795_500_000


@dataclass(slots=True)
class Clock:
    """The hub's time, which a test moves."""

    now: int = NOW

    def __call__(self) -> float:
        return self.now


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
    dispatch: Dispatch
    orders: Orders
    clock: Clock
    roll: OperatorRoll

    def operator(self, name: str) -> Ed25519PrivateKey:
        """Somebody who may approve from now on."""
        key = Ed25519PrivateKey.generate()
        self.roll.add(name, key.public_key().public_bytes_raw(), by="ada")
        return key

    def sign(self, order: Order, key: Ed25519PrivateKey) -> Approval:
        return approve(template(order), operator_id(key.public_key().public_bytes_raw()), key)

    def approve(self, order: Order, *keys: Ed25519PrivateKey) -> Order:
        for key in keys:
            order = self.orders.approve(order.id, self.sign(order, key)).order
        return order

    def now_of(self, order: Order) -> Order:
        """The order as it stands now."""
        kept = self.orders.order(order.id)
        assert kept is not None
        return kept

    def binding(self, handset: WireHandset) -> Binding:
        with self.hub.store.transaction() as ledger:
            kept = ledger.binding_of(handset.id)
        assert kept is not None
        return kept

    def audited(self) -> list[Entry]:
        with self.hub.store.transaction() as ledger:
            return [kept.entry for kept in ledger.audit.entries()]

    def alarms(self) -> set[AlarmKind]:
        return {alarm.kind for alarm in self.hub.reading.alarms()}

    def simulated(self, name: str = "Desk 7") -> SimulatedHandset:
        """A handset with a life of its own."""
        handset = SimulatedHandset()
        handset.join(self.hub.enrolment.enrol(handset.request, name=name, collector=handset.id))
        return handset

    def certify(self, handset: WireHandset) -> None:
        """Renew its certificate."""
        handset.certificate = self.hub.enrolment.certify(handset.id, handset.request.tls_key_public)

    def meet(self, handset: SimulatedHandset, *, rounds: int = 8) -> None:
        """Some time later, let it report and take what comes, each with a report, until nothing comes any more."""
        self.clock.now += 120
        for _ in range(rounds):
            self.hear(handset, handset.report())
            if not self.hand_over(handset):
                return
        raise AssertionError("hub and handset never come to rest")

    def hear(self, handset: WireHandset, frame: bytes) -> Taken | Reported | Refusal:
        (outcome,) = self.intake.take([(up(handset.id), frame)])
        return outcome

    def hand_over(self, handset: SimulatedHandset) -> int:
        """Hand over what was sent to it; returns how many commands of them it had not taken before."""
        frames = [frame for to, frame in self.post.sent if to == handset.id]
        self.post.sent = [(to, frame) for to, frame in self.post.sent if to != handset.id]
        return sum(handset.take(frame) is not None for frame in frames)

    def handset(self, name: str = "Desk 7") -> WireHandset:
        handset = WireHandset()
        handset.join(self.hub.enrolment.enrol(handset.request, name=name, collector=handset.id))
        return handset


@contextmanager
def branch(folder: Path, *, database: str = "") -> Iterator[Branch]:
    """Open a hub in `folder / "hub"`; `database` is a URL, empty = SQLite in that folder."""
    settings = HubSettings(data_dir=str(folder / "hub"), database=database)
    init_hub(settings)
    with open_hub(settings) as hub:
        post, rings = Post(), list[int]()
        clock = Clock()
        intake = Intake(hub.store, hub.ring, post, news=lambda: rings.append(1), clock=clock)
        dispatch = Dispatch(hub.store, hub.ring, post, clock=clock)
        orders, roll = Orders(hub.store, clock=clock), OperatorRoll(hub.store, clock=clock)
        yield Branch(hub, post, intake, rings, dispatch, orders, clock, roll)
