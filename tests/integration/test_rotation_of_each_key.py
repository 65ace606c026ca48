"""What is special to each key that is replaced: receipts, what was sealed before, and the authority's two rounds."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from compline_hub.core.audit import Act
from compline_hub.core.intake import Refusal
from compline_hub.core.key_sets import KeyRing, KnownKey
from compline_hub.office import open_hub
from compline_hub.rotation import is_outdated, retire, rotate, rotate_tls, state
from compline_hub.safekeeping import back_up, restore
from compline_hub.service.intake import Intake, Taken
from compline_hub.settings import HubSettings
from compline_shared.batch import Receipt
from compline_shared.certificates import issued_by_any, read_certificate
from compline_shared.errors import MalformedFrame
from compline_shared.reports import BindingState
from compline_shared.topics import up
from tests.branch_store import Branch, branch
from tests.simulated_handset import SimulatedHandset
from tests.wire_handset import drafts

SECRET = "correct horse battery"
DAY = 86_400


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return HubSettings(data_dir=str(tmp_path / "hub"))


@pytest.fixture
def handset(tmp_path: Path) -> SimulatedHandset:
    """Paired and heard under the first keys, with three verdicts that it has not sent."""
    with branch(tmp_path) as office:
        handset = office.simulated()
        handset.judge(*drafts(3))
        office.meet(handset)
        return handset


def receipts(office: Branch, handset: SimulatedHandset, frame: bytes) -> list[Receipt]:
    """What the hub answers to a batch, as far as the handset believes it."""
    office.post.sent.clear()
    office.hear(handset, frame)
    believed = []
    for _, answer in office.post.sent:
        with suppress(MalformedFrame):
            believed.append(handset.receipt(answer))
    return believed


# the key of receipts


def test_signing_when_the_handset_was_not_told_yet_then_its_receipts_come_under_the_key_that_it_knows(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    rotate(settings, KnownKey.SIGNING, by="ada")
    with branch(tmp_path) as office:
        before = receipts(office, handset, handset.frame(1, 2))
        office.meet(handset)
        after = receipts(office, handset, handset.frame(3, 3))

        assert [receipt.up_to for receipt in (*before, *after)] == [2, 3]
        assert handset.keys == office.hub.ring.sets.present


def test_signing_control_when_receipts_come_under_the_present_key_alone_then_the_handset_believes_none(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeyRing, "signing_for", lambda ring, _name: ring.keys.signing)
    rotate(settings, KnownKey.SIGNING, by="ada")
    with branch(tmp_path) as office:
        assert receipts(office, handset, handset.frame()) == []


# the key that verdicts are sealed to


def test_sealing_when_verdicts_come_that_were_sealed_before_then_they_are_taken_and_the_key_is_kept_until_then(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    before = handset.frame()
    rotate(settings, KnownKey.SEALING, by="ada")
    with branch(tmp_path) as office:
        office.meet(handset)
        (waiting,) = state(office.hub).waiting
        kept = not retire(office.hub)
        handset.judge(*drafts(1))
        taken = receipts(office, handset, before)
        over = retire(office.hub)
        fresh = receipts(office, handset, handset.frame(4))

        assert (waiting.handset, waiting.knows, kept) == ("Desk 7", True, True)
        assert [receipt.up_to for receipt in (*taken, *fresh)] == [3, 4]
        assert over
        assert not (settings.data / "keys" / "sealing.key.old").exists()


def test_sealing_control_when_the_former_key_went_too_early_then_what_was_sealed_to_it_is_lost(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    """What waiting for each handset is for."""
    before = handset.frame()
    rotate(settings, KnownKey.SEALING, by="ada")
    with branch(tmp_path) as office:
        office.meet(handset)
        retire(office.hub, even_so=state(office.hub).name)
    with branch(tmp_path) as office:
        assert office.hear(handset, before) is Refusal.BAD_SEAL


def test_sealing_when_the_running_hub_still_has_both_keys_then_either_seal_opens(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    before = handset.frame(1, 2)
    rotate(settings, KnownKey.SEALING, by="ada")
    with branch(tmp_path) as office:
        office.meet(handset)
        outcomes = [office.hear(handset, frame) for frame in (before, handset.frame(3, 3))]
    assert all(isinstance(outcome, Taken) for outcome in outcomes)


@pytest.mark.parametrize("kind", [KnownKey.SIGNING, KnownKey.SEALING])
def test_rotation_when_a_wiped_handset_still_owes_then_it_is_told_and_waited_for(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset, kind: KnownKey
) -> None:
    before = handset.frame()
    with branch(tmp_path) as office:
        handset.pass_time(31 * 86_400)
        office.meet(handset)
        wiped = handset.life.state
    rotate(settings, kind, by="ada")
    with branch(tmp_path) as office:
        waits = [each.handset for each in state(office.hub).waiting]
        office.meet(handset)
        told = handset.keys == office.hub.ring.sets.present
        taken = receipts(office, handset, before)

        assert (wiped, waits, told) == (BindingState.WIPED, ["Desk 7"], True)
        assert [receipt.up_to for receipt in taken] == [3]
        assert retire(office.hub)


def test_restored_hub_when_its_backup_is_of_during_a_rotation_then_what_was_sealed_before_still_opens(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    before = handset.frame()
    rotate(settings, KnownKey.SEALING, by="ada")
    back_up(settings, tmp_path / "backup", passphrase=SECRET, by="ada")
    (tmp_path / "back").mkdir()
    there = HubSettings(data_dir=str(tmp_path / "back" / "hub"))
    restore(there, tmp_path / "backup", passphrase=SECRET, by="ada")
    with branch(tmp_path / "back") as office:
        assert [receipt.up_to for receipt in receipts(office, handset, before)] == [3]


# the authority


def test_authority_when_replaced_then_told_beside_the_old_one_which_issues_until_everybody_knows_both(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with branch(tmp_path) as office:
        (old,) = office.hub.ring.sets.present.authorities
    rotate(settings, KnownKey.CA, by="ada")
    with branch(tmp_path) as office:
        first, new = office.hub.ring.sets.present.authorities
        shown = office.hub.certificates.server
        office.meet(handset)
        over = retire(office.hub)
        outdated = is_outdated(office.hub)
        known = handset.keys.authorities

    assert (first, known, over, outdated) == (old, (old, new), False, True)
    assert issued_by_any(shown, [old])

    with branch(tmp_path) as office:
        office.clock.now += DAY
        shown, certificates = office.hub.certificates.server, office.hub.certificates
        broker_takes = office.hub.ring.sets.authorities
        paired = office.simulated("Desk 8")
        for each in (handset, paired):
            office.meet(each)
        office.certify(paired)
        (waiting,) = state(office.hub).waiting
        kept = not retire(office.hub)
        office.certify(handset)
        over = retire(office.hub)
        acts = [entry.act for entry in office.audited() if entry.detail == "ca"]

    assert certificates.authority.der == new
    assert issued_by_any(shown, [new])
    assert broker_takes == (new, old)  # what handsets show was issued before
    assert (handset.keys.authorities, paired.keys.authorities) == ((new,), (new,))
    assert (waiting.handset, waiting.knows, kept, over) == ("Desk 7", True, True, True)
    assert acts == [Act.ROTATED, Act.KEY_DESTROYED]
    with branch(tmp_path) as office:
        assert office.hub.ring.sets.authorities == (new,)
        assert office.hub.certificates == certificates


def test_authority_when_the_second_round_began_then_the_old_key_is_nowhere(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    old = (settings.data / "keys" / "ca.key").read_bytes()
    rotate(settings, KnownKey.CA, by="ada")
    with branch(tmp_path) as office:
        office.meet(handset)
        retire(office.hub)
    with branch(tmp_path):
        kept = [path.name for path in settings.data.rglob("*") if path.is_file() and old in path.read_bytes()]
    assert kept == []


def test_authority_when_a_handset_never_came_then_the_hub_goes_on_with_the_old_one(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    rotate(settings, KnownKey.CA, by="ada")
    for _ in range(3):
        with branch(tmp_path) as office:
            assert not retire(office.hub)
            shown, told = office.hub.certificates, office.hub.ring.sets.present
    assert shown.authority.der == told.authorities[0]
    assert len(told.authorities) == 2


@pytest.mark.parametrize("rounds", [1, 2])
def test_restored_hub_when_its_backup_is_of_either_round_for_an_authority_then_it_goes_on(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset, rounds: int
) -> None:
    rotate(settings, KnownKey.CA, by="ada")
    if rounds == 2:
        with branch(tmp_path) as office:
            office.meet(handset)
            retire(office.hub)
        with open_hub(settings):
            pass
    back_up(settings, tmp_path / "backup", passphrase=SECRET, by="ada")
    (tmp_path / "back").mkdir()
    there = HubSettings(data_dir=str(tmp_path / "back" / "hub"))
    restore(there, tmp_path / "backup", passphrase=SECRET, by="ada")
    with branch(tmp_path / "back") as office:
        office.clock.now += DAY
        office.meet(handset)
        assert handset.keys == office.hub.ring.sets.present
        office.certify(handset)
        assert retire(office.hub) is (rounds == 2)
    with branch(tmp_path / "back") as office:
        assert read_certificate(handset.keys.authorities[-1]) == office.hub.certificates.authority


# what handsets do not know


def test_tls_keys_when_replaced_then_the_certificates_are_of_others_and_handsets_are_told_nothing(
    tmp_path: Path, settings: HubSettings, handset: SimulatedHandset
) -> None:
    with open_hub(settings) as hub:
        before, told = hub.certificates, hub.ring.sets
    rotate_tls(settings, by="ada")
    with branch(tmp_path) as office:
        after = office.hub.certificates
        audited = [entry.detail for entry in office.audited() if entry.act is Act.ROTATED]

        assert (after.authority, office.hub.ring.sets, audited) == (before.authority, told, ["tls"])
        assert {after.server.point, after.link.point}.isdisjoint({before.server.point, before.link.point})
        assert isinstance(
            Intake(office.hub.store, office.hub.ring, office.post, news=lambda: None).take(
                [(up(handset.id), handset.frame())]
            )[0],
            Taken,
        )
        assert replace(after, server=before.server, link=before.link) == before
