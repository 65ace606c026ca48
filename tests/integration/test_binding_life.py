"""A binding's life on real files: frozen it does not open, thawed it is as it was, wiped it is gone."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from compline_edge.core.binding_life import Bound, Frozen, Wiped
from compline_edge.vault.errors import AlreadyEnrolled, FilesPutBack, VaultFrozen
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.home import Home, SlotAt
from compline_edge.vault.identity import create_identity, join
from compline_edge.vault.tpm_slot import TpmSlot
from compline_shared.lease import DAY, HOUR
from compline_shared.reports import BindingState, Cause, CommandOutcome
from tests.homes import HubKeys, bytes_under
from tests.lives import bound, living, obey
from tests.slots import Chip
from tests.tpm import running_tpm
from tests.verdicts import draft

SECRET_WORDS = "王小明的电话是15400001234"


@pytest.fixture(scope="module")
def tpm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlotAt]:
    with running_tpm(tmp_path_factory.mktemp("tpm")):
        yield TpmSlot


@pytest.fixture(params=["file", "chip", "tpm"])
def life(tmp_path: Path, request: pytest.FixtureRequest) -> Life:
    if request.param == "tpm":
        return Life(tmp_path, request.getfixturevalue("tpm"))
    return Life(tmp_path, FileSlot if request.param == "file" else Chip().slot_at)


@pytest.fixture(params=["file", "chip"])
def quick_life(tmp_path: Path, request: pytest.FixtureRequest) -> Life:
    """On slots that take no time, for what is opened hundreds of times or measured."""
    return Life(tmp_path, FileSlot if request.param == "file" else Chip().slot_at)


class Life:
    """A bound home with one verdict and its evidence in it."""

    def __init__(self, folder: Path, slot_at: SlotAt) -> None:
        self.slot_at = slot_at
        self.home, self.hub, self.clock = bound(folder, slot_at=slot_at)
        self.folder = next((self.home / "bindings").iterdir())
        with self.open() as here:
            here.ledger.record(draft(), io.BytesIO(SECRET_WORDS.encode() * 100))
            self.database = (self.folder / "vault.db").read_bytes()

    def open(self) -> Home:
        return living(self.home, self.clock, slot_at=self.slot_at)

    def freeze(self) -> None:
        with self.open() as here:
            self.hub.hear(here)
            obey(here, self.hub.freeze())

    def rebind(self) -> None:
        with self.open() as here:
            self.hub.hear(here)
            obey(here, self.hub.rebind())

    def wipe(self) -> None:
        with self.open() as here:
            self.hub.hear(here)
            obey(here, self.hub.wipe())


def test_freeze_when_ordered_then_the_vault_is_closed_and_the_report_says_done(life: Life) -> None:
    with life.open() as here:
        life.hub.hear(here)
        command = life.hub.freeze()
        obey(here, command)
        with pytest.raises(VaultFrozen):
            _ = here.vault
        report = life.hub.hear(here)
    assert (report.state, report.cause) == (BindingState.FROZEN, Cause.COMMAND)
    assert [(r.command, r.outcome) for r in report.results] == [(command.id, CommandOutcome.DONE)]


def test_freeze_when_done_then_secret_and_wrap_are_gone_and_a_start_finds_it_frozen(life: Life) -> None:
    life.freeze()
    assert not {"secret", "vault.wrap"} & {path.name for path in life.folder.iterdir()}
    with life.open() as here, pytest.raises(VaultFrozen):
        _ = here.vault


def test_freeze_when_a_verdict_is_owed_then_the_outbox_has_it_and_the_vault_is_still_owed_nothing(
    life: Life,
) -> None:
    life.freeze()
    with life.open() as here:
        assert here.outbox.last_seq == 1


def test_rebind_when_frozen_then_the_vault_opens_as_it_was_byte_for_byte(life: Life) -> None:
    life.freeze()
    sealed = {p.name: p.read_bytes() for p in life.folder.rglob("*") if p.suffix in {".db", ".cev"}}
    with life.open() as here:
        life.hub.hear(here)
        here_before = {p.name: p.read_bytes() for p in life.folder.rglob("*") if p.suffix in {".db", ".cev"}}
        obey(here, life.hub.rebind())
        assert (here.place.epoch, here.binding.life.stage) == (2, Bound())
        assert b"".join(here.vault.evidence(1)) == SECRET_WORDS.encode() * 100
    assert sealed["vault.db"] == here_before["vault.db"]


def test_rebind_when_done_then_verdicts_go_on_in_the_new_epoch(life: Life) -> None:
    life.freeze()
    life.rebind()
    with life.open() as here:
        assert here.ledger.record(draft(), None).seq == 2
        assert [entry.epoch for entry in here.outbox.due(after=0, limit=9)] == [1, 2]


def test_rebind_when_repeated_then_it_freezes_and_thaws_again_and_again(life: Life) -> None:
    for epoch in range(2, 6):
        life.freeze()
        life.rebind()
        with life.open() as here:
            assert (here.place.epoch, here.vault.last_seq) == (epoch, 1)


def test_rebind_when_its_nonce_was_not_given_since_the_start_then_refused(life: Life) -> None:
    life.freeze()
    with life.open() as here:
        life.hub.hear(here)
    command = life.hub.rebind()
    with life.open() as here:
        obey(here, command)
        assert here.binding.life.stage == Frozen(Cause.COMMAND)
        assert here.binding.life.results[-1].outcome is CommandOutcome.OLD_NONCE


def test_rebind_when_the_hub_sends_another_freeze_key_then_it_stays_frozen_and_can_be_tried_again(
    life: Life,
) -> None:
    life.freeze()
    right = life.hub.freeze_key
    with life.open() as here:
        life.hub.hear(here)
        life.hub.freeze_key = HubKeys().sealing
        obey(here, life.hub.rebind())
        assert here.binding.life.results[-1].outcome is CommandOutcome.UNOPENED
        life.hub.freeze_key = right
        life.hub.hear(here)
        obey(here, life.hub.rebind())
        assert here.vault.last_seq == 1


def test_wipe_when_two_approved_then_nothing_is_left_of_the_vault(life: Life) -> None:
    with life.open() as here:
        life.hub.hear(here)
        obey(here, life.hub.wipe())
        report = life.hub.hear(here)
    assert (report.state, report.cause) == (BindingState.WIPED, Cause.COMMAND)
    assert report.results[-1].outcome is CommandOutcome.DONE
    left = {path.name for path in life.folder.iterdir()} - {"life", "vault.slot"}
    assert left <= {"grant.json", "outbox.db", "reserve"}
    with life.open() as here:
        assert here.outbox.last_seq == 1


def test_wipe_when_frozen_then_done_too(life: Life) -> None:
    life.freeze()
    life.wipe()
    with life.open() as here:
        assert here.binding.life.stage == Wiped(Cause.COMMAND)


@pytest.mark.parametrize("approvers", [(), (b"operatr1",), (b"operatr1", b"operatr1")])
def test_wipe_when_fewer_than_two_approved_then_the_vault_stays(
    life: Life, approvers: tuple[bytes, ...]
) -> None:
    with life.open() as here:
        life.hub.hear(here)
        obey(here, life.hub.wipe(approvers=approvers))
        assert here.binding.life.results[-1].outcome is CommandOutcome.NOT_APPROVED
        assert here.vault.last_seq == 1


def test_wipe_when_the_vault_is_large_then_it_is_unreadable_within_a_tenth_of_a_second(
    quick_life: Life,
) -> None:
    with (quick_life.folder / "vault.db").open("ab") as file:
        file.truncate(2**30)
    for number in range(200):
        (quick_life.folder / "evidence" / f"{number:032x}.cev").write_bytes(bytes(50_000))
    with quick_life.open() as here:
        quick_life.hub.hear(here)
        command = quick_life.hub.wipe()
        here.binding.order(command)
        here.close_vault()
        began, seen = time.perf_counter(), watched(here, "destroy")
        effect = here.binding.unfinished
        assert effect is not None
        here.binding.perform(effect)
    assert seen[0] - began < 0.1


def test_lease_when_it_ends_then_frozen_and_the_hub_thaws_it(life: Life) -> None:
    life.clock.run(72 * HOUR)
    with life.open() as here:
        assert here.binding.life.stage == Frozen(Cause.LEASE)
    life.rebind()
    with life.open() as here:
        assert here.vault.last_seq == 1


def test_lease_when_renewed_then_it_counts_from_the_question(life: Life) -> None:
    life.clock.run(70 * HOUR)
    with life.open() as here:
        life.hub.hear(here)
        life.clock.run(1 * HOUR)
        here.settle()
        obey(here, life.hub.lease())
        assert here.binding.time_left == pytest.approx(71 * HOUR, abs=1)
        assert here.vault.last_seq == 1


def test_lease_when_the_clock_is_set_ten_years_ahead_then_it_freezes_and_never_destroys(life: Life) -> None:
    life.clock.wall += 3_650 * DAY
    with life.open() as here:
        assert here.binding.life.stage == Frozen(Cause.LEASE)
    life.rebind()
    with life.open() as here:
        assert here.vault.last_seq == 1


def test_lease_when_thirty_days_run_then_the_keys_are_destroyed(life: Life) -> None:
    life.clock.run(30 * DAY)
    with life.open() as here:
        assert here.binding.life.stage == Wiped(Cause.LEASE)


def test_lease_when_rebooted_over_and_over_then_each_boot_counts_ten_minutes(quick_life: Life) -> None:
    for _ in range(72 * 6):
        quick_life.clock.reboot()
        quick_life.open().close()
    with quick_life.open() as here:
        assert here.binding.life.stage == Frozen(Cause.LEASE)


def test_lease_when_the_clock_is_turned_back_each_day_then_nothing_is_gained(quick_life: Life) -> None:
    for _ in range(72):
        quick_life.clock.run(HOUR)
        quick_life.clock.wall -= HOUR
        quick_life.open().close()
    with quick_life.open() as here:
        assert here.binding.life.stage == Frozen(Cause.LEASE)


def watched(home: Home, step: str) -> list[float]:
    """The moments at which a step of the life's files was through."""
    files, moments = home.binding._files, []
    original = getattr(files, step)

    def noted() -> None:
        original()
        moments.append(time.perf_counter())

    setattr(files, step, noted)
    return moments


