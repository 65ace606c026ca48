"""What every key slot promises; run on each adapter."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compline_edge.ports import KeySlot
from compline_edge.vault.errors import VaultLocked
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.tpm_slot import TpmSlot
from tests.attacker import windows
from tests.slots import Chip
from tests.tpm import VARIABLE, require_tpm, running_tpm

CHIP = Chip()
SLOTS: dict[str, Callable[[Path], KeySlot]] = {"file": FileSlot, "chip": CHIP.slot_at, "tpm": TpmSlot}

KEY, OTHER = b"\x01" * 32, b"\x02" * 96


@pytest.fixture(scope="module")
def tpm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with running_tpm(tmp_path_factory.mktemp("tpm")):
        yield


@pytest.fixture(params=SLOTS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], KeySlot]:
    if request.param == "tpm":
        request.getfixturevalue("tpm")
    return lambda: SLOTS[request.param](tmp_path / "slot")


def test_slot_when_put_then_another_instance_gets_it(make: Callable[[], KeySlot]) -> None:
    make().put(KEY)
    assert (make().holds, make().get()) == (True, KEY)


def test_slot_when_replaced_then_only_the_new_key(make: Callable[[], KeySlot]) -> None:
    make().put(KEY)
    make().put(OTHER)
    assert make().get() == OTHER


def test_slot_when_destroyed_then_locked(make: Callable[[], KeySlot]) -> None:
    make().put(KEY)
    make().destroy()
    assert not make().holds
    with pytest.raises(VaultLocked):
        make().get()


def test_slot_when_destroyed_twice_then_it_holds_nothing(make: Callable[[], KeySlot]) -> None:
    make().put(KEY)
    make().destroy()
    make().destroy()
    assert not make().holds


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(97)])
def test_slot_when_content_has_another_length_then_refused(
    make: Callable[[], KeySlot], content: bytes
) -> None:
    with pytest.raises(ValueError, match="32 to 96 bytes"):
        make().put(content)
    assert not make().holds


def test_file_slot_when_asked_then_not_rollback_resistant(tmp_path: Path) -> None:
    assert not FileSlot(tmp_path / "slot").rollback_resistant


def test_file_slot_when_file_is_cut_short_then_locked(tmp_path: Path) -> None:
    (tmp_path / "slot").write_bytes(KEY[:20])
    with pytest.raises(VaultLocked, match="damaged"):
        FileSlot(tmp_path / "slot").get()


def test_file_slot_when_a_copy_is_put_back_then_the_old_key_returns(tmp_path: Path) -> None:
    """What `rollback_resistant = False` means; said in the threat model."""
    slot = FileSlot(tmp_path / "slot")
    slot.put(KEY)
    copy = (tmp_path / "slot").read_bytes()
    slot.put(OTHER)
    (tmp_path / "slot").write_bytes(copy)
    assert slot.get() == KEY


def test_file_slot_when_shown_then_masked(tmp_path: Path) -> None:
    assert repr(FileSlot(tmp_path / "slot")) == "FileSlot(********)"


def test_tpm_slot_when_asked_then_rollback_resistant(tmp_path: Path) -> None:
    assert TpmSlot(tmp_path / "slot").rollback_resistant


def test_tpm_slot_when_its_file_is_put_back_then_the_old_key_does_not_return(
    tpm: None, tmp_path: Path
) -> None:
    slot = TpmSlot(tmp_path / "slot")
    slot.put(KEY)
    copy = (tmp_path / "slot").read_bytes()
    slot.put(OTHER)
    (tmp_path / "slot").write_bytes(copy)
    assert slot.get() == OTHER


def test_tpm_slot_when_destroyed_and_its_file_is_put_back_then_it_holds_nothing(
    tpm: None, tmp_path: Path
) -> None:
    slot = TpmSlot(tmp_path / "slot")
    slot.put(KEY)
    copy = (tmp_path / "slot").read_bytes()
    slot.destroy()
    (tmp_path / "slot").write_bytes(copy)
    assert not slot.holds


def test_tpm_slot_when_its_file_is_read_then_the_content_is_not_in_it(tpm: None, tmp_path: Path) -> None:
    TpmSlot(tmp_path / "slot").put(bytes(range(96)))
    assert not windows([(tmp_path / "slot").read_bytes()]) & windows([bytes(range(96))])


def test_tpm_slot_when_the_owner_asks_then_refused(tpm: None, tmp_path: Path) -> None:
    TpmSlot(tmp_path / "slot").put(KEY)
    index = json.loads((tmp_path / "slot").read_bytes())["index"]
    asked = subprocess.run(["tpm2_nvread", index, "-C", "o", "-s", "97"], capture_output=True, check=False)
    assert (asked.returncode, asked.stdout) == (1, b"")


def test_tpm_slot_when_a_crash_came_before_the_first_write_then_it_holds_nothing_and_takes_one(
    tpm: None, tmp_path: Path
) -> None:
    slot = TpmSlot(tmp_path / "slot")
    slot._allocate()
    assert not slot.holds
    slot.put(KEY)
    assert slot.get() == KEY


def test_tpm_slot_when_the_tpm_is_killed_after_a_write_then_it_is_there(tmp_path: Path) -> None:
    with running_tpm(tmp_path):
        TpmSlot(tmp_path / "slot").put(KEY)
    with running_tpm(tmp_path):
        assert TpmSlot(tmp_path / "slot").get() == KEY


def test_tpm_slot_when_another_tpm_is_asked_then_locked(tpm: None, tmp_path: Path) -> None:
    TpmSlot(tmp_path / "slot").put(KEY)
    with running_tpm(tmp_path / "other"), pytest.raises(VaultLocked, match="holds no key"):
        TpmSlot(tmp_path / "slot").get()


def test_tpm_slot_when_the_index_has_another_authorisation_then_locked_and_said_so(
    tpm: None, tmp_path: Path
) -> None:
    TpmSlot(tmp_path / "slot").put(KEY)
    place = json.loads((tmp_path / "slot").read_bytes())
    (tmp_path / "slot").write_text(json.dumps({**place, "auth": "00" * 32}))
    with pytest.raises(VaultLocked, match="refused"):
        TpmSlot(tmp_path / "slot").get()


def test_tpm_slot_when_the_index_is_somebody_elses_then_it_takes_another(
    tpm: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    TpmSlot(tmp_path / "first").put(KEY)
    taken = int(json.loads((tmp_path / "first").read_bytes())["index"], 16)
    drawn = iter((taken, taken + 1))
    monkeypatch.setattr("secrets.choice", lambda _range: next(drawn))
    TpmSlot(tmp_path / "second").put(OTHER)
    assert (TpmSlot(tmp_path / "first").get(), TpmSlot(tmp_path / "second").get()) == (KEY, OTHER)


def fill(folder: Path) -> None:
    """Put keys into a TPM that others have filled with what is theirs, until it refuses."""
    index, define = 0x0150_0000, ["-s", "2048", "-a", "ownerread|ownerwrite"]
    while (
        subprocess.run(["tpm2_nvdefine", hex(index), *define], capture_output=True, check=False).returncode
        == 0
    ):
        index += 1
    for number in range(64):
        TpmSlot(folder / str(number)).put(KEY)


def test_tpm_slot_when_the_tpm_is_full_then_locked_and_what_is_there_can_still_be_replaced(
    tmp_path: Path,
) -> None:
    with running_tpm(tmp_path):
        TpmSlot(tmp_path / "slot").put(KEY)
        with pytest.raises(VaultLocked, match="no room for another key"):
            fill(tmp_path)
        TpmSlot(tmp_path / "slot").put(OTHER)
        assert TpmSlot(tmp_path / "slot").get() == OTHER


def test_tpm_slot_when_no_tpm_answers_then_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_tpm()
    monkeypatch.setenv(VARIABLE, f"swtpm:path={tmp_path / 'nobody'}")
    with pytest.raises(VaultLocked, match="No TPM answers"):
        TpmSlot(tmp_path / "slot").put(KEY)


def test_tpm_slot_when_the_tools_are_missing_then_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VaultLocked, match="apt-get install tpm2-tools"):
        TpmSlot(tmp_path / "slot").put(KEY)


@pytest.mark.parametrize("content", [KEY, b"{}", b'{"kind": "tpm2-nv", "index": "0x1", "auth": ""}', b""])
def test_tpm_slot_when_the_file_is_another_kinds_then_locked(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "slot").write_bytes(content)
    with pytest.raises(VaultLocked, match="names no place in a TPM"):
        TpmSlot(tmp_path / "slot").get()


def test_file_slot_when_the_file_is_a_tpm_slots_then_locked(tpm: None, tmp_path: Path) -> None:
    TpmSlot(tmp_path / "slot").put(KEY)
    with pytest.raises(VaultLocked, match="damaged"):
        FileSlot(tmp_path / "slot").get()


def test_tpm_slot_when_shown_then_masked(tmp_path: Path) -> None:
    assert repr(TpmSlot(tmp_path / "slot")) == "TpmSlot(********)"
