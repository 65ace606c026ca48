"""A handset pairs with a real hub over its pairing port, and each misuse has its sentence and changes nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from compline_edge.core.certificate_life import BUILT
from compline_edge.joining import NoHubFound, pair
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.errors import AlreadyEnrolled, StorageFull
from compline_edge.vault.home import open_home
from compline_edge.vault.identity import create_identity
from compline_hub.core.audit import Act
from compline_hub.core.offer import LIFE
from compline_shared.enrolment import MAX_FILE
from compline_shared.pairing_code import officer_fingerprint
from tests.homes import SystemClock, bytes_under
from tests.pairing_hub import PairingHub, handset, joined, mistyped, pairing_hub, refused
from tests.running_hub import free_port, hub_settings

YEARS = 20 * 31_557_600
OFFICER = bytes(range(32))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[PairingHub]:
    with pairing_hub(tmp_path, officer_key=OFFICER.hex()) as hub:
        yield hub


def test_pairing_when_the_code_is_right_then_the_home_opens_with_what_the_hub_gave(
    hub: PairingHub, tmp_path: Path
) -> None:
    given = hub.offer()

    paired = joined(handset(tmp_path), given.invitation)

    with open_home(tmp_path / "handset", clock=SystemClock()) as home:
        grant = home.grant
        point = create_identity(tmp_path / "handset").tls_key_public
    certificate = CertificateStore(tmp_path / "handset").certificate()
    assert paired.hub_name == grant.hub_name == hub.settings.name
    assert paired.officer == officer_fingerprint(OFFICER) == given.invitation.officer
    assert (grant.mqtt_host, grant.mqtt_port) == ("127.0.0.1", hub.settings.mqtt_port)
    assert (grant.pairing_host, grant.pairing_port) == hub.address
    assert certificate is not None
    assert (certificate.name, certificate.point) == (grant.handset, point)


def test_pairing_when_a_handset_joined_then_the_hub_says_so_and_forgets_the_secret(
    hub: PairingHub, tmp_path: Path
) -> None:
    given = hub.offer()
    before = hub.state(given)

    joined(handset(tmp_path), given.invitation)

    with hub.hub.store.transaction() as ledger:
        offer = ledger.offers.offer(given.offer)
    assert (before, hub.state(given)) == ("open", "joined")
    assert offer is not None
    assert offer.sealed is None
    assert [known.name for known in hub.hub.reading.handsets()] == ["Desk 7"]


def test_pairing_when_the_code_is_open_then_no_file_of_the_hub_holds_it(
    hub: PairingHub, tmp_path: Path
) -> None:
    code = hub.offer().invitation.code

    kept = bytes_under(hub.settings.data)

    assert code.short.encode() in kept  # control: the rest of the code would be found
    assert code.secret.encode() not in kept


def test_pairing_when_the_code_is_wrong_then_says_how_many_tries_are_left(
    hub: PairingHub, tmp_path: Path
) -> None:
    given = hub.offer()
    wrong = mistyped(given.invitation)

    said = [refused(tmp_path, wrong) for _ in range(3)]

    assert ["2 tries are left" in said[0], "one try is left" in said[1], "last try" in said[2]] == [True] * 3


def test_pairing_when_the_fourth_try_is_right_then_refused_all_the_same(
    hub: PairingHub, tmp_path: Path
) -> None:
    given = hub.offer()
    for _ in range(3):
        refused(tmp_path, mistyped(given.invitation))

    assert "three times" in refused(tmp_path, given.invitation)
    assert hub.state(given) == "spent"
    with hub.hub.store.transaction() as ledger:
        entries = [kept.entry for kept in ledger.audit.entries()]
    assert [(entry.act, entry.detail) for entry in entries] == [
        (Act.CODE_GIVEN, given.offer),
        (Act.CODE_SPENT, given.offer),
    ]


def test_pairing_when_the_third_try_is_right_then_joins(hub: PairingHub, tmp_path: Path) -> None:
    given = hub.offer()
    for _ in range(2):
        refused(tmp_path, mistyped(given.invitation))

    joined(handset(tmp_path), given.invitation)  # control of the fourth

    assert hub.state(given) == "joined"


def test_pairing_when_five_minutes_are_over_then_refused(
    hub: PairingHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = hub.offer()
    clock = hub.hub.pairing._clock
    monkeypatch.setattr(hub.hub.pairing, "_clock", lambda: clock() + LIFE)

    assert "five minutes are over" in refused(tmp_path, given.invitation)
    assert hub.state(given) == "expired"


def test_pairing_when_the_hubs_clock_is_set_back_then_the_code_is_over(
    hub: PairingHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = hub.offer()
    clock = hub.hub.pairing._clock
    monkeypatch.setattr(hub.hub.pairing, "_clock", lambda: clock() - 10 * LIFE)

    assert "five minutes are over" in refused(tmp_path, given.invitation)


def test_pairing_when_another_handset_used_the_code_then_refused(hub: PairingHub, tmp_path: Path) -> None:
    given = hub.offer()
    joined(handset(tmp_path), given.invitation)

    assert "used by another handset" in refused(tmp_path, given.invitation, "second")
    assert len(hub.hub.reading.handsets()) == 1


def test_pairing_when_the_code_was_called_off_then_refused(hub: PairingHub, tmp_path: Path) -> None:
    given = hub.offer()
    hub.hub.pairing.withdraw(given.offer)

    assert "called off" in refused(tmp_path, given.invitation)


def test_pairing_when_no_code_begins_so_then_says_to_check_its_beginning(
    hub: PairingHub, tmp_path: Path
) -> None:
    invitation = hub.offer().invitation
    short = "00" if invitation.code.short != "00" else "11"
    unknown = replace(invitation, code=replace(invitation.code, short=short))

    assert "first two characters" in refused(tmp_path, unknown)


def test_pairing_when_another_hub_is_asked_then_refused_and_its_own_code_stands(
    hub: PairingHub, tmp_path: Path
) -> None:
    given = hub.offer()
    with pairing_hub(tmp_path / "other") as other:
        elsewhere = replace(given.invitation, address=other.address)
        assert "first two characters" in refused(tmp_path, elsewhere)

    joined(handset(tmp_path), given.invitation)
    assert hub.state(given) == "joined"


def test_pairing_when_no_hub_is_found_then_says_how_to_name_one(hub: PairingHub, tmp_path: Path) -> None:
    with pytest.raises(NoHubFound, match="--hub HOST:PORT"):
        joined(handset(tmp_path), replace(hub.offer().invitation, address=None))


def test_pairing_when_nobody_listens_then_says_to_check_the_address(hub: PairingHub, tmp_path: Path) -> None:
    nobody = replace(hub.offer().invitation, address=("127.0.0.1", free_port()))

    assert "check that it runs" in refused(tmp_path, nobody)


def test_pairing_when_the_officers_key_is_not_the_scanned_one_then_refused_before_a_try_is_spent(
    hub: PairingHub, tmp_path: Path
) -> None:
    given = hub.offer()
    scanned = replace(given.invitation, officer=officer_fingerprint(bytes(32)))

    assert "compliance officer" in refused(tmp_path, scanned)
    outcome = hub.hub.pairing.outcome(given.offer)
    assert outcome is not None
    assert outcome.tries_left == 3


def test_pairing_when_the_handset_is_bound_then_refused_before_anybody_is_asked(
    hub: PairingHub, tmp_path: Path
) -> None:
    settings = handset(tmp_path)
    joined(settings, hub.offer().invitation)
    before = bytes_under(settings.home_folder)
    given = hub.offer("Desk 7", "Wang Fang")

    with pytest.raises(AlreadyEnrolled, match="unbind it first"):
        joined(settings, given.invitation)

    assert bytes_under(settings.home_folder) == before
    assert hub.state(given) == "open"


def test_pairing_when_a_known_handset_gets_another_collector_then_a_new_binding(
    hub: PairingHub, tmp_path: Path
) -> None:
    settings = handset(tmp_path)
    joined(settings, hub.offer(collector="Li Wei").invitation)
    first = (settings.home_folder / "active").read_text()
    (settings.home_folder / "active").unlink()  # as after the old binding's end

    joined(settings, hub.offer(collector="Wang Fang").invitation)

    second = (settings.home_folder / "active").read_text()
    with hub.hub.store.transaction() as ledger:
        newest = ledger.binding_of(create_identity(settings.home_folder).handset_id)
    assert first != second
    assert newest is not None
    assert newest.id == second


def test_pairing_when_the_handset_was_removed_then_its_old_home_cannot_come_back(
    hub: PairingHub, tmp_path: Path
) -> None:
    settings = handset(tmp_path)
    joined(settings, hub.offer().invitation)
    hub.hub.enrolment.remove(create_identity(settings.home_folder).handset_id)
    (settings.home_folder / "active").unlink()

    assert "new home folder" in refused(tmp_path, hub.offer(collector="Wang Fang").invitation)


@pytest.mark.parametrize("off", [-YEARS, YEARS])
def test_pairing_when_the_handsets_clock_is_years_off_then_joins_and_says_so(
    hub: PairingHub, tmp_path: Path, off: int
) -> None:
    class Off(SystemClock):
        def now(self) -> float:
            return super().now() + off

    paired = pair(handset(tmp_path), hub.offer().invitation, clock=Off())

    assert abs(paired.clock_days - off / 86_400) < 2
    said = CertificateStore(tmp_path / "handset").hub_time()
    assert said is not None
    assert said > BUILT


@pytest.mark.parametrize("written", range(1, 9))
def test_pairing_when_the_disk_is_full_in_the_middle_then_the_same_code_joins_once_there_is_room(
    hub: PairingHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    given, settings = hub.offer(), handset(tmp_path)
    full = _FullAfter(written)
    monkeypatch.setattr(os, "fsync", full.fsync)

    with suppress(StorageFull):  # where more files fit than are written, it joins at once
        joined(settings, given.invitation)
    bound = (settings.home_folder / "active").exists()
    monkeypatch.setattr(os, "fsync", full.true)
    if not bound:
        joined(settings, given.invitation)

    with open_home(settings.home_folder, clock=SystemClock()) as home:
        assert home.vault.last_seq == 0
    assert hub.state(given) == "joined"


def test_pairing_when_the_disk_is_full_then_says_so_and_is_not_bound(
    hub: PairingHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_identity(tmp_path / "handset")
    monkeypatch.setattr(os, "fsync", _FullAfter(2).fsync)

    with pytest.raises(StorageFull, match="no room"):
        joined(handset(tmp_path), hub.offer().invitation)

    assert not (tmp_path / "handset" / "active").exists()


class _FullAfter:
    """A disk that has room for so many more files."""

    def __init__(self, files: int) -> None:
        self._left = files
        self.true = os.fsync

    def fsync(self, handle: int) -> None:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            self._left -= 1
            if self._left < 0:
                raise OSError(28, "No space left on device")
        self.true(handle)


def test_grant_when_written_then_it_fits_its_message(hub: PairingHub, tmp_path: Path) -> None:
    joined(handset(tmp_path), hub.offer().invitation)
    (path,) = (tmp_path / "handset").rglob("grant.json")
    assert len(path.read_bytes()) < MAX_FILE // 2


def test_pairing_when_the_hub_starts_anew_then_the_code_is_still_good(tmp_path: Path) -> None:
    settings = hub_settings(tmp_path)
    with pairing_hub(tmp_path, settings=settings) as hub:
        given = hub.offer()

    with pairing_hub(tmp_path, settings=settings) as hub:
        joined(handset(tmp_path), given.invitation)

        assert hub.state(given) == "joined"