def copied(life: Life, folder: Path) -> Path:
    shutil.copytree(life.home, folder)
    return folder


def put_back(life: Life, copy: Path, *, slot: bool) -> None:
    """Overwrite the handset's files by an earlier copy of them, its file slot only where `slot` says so."""
    for path in copy.rglob("*"):
        if path.is_file() and (slot or path.name != "vault.slot"):
            (life.home / path.relative_to(copy)).parent.mkdir(exist_ok=True)
            shutil.copy2(path, life.home / path.relative_to(copy))


@pytest.mark.parametrize("way", ["freeze", "wipe", "lease"])
def test_copy_when_put_back_without_the_slot_then_it_does_not_open(
    life: Life, tmp_path: Path, way: str
) -> None:
    copy = copied(life, tmp_path / "copy")
    if way == "lease":
        life.clock.run(72 * HOUR)
        life.open().close()
    else:
        getattr(life, way)()
    put_back(life, copy, slot=False)
    with pytest.raises(FilesPutBack):
        life.open()


@pytest.mark.parametrize("way", ["freeze", "wipe"])
def test_copy_when_put_back_with_a_file_slot_then_it_opens_as_the_threat_model_says(
    tmp_path: Path, way: str
) -> None:
    """The control, and what `rollback_resistant = False` means."""
    life = Life(tmp_path, FileSlot)
    copy = copied(life, tmp_path / "copy")
    getattr(life, way)()
    put_back(life, copy, slot=True)
    with life.open() as here:
        assert here.vault.last_seq == 1


