"""Bindings through everything that can happen to them, on real files and on each kind of key slot."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace as changed
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run
from msgspec.structs import replace

from compline_edge.core import binding_life, lease
from compline_edge.core.binding_life import Bound, Frozen, Life, Wiped, Wiping, done
from compline_edge.vault import binding as vault_binding
from compline_edge.vault import keys
from compline_edge.vault.binding import Binding
from compline_edge.vault.errors import StoresDisagree, VaultLocked
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.home import Home, SlotAt
from compline_edge.vault.identity import join
from compline_edge.vault.slot_record import read_record
from compline_edge.vault.tpm_slot import TpmSlot
from compline_shared.commands import Command, Wipe
from compline_shared.enrolment import Secret
from compline_shared.ids import BindingId
from compline_shared.lease import DAY, HOUR
from compline_shared.messages import Verdict
from compline_shared.place import Place
from tests.lives import LifeHub, TurnedClock, bound, living, obey, roster_grant
from tests.slots import Chip
from tests.tpm import running_tpm
from tests.verdicts import draft

SMALL = ("secret", "vault.wrap", "vault.frozen")
QUICK = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
CONTROL = settings(QUICK, max_examples=200, phases=[Phase.generate], print_blob=False)


class LifeMachine(RuleBasedStateMachine):
    """One handset, its hub, and an attacker who copies files whenever he likes."""

    copies_slot = False  # whether his copies have the slot's own file, where there is one

    @staticmethod
    def slots() -> SlotAt:
        """The kind of slot, in memory of its own where it has one: a simulated chip."""
        return Chip().slot_at

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.slot_at = self.slots()
        self.home, self.hub, self.clock = bound(self.folder, clock=TurnedClock(), slot_at=self.slot_at)
        self.former: list[Former] = []
        self.begin_binding()

    def begin_binding(self) -> None:
        self.here: Home = self.opened()
        self.kept: list[Verdict] = []
        self.commands: list[Command] = []
        self.done: Counter[bytes] = Counter()
        self.copies: list[dict[str, bytes]] = []
        self.running = 0.0  # s since the last renewal, as an independent clock counts
        self.may_wipe = False
        self.hub.hear(self.here)

    def teardown(self) -> None:
        if hasattr(self, "here"):
            self.here.close()
            for folder in (self.home / "bindings").iterdir():
                self.slot_at(folder / "vault.slot").destroy()
            shutil.rmtree(self.folder)

    @property
    def stage(self) -> object:
        return self.here.binding.life.stage

    @rule()
    @precondition(lambda self: self.here.is_open)
    def judge(self) -> None:
        self.kept.append(self.here.ledger.record(draft(), None))

    @rule(kind=st.sampled_from(["freeze", "lease", "wipe", "rebind"]), deliver=st.booleans())
    def command(self, kind: str, deliver: bool) -> None:
        """The hub hears and orders; the order may be withheld on the way."""
        self.hub.hear(self.here)
        if kind == "rebind" and not isinstance(self.stage, Frozen):
            return
        freeze_key = self.hub.freeze_key
        command: Command = getattr(self.hub, kind)()
        if kind == "rebind" and not deliver:
            self.hub.freeze_key = freeze_key  # the hub keeps the epoch's key until the next one is reported
        self.commands.append(command)
        if deliver:
            self.deliver(command)

    @rule(data=st.data())
    @precondition(lambda self: self.commands)
    def replay(self, data: st.DataObject) -> None:
        """Any order of before, late or again."""
        self.deliver(self.commands[data.draw(st.integers(0, len(self.commands) - 1))])

    @rule(approvers=st.sampled_from([(), (b"operatr1",), (b"operatr2", b"operatr2")]))
    def wipe_without_authority(self, approvers: tuple[bytes, ...]) -> None:
        self.hub.hear(self.here)
        self.deliver(self.hub.wipe(approvers=approvers), authorised=False)

    @rule(hours=st.floats(0.1, 80))
    def time_passes(self, hours: float) -> None:
        """Flight mode: the phone runs and hears nothing."""
        self.clock.run(hours * HOUR)
        self.running += hours * HOUR
        self.here.settle()

    @rule(years=st.sampled_from([-10, 10]))
    def clock_is_set(self, years: int) -> None:
        self.clock.wall = max(0.0, self.clock.wall + years * 365 * DAY)
        self.here.settle()

    @rule(off=st.floats(0, 10 * DAY))
    def reboot(self, off: float) -> None:
        self.here.close()
        self.clock.reboot(off=off)
        self.running += 600
        self.here = self.opened()

    @rule(kind=st.sampled_from(["freeze", "wipe"]))
    def killed_before_the_effect(self, kind: str) -> None:
        """Power goes after the record was written, and before anything else was."""
        self.hub.hear(self.here)
        command: Command = getattr(self.hub, kind)()
        self.commands.append(command)
        before = self.here.binding.life
        self.here.binding.order(command)
        self.note(command, before, authorised=True)
        self.here.close()
        self.here = self.opened()

    @rule()
    def copy_files(self) -> None:
        self.copies.append(self.files())

    @rule(data=st.data())
    @precondition(lambda self: self.copies)
    def put_a_copy_back(self, data: st.DataObject) -> None:
        """Earlier files without the chip: they open only if nothing was committed since."""
        copy = self.copies[data.draw(st.integers(0, len(self.copies) - 1))]
        self.here.close()
        now = self.files()
        same = {name: copy.get(name) for name in ("life", *SMALL)} == {
            name: now.get(name) for name in ("life", *SMALL)
        }
        self.write(copy)
        opened = False
        with suppress(VaultLocked, StoresDisagree), self.opened() as here:
            opened = here.is_open  # a wiped binding's record may be an earlier one: there is nothing to open
        assert same or not opened
        self.write(now)
        self.here = self.opened()

    @rule()
    @precondition(lambda self: isinstance(self.stage, Frozen | Wiped))
    def bind_another(self) -> None:
        """Another collector gets the handset, once the hub has what the one before owed."""
        self.here.outbox.settle(len(self.kept), now=0.0)
        binding, place = self.here.binding, self.here.place
        self.here.close()
        self.former.append(Former(binding.folder, tuple(self.commands), (*self.copies, self.files())))
        grant = replace(roster_grant(place.handset), binding=f"{len(self.former):016x}")
        join(self.home, grant, clock=self.clock, slot_at=self.slot_at)
        self.hub = LifeHub(place.handset)
        self.begin_binding()

    @rule(data=st.data())
    @precondition(lambda self: any(it.commands for it in self.former))
    def replay_to_a_former_one(self, data: st.DataObject) -> None:
        """Any order that the binding before was ever given, also one that was withheld."""
        command = data.draw(st.sampled_from([it for former in self.former for it in former.commands]))
        binding = self.here.bindings[command.place.binding]
        effect = binding.order(command, present=False)
        if effect is not None:
            self.here.perform(binding, effect)

    @invariant()
    def former_ones_stay_closed(self) -> None:
        if not hasattr(self, "here"):
            return
        for former in self.former:
            place = self.here.bindings[BindingId(former.folder.name)].life.place
            self.require_unreadable(former.folder, (*former.copies, files_in(former.folder)), place)

    @invariant()
    def no_verdict_is_lost(self) -> None:
        if hasattr(self, "here"):
            assert self.here.outbox.last_seq == len(self.kept)

    @invariant()
    def the_bound_vault_is_whole(self) -> None:
        if hasattr(self, "here") and self.here.is_open:
            assert self.here.vault.verdicts() == self.kept

    @invariant()
    def nothing_is_readable_once_frozen_or_wiped(self) -> None:
        """The attacker has every file there ever was, and the chip as it is now."""
        if not hasattr(self, "here") or isinstance(self.stage, Bound):
            return
        self.require_unreadable(self.here.binding.folder, (*self.copies, self.files()), self.here.place)

    def require_unreadable(self, folder: Path, files: Sequence[Mapping[str, bytes]], place: Place) -> None:
        """Fail where any of these files open a vault with the slot as it is now."""
        slot = self.slot_at(folder / "vault.slot")
        if not slot.holds:
            return
        record = read_record(slot.get())
        for wrapped in {copy["vault.wrap"] for copy in files if "vault.wrap" in copy}:
            for secret in {copy["secret"] for copy in files if "secret" in copy}:
                with pytest.raises(VaultLocked):
                    keys.unwrap(wrapped, slot_key=record.key, secret=Secret(secret), binding=place.binding)

    @invariant()
    def only_who_may_has_changed_it(self) -> None:
        if not hasattr(self, "here"):
            return
        assert max(self.done.values(), default=0) <= 1, "a command was done twice"
        if isinstance(self.stage, Wiping | Wiped):
            assert self.may_wipe or self.running >= 30 * DAY, "wiped without authority"

    def opened(self) -> Home:
        return living(self.home, self.clock, slot_at=self.slot_at)

    def deliver(self, command: Command, *, authorised: bool = True) -> None:
        before = self.here.binding.life
        obey(self.here, command)
        self.note(command, before, authorised=authorised)

    def note(self, command: Command, before: Life, *, authorised: bool) -> None:
        after = self.here.binding.life
        moved = (type(before.stage), before.epoch) != (type(after.stage), after.epoch)
        renewed = type(command.body).__name__ == "Lease" and after.results != before.results
        if moved:
            self.done[command.id] += 1
        if isinstance(command.body, Wipe) and authorised:
            self.may_wipe = True
        if renewed or after.epoch > before.epoch:
            self.running = 0.0
        assert after.counter >= before.counter
        assert after.epoch >= before.epoch
        assert not isinstance(before.stage, Wiped) or isinstance(after.stage, Wiped)

    def files(self) -> dict[str, bytes]:
        files = files_in(self.here.binding.folder)
        if not self.copies_slot:
            files.pop("vault.slot", None)
        return files

    def write(self, files: dict[str, bytes]) -> None:
        folder = self.here.binding.folder
        beyond = {} if self.copies_slot else {n: c for n, c in files_in(folder).items() if n == "vault.slot"}
        shutil.rmtree(folder)
        for name, content in (files | beyond).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


@dataclass(frozen=True, slots=True)
class Former:
    """A binding that made way for another, and all that an attacker has of it."""

    folder: Path
    commands: tuple[Command, ...]
    copies: tuple[dict[str, bytes], ...]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class FileLife(LifeMachine):
    """On a slot that is a file, of which the attacker has no copy."""

    @staticmethod
    def slots() -> SlotAt:
        return FileSlot


class FileStolen(FileLife):
    """On a slot that is a file, copied with the others."""

    copies_slot = True


class TpmLife(LifeMachine):
    """On a TPM: the attacker copies the whole disk."""

    copies_slot = True

    @staticmethod
    def slots() -> SlotAt:
        return TpmSlot


@pytest.mark.parametrize("machine", [LifeMachine, FileLife])
def test_life_when_anything_happens_in_any_order_then_its_promises_hold(machine: type[LifeMachine]) -> None:
    run(machine, settings=QUICK)


def test_life_on_a_tpm_when_the_whole_disk_is_copied_then_its_promises_hold(tmp_path: Path) -> None:
    with running_tpm(tmp_path):
        run(TpmLife, settings=settings(QUICK, max_examples=4))


def test_life_when_the_slot_is_a_file_and_copied_too_then_the_machine_finds_what_is_not_promised() -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception, BaseExceptionGroup)):
        run(FileStolen, settings=CONTROL)


def replays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handset that forgets which counters it has used."""
    order = binding_life.order
    monkeypatch.setattr(
        vault_binding,
        "order",
        lambda life, command, **more: order(replace(life, counter=0, results=()), command, **more),
    )


