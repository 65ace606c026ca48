"""A handset renews its certificate and learns the hub's time, whatever its own clock and old certificate say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from compline_edge.link.certificate_keeper import CertificateKeeper
from compline_edge.link.errors import CertificateEnded, NotRenewed, Unreachable
from compline_edge.link.pairing import renew_at
from compline_edge.link.renewal import RenewalLoop, RenewalPace
from compline_edge.ports import Address
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.home import Home, open_home
from compline_hub.core.authority import handset_certificate
from compline_shared.certificates import Certificate
from compline_shared.p256 import point_of
from tests.branch import until
from tests.false_hub import Between, lying, serving
from tests.homes import SystemClock
from tests.pairing_hub import PairingHub, handset, joined, pairing_hub

DAY = 86_400
YEARS = 20 * 31_557_600
FAST = RenewalPace(look=0.02, again=0.02, longest=0.05)


@dataclass(slots=True)
class Phone:
    """A handset that has joined, and its hub."""

    hub: PairingHub
    home: Home
    store: CertificateStore

    def keeper(self, *, off: float = 0.0) -> CertificateKeeper:
        """With a clock that is `off` seconds ahead."""
        return CertificateKeeper(
            self.store,
            hub=lambda: self.home.hub_keys,
            key=self.home.identity.tls,
            clock=OffClock(off),
        )

    def renew(self, address: Address) -> None:
        home = self.home
        renew_at(address, home.place.handset, hub=home.hub_keys, identity=home.identity)

    def aged(self, days: float) -> Certificate:
        """Its certificate as if it had been made some days ago."""
        keys = self.hub.hub.keys
        certificate = handset_certificate(
            self.hub.hub.certificates.authority,
            keys,
            handset=self.home.place.handset,
            point=point_of(self.home.identity.tls),
            now=int(time.time() - days * DAY),
            serial=7,
        )
        self.store.keep(certificate, hub_time=int(time.time() - days * DAY))
        return certificate


class OffClock(SystemClock):
    def __init__(self, off: float) -> None:
        self._off = off

    def now(self) -> float:
        return super().now() + self._off


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    with pairing_hub(tmp_path) as hub:
        joined(handset(tmp_path), hub.offer().invitation)
        with open_home(tmp_path / "handset", clock=SystemClock()) as home:
            yield Phone(hub, home, CertificateStore(tmp_path / "handset"))


async def renewed(phone: Phone, keeper: CertificateKeeper, *addresses: tuple[str, int]) -> None:
    """Run the renewal until nothing is due."""

    async def find() -> Sequence[Address]:
        return [Address(*address) for address in addresses or (phone.hub.address,)]

    home = phone.home
    loop = RenewalLoop(
        keeper,
        identity=home.identity,
        handset=home.place.handset,
        hub=lambda: home.hub_keys,
        find=find,
        pace=FAST,
    )
    task = asyncio.create_task(loop.run())
    try:
        await until(lambda: not keeper.renewal_due)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("days", [21, 31, 400])
async def test_renewal_when_two_thirds_are_through_or_all_then_a_new_certificate_is_kept(
    phone: Phone, days: int
) -> None:
    old = phone.aged(days)
    keeper = phone.keeper()
    assert keeper.renewal_due

    await renewed(phone, keeper)

    new = phone.store.certificate()
    assert new is not None
    assert new.not_after > time.time() + 29 * DAY
    assert new.point == old.point
    assert abs((phone.store.hub_time() or 0) - time.time()) < 60
    keeper.context()  # it serves


def test_renewal_when_the_certificate_is_young_then_nothing_is_due(phone: Phone) -> None:
    phone.aged(19)
    assert not phone.keeper().renewal_due


async def test_renewal_when_the_clock_is_years_ahead_then_the_hubs_time_makes_all_good_again(
    phone: Phone,
) -> None:
    keeper = phone.keeper(off=YEARS)
    with pytest.raises(CertificateEnded, match="asks the hub"):
        keeper.context()

    await renewed(phone, keeper)

    keeper.context()
    assert abs(keeper.present - time.time()) < 60


async def test_renewal_when_the_broker_refuses_then_the_hub_is_asked_once_an_hour(phone: Phone) -> None:
    """A clock that is behind hides from the handset that its certificate has ended; the broker knows."""
    keeper = phone.keeper(off=-YEARS)
    due = [keeper.renewal_due]

    keeper.refused()
    due.append(keeper.renewal_due)
    await renewed(phone, keeper)
    keeper.refused()  # has the hub's word: another refusal within the hour has other reasons
    due.append(keeper.renewal_due)

    assert due == [False, True, False]
    assert abs(keeper.present - time.time()) < 60


async def test_renewal_when_the_first_address_is_false_then_the_next_is_asked(phone: Phone) -> None:
    phone.aged(31)
    with serving(lying) as port:
        await renewed(phone, phone.keeper(), ("127.0.0.1", port), phone.hub.address)


def test_renewal_when_the_handset_was_removed_then_refused_and_its_certificate_stands(phone: Phone) -> None:
    old = phone.aged(31)
    phone.hub.hub.enrolment.remove(phone.home.place.handset)

    with pytest.raises(NotRenewed, match="removed it"):
        phone.renew(Address(*phone.hub.address))

    assert phone.store.certificate() == old


def test_renewal_when_somebody_stands_between_then_nothing_is_said(phone: Phone) -> None:
    between = Between(phone.hub.settings.pairing_port, own_authority=True)

    with serving(between.meet) as port, pytest.raises(Unreachable):
        phone.renew(Address("127.0.0.1", port))

    assert between.read == []


def test_renewal_control_when_any_server_is_taken_then_who_stands_between_is_heard(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compline_edge.link import pairing
    from compline_edge.link.tls import stranger_context

    monkeypatch.setattr(pairing, "hub_context", lambda _authority: stranger_context())
    between = Between(phone.hub.settings.pairing_port, own_authority=True)

    with serving(between.meet) as port:
        phone.renew(Address("127.0.0.1", port))

    assert len(between.read) == 4