@pytest.mark.parametrize("way", ["freeze", "wipe"])
def test_copy_when_put_back_whole_beside_a_tpm_then_it_does_not_open(
    tpm: SlotAt, tmp_path: Path, way: str
) -> None:
    life = Life(tmp_path, tpm)
    copy = copied(life, tmp_path / "copy")
    getattr(life, way)()
    put_back(life, copy, slot=True)
    with pytest.raises(FilesPutBack):
        life.open()


def test_copy_when_renewed_since_then_it_does_not_open_without_the_slot(life: Life, tmp_path: Path) -> None:
    copy = copied(life, tmp_path / "copy")
    with life.open() as here:
        life.hub.hear(here)
        obey(here, life.hub.lease())
    put_back(life, copy, slot=False)
    with pytest.raises(FilesPutBack):
        life.open()


def test_join_when_the_binding_is_bound_then_another_is_refused(life: Life) -> None:
    grant = HubKeys().grant(create_identity(life.home).handset, binding="0011001100110011")
    with pytest.raises(AlreadyEnrolled, match="unbind it first"):
        join(life.home, grant, clock=life.clock, slot_at=life.slot_at)


def test_join_when_it_is_frozen_and_owes_verdicts_then_it_says_to_deliver_first(life: Life) -> None:
    life.freeze()
    grant = HubKeys().grant(create_identity(life.home).handset, binding="0011001100110011")
    with pytest.raises(AlreadyEnrolled, match="still owes"):
        join(life.home, grant, clock=life.clock, slot_at=life.slot_at)


def test_join_when_it_is_frozen_and_settled_then_another_vault_and_the_old_one_stays_sealed(
    life: Life,
) -> None:
    life.freeze()
    with life.open() as here:
        here.outbox.settle(1, now=0.0)
    grant = HubKeys().grant(create_identity(life.home).handset, binding="0011001100110011")
    old = (life.folder / "vault.db").read_bytes()
    join(life.home, grant, clock=life.clock, slot_at=life.slot_at)
    with life.open() as here:
        assert (here.place.binding, here.vault.last_seq) == ("0011001100110011", 0)
        assert [b.life.state for b in here.bindings.values()] == [BindingState.BOUND, BindingState.FROZEN]
    assert (life.folder / "vault.db").read_bytes() == old
    assert SECRET_WORDS.encode() not in bytes_under(life.home)