def wipes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handset that one operator can wipe."""
    monkeypatch.setattr(binding_life, "APPROVERS", 0)


def destroys_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that counts wall-clock time towards destroying."""
    advance = lease.advance

    def by_the_wall(account, reading):  # type: ignore[no-untyped-def]
        counted = advance(account, reading)
        return changed(counted, running=max(counted.running, counted.used))

    monkeypatch.setattr(vault_binding, "advance", by_the_wall)


def keeps_the_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A freezing that leaves the slot's key as it was."""

    def seal(binding: Binding) -> None:
        files, held = binding._files, binding._unwrapped()
        key, place = files.slot_record.key, binding.life.place
        frozen = keys.freeze(held.key, slot_key=key, freeze_key=held.freeze_key, place=place)
        files.commit(
            done(binding.life, binding.life.stage),
            files={"vault.frozen": frozen},
            gone=("secret", "vault.wrap"),
        )

    monkeypatch.setattr(Binding, "_seal", seal)


def forgets_what_is_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wipe that takes the outbox with the vault."""
    monkeypatch.setattr(
        vault_binding,
        "_VAULT_FILES",
        (*vault_binding._VAULT_FILES, "outbox.db", "outbox.db-wal", "outbox.db-shm"),
    )


@pytest.mark.parametrize(
    "broken", [replays, wipes_alone, destroys_by_the_clock, keeps_the_slot, forgets_what_is_owed]
)
def test_life_when_a_rule_is_broken_then_the_machine_finds_it(
    monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None]
) -> None:
    broken(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception, BaseExceptionGroup)):
        run(LifeMachine, settings=CONTROL)
