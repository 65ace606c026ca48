"""A handset written from docs/protocol.md alone works with the hub: the page is enough."""

from __future__ import annotations

import io
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stdout
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.running_hub import hub_settings, running_hub
from tests.stranger import sealing, vault
from tests.stranger.cbor import decode, encode
from tests.stranger.delivery import Pace
from tests.stranger.frames import read
from tests.stranger.handset import Handset
from tests.stranger.orders import BOUND, FROZEN, WIPED
from tests.stranger.pairing import Refused
from tests.stranger.verdict import CALL, CHAT, FULL, Finding, Verdict

HURRY = Pace(linger=0.2, patience=2.0, same_gap=1.0, attempt=0.1)
NOTES = b"what the collector keeps on the handset"
TAKEN, GAP, FORK = 1, 2, 3
PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


class Branch:
    """A hub that people order about by its own command line, and its page."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.settings = folder, hub_settings(folder)
        self._running = ExitStack()
        (folder / "passphrase").write_text("seven made-up words of a passphrase\n")
        self._main = next(iter(entry_points(group="console_scripts", name="compline-hub"))).load()

    def tell(self) -> None:
        """Write the settings where the command line reads them."""
        told = {
            name: getattr(self.settings, name) for name in ("data_dir", "mqtt_port", "pairing_port", "port")
        }
        lines = [f"{name} = {value!r}" for name, value in told.items()]
        (self.folder / "compline.toml").write_text("\n".join(["[hub]", "advertise = false", *lines]))

    def open(self) -> None:
        self.tell()
        self._running.enter_context(running_hub(self.settings))

    def close(self) -> None:
        self._running.close()

    @property
    def passphrase(self) -> tuple[str, str]:
        return "--passphrase-file", str(self.folder / "passphrase")

    def order(self, *words: str, config: bool = True) -> str:
        """What `compline-hub WORDS` says."""
        said = io.StringIO()
        where = ["--config", str(self.folder / "compline.toml")] if config else []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["compline-hub", *words, *where])
            with redirect_stdout(said), pytest.raises(SystemExit) as end:
                self._main()
        assert not end.value.code, said.getvalue()
        return said.getvalue()

    def stranger(self, name: str) -> Handset:
        """Another handset, paired by a code."""
        handset = Handset(self.folder / name, HURRY)
        code = self.order("pair", "--once", "--name", name, "--collector", f"Collector of {name}").split()[1]
        handset.pair(code, "127.0.0.1", self.settings.pairing_port, NOTES)
        return handset

    def seqs(self, handset: Handset) -> list[int]:
        """What the page has of a handset."""
        verdicts = self._page("verdicts?limit=500")["verdicts"]
        return sorted(each["seq"] for each in verdicts if each["handset"] == handset.handset.hex())

    def alarms(self, handset: Handset) -> list[str]:
        """The kinds of alarms that a handset gave."""
        alarms = self._page("handsets")["alarms"]
        return [each["kind"] for each in alarms if each["handset"] == handset.handset.hex()]

    def _page(self, what: str) -> Any:
        return httpx.get(f"http://127.0.0.1:{self.settings.port}/api/{what}").json()


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Branch]:
    branch = Branch(tmp_path_factory.mktemp("branch"))
    branch.open()
    try:
        yield branch
    finally:
        branch.close()


def judge(handset: Handset, count: int, duration: int = 20) -> None:
    """Some calls, in a segment of their own."""
    contact = handset.pseudonym("contact", "+86 139-0000-0000")
    finding = Finding(category=3, severity=2, technique=3, confidence=87, offset=5, entry=312, role=1)
    for number in range(count):
        now = int(time.time())
        findings = (finding,) if number % 3 == 0 else ()
        when = {"started": now, "judged": now + 90, "duration": duration, "speech": 11}
        handset.judge(contact=contact, findings=findings, **when)
    handset.end_segment()


class Wire:
    """Loses the first batch, sends the third twice, and turns the fourth and fifth round."""

    def __init__(self, handset: Handset) -> None:
        self._handset, self._key, self._seen = handset.handset, handset.public_key, set[int]()
        self._held: list[bytes] = []

    def __call__(self, frame: bytes) -> list[bytes]:
        payload = read(frame, "up", self._handset, self._key)
        assert payload is not None
        number = (payload[5] - 1) // 20
        if number in self._seen or number > 4:
            return [frame]
        self._seen.add(number)
        if number == 3:
            self._held.append(frame)
        return {0: [], 2: [frame, frame], 3: [], 4: [frame, *self._held]}.get(number, [frame])


def outcomes(handset: Handset) -> list[int]:
    """Notes the outcome of each receipt from now on."""
    noted: list[int] = []
    take = handset.courier.receipt

    def receipt(payload: list[Any], now: float) -> None:
        noted.append(payload[4])
        take(payload, now)

    handset.courier.receipt = receipt  # type: ignore[method-assign]
    return noted


def test_page_when_its_examples_are_read_then_they_are_what_the_stranger_writes() -> None:
    blocks = re.findall(r"```\n([0-9a-f\n]+)```", PAGE.read_text())
    frames = [bytes.fromhex(block.replace("\n", "")) for block in blocks]
    assert len(frames) > 6
    assert all(encode(decode(frame)) == frame for frame in frames)
    contact, case, evidence = (
        number.to_bytes(size, "big") for number, size in ((1234, 8), (1241, 8), (1234, 32))
    )
    call = Verdict(
        1234, 600, 890, CALL, FULL, 1, True, True, 263, 171, contact, case, evidence, (-21, -12, 5)
    )
    third_party = Finding(3, 3, 3, 87, 81, entry=312, role=1), Finding(3, 2, 3, 87, 140, entry=312, role=1)
    assert replace(call, findings=third_party).encoded(first_seq=1200) in frames
    assert Verdict(1, 300, 300, CHAT, contact=bytes(range(8)), messages=1).encoded() in frames


def test_pairing_when_the_code_is_another_then_neither_side_believes(branch: Branch) -> None:
    handset = Handset(branch.folder / "Desk 0", HURRY)
    code = branch.order("pair", "--once", "--name", "Desk 0", "--collector", "Collector of Desk 0").split()[1]
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(Refused, match="wrong proof, 2 tries left"):
        handset.pair(wrong, "127.0.0.1", branch.settings.pairing_port, NOTES)
    assert handset.memory.get("binding") is None
    handset.pair(code.lower(), "127.0.0.1", branch.settings.pairing_port, NOTES)
    handset.renew()
    judge(handset, 1)
    assert handset.settles()
    handset.close()


def test_delivery_when_batches_are_lost_doubled_and_turned_round_then_all_settles(branch: Branch) -> None:
    handset = branch.stranger("Desk 1")
    noted = outcomes(handset)
    handset.mangle = Wire(handset)
    for _ in range(5):
        judge(handset, 20)
    assert handset.until(lambda: GAP in noted)
    handset.lose()
    judge(handset, 20)
    assert handset.settles()
    assert handset.memory.settled == 120
    assert branch.seqs(handset) == list(range(1, 121))
    assert set(noted) == {TAKEN, GAP}
    handset.close()
    again = Handset(branch.folder / "Desk 1", HURRY)
    judge(again, 3)
    assert again.settles()
    assert branch.seqs(again) == list(range(1, 124))
    again.close()


def test_binding_when_frozen_and_bound_again_then_the_vault_shuts_and_opens(branch: Branch) -> None:
    handset = branch.stranger("Desk 2")
    judge(handset, 5)
    branch.order("unbind", "Desk 2")
    assert handset.until(lambda: handset.binding.state == FROZEN)
    with pytest.raises(vault.Shut):
        vault.read(handset.memory)
    assert handset.settles()
    branch.order("rebind", "Desk 2")
    assert handset.until(lambda: handset.binding.state == BOUND)
    assert vault.read(handset.memory) == NOTES
    judge(handset, 5)
    assert handset.settles()
    assert branch.seqs(handset) == list(range(1, 11))
    assert "bound" in branch.order("commands", "Desk 2").splitlines()[-1]
    handset.close()


@pytest.mark.parametrize(("what", "answers"), [("chain key", [FORK]), ("associated data", [])])
def test_control_delivery_with_something_wrong_then_the_hub_takes_nothing(
    branch: Branch, what: str, answers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    handset = branch.stranger(f"Wrong {what}")
    if what == "chain key":
        handset.memory.put(chain_key=bytes(32), genesis=sealing.genesis(bytes(32)))
    else:
        monkeypatch.setattr(sealing, "associated", lambda *_: b"")
    noted = outcomes(handset)
    judge(handset, 5)
    handset.until(lambda: bool(answers) and handset.courier.stopped, 1.5)
    assert branch.seqs(handset) == []
    assert noted == answers
    assert handset.courier.stopped == bool(answers)
    assert handset.memory.settled == 0
    handset.close()


def test_delivery_when_the_handset_was_copied_then_a_fork_is_noticed_on_both_sides(branch: Branch) -> None:
    handset = branch.stranger("Desk 3")
    judge(handset, 10)
    assert handset.settles()
    handset.close()
    shutil.copytree(branch.folder / "Desk 3", branch.folder / "copy")
    handset = Handset(branch.folder / "Desk 3", HURRY)
    judge(handset, 3)
    assert handset.settles()
    assert branch.alarms(handset) == []
    handset.close()
    copy = Handset(branch.folder / "copy", HURRY)
    noted = outcomes(copy)
    judge(copy, 2, duration=60)
    assert copy.until(lambda: copy.courier.stopped)
    assert noted == [FORK]
    assert branch.alarms(copy) == ["fork"]
    assert branch.seqs(copy) == list(range(1, 14))
    copy.close()


def test_binding_when_two_operators_approve_a_wipe_then_only_what_is_owed_is_left(branch: Branch) -> None:
    handset = branch.stranger("Desk 4")
    for name in ("Lin", "Mei"):
        key = str(branch.folder / f"{name}.key")
        branch.order("operator", "new", name, "--out", key, *branch.passphrase, config=False)
        branch.order("operator", "add", f"{key}.pub")
    assert handset.until(lambda: "done" in branch.order("commands", "Desk 4", "--limit", "1"))
    assert len(handset.memory.get("operators")) == 2
    judge(handset, 5)
    (wipe,) = re.findall(r"Command\s+([0-9a-f]{12});", branch.order("wipe", "Desk 4", "--yes"))
    for name in ("Lin", "Mei"):
        branch.order("approve", wipe, "--key", str(branch.folder / f"{name}.key"), *branch.passphrase)
    assert handset.until(lambda: handset.binding.state == WIPED)
    with pytest.raises(vault.Shut):
        vault.read(handset.memory)
    assert handset.settles()
    assert branch.seqs(handset) == list(range(1, 6))
    handset.close()


def test_delivery_when_the_hub_comes_from_a_backup_then_it_asks_again_and_is_made_whole(
    branch: Branch,
) -> None:
    handset = branch.stranger("Desk 5")
    judge(handset, 10)
    assert handset.settles()
    backup = str(branch.folder / "backup")
    branch.order("backup", backup, *branch.passphrase)
    judge(handset, 10)
    assert handset.settles()
    branch.close()
    branch.settings = msgspec.structs.replace(branch.settings, data_dir=str(branch.folder / "restored"))
    branch.tell()
    branch.order("restore", backup, *branch.passphrase)
    branch.open()
    noted = outcomes(handset)
    assert handset.until(lambda: GAP in noted, 20.0)  # nothing new to send: its report is asked about
    assert handset.settles()
    assert branch.seqs(handset) == list(range(1, 21))
    assert branch.alarms(handset) == []
    handset.close()
