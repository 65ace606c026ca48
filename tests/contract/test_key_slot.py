"""What every key slot promises; run on each adapter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compline_edge.ports import KeySlot
from compline_edge.vault.errors import VaultLocked
from compline_edge.vault.file_slot import FileSlot
from tests.slots import Chip

CHIP = Chip()
SLOTS: list[Callable[[Path], KeySlot]] = [
    lambda folder: FileSlot(folder / "slot"),
    lambda folder: CHIP.slot_at(folder / "slot"),
]

KEY, OTHER = b"\x01" * 32, b"\x02" * 96


@pytest.fixture(params=SLOTS, ids=["file", "chip"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], KeySlot]:
    return lambda: request.param(tmp_path)


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
