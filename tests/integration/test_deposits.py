"""Sealed evidence reaches the hub's disk whole, however often the line breaks, and opens for the officer alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from compline_edge.core.conditions import Conditions, Network
from compline_edge.depositing import Depositor
from compline_edge.link.deposit import CHUNK, NotTaken, deposit_at
from compline_edge.link.errors import Unreachable
from compline_edge.ports import Address
from compline_edge.vault.evidence import OwedEvidence, owed_evidence, place_of
from compline_edge.vault.home import Home, open_home
from compline_hub.cli import app
from compline_hub.store.officer_files import make_officer
from compline_shared.transfer import Decline, Offer
from tests.branch import Told, until
from tests.homes import SystemClock
from tests.pairing_hub import PairingHub, handset, joined, pairing_hub
from tests.running_hub import hub_settings
from tests.verdicts import draft

PASSPHRASE = "correct horse battery"
RECORDING = "王小明欠款".encode() * 30_000
"""What was said, seven chunks long."""


@dataclass(slots=True)
class Branch:
    """A hub whose officer has a key, and a handset of it with one recording."""

    hub: PairingHub
    home: Home
    folder: Path

    @property
    def address(self) -> Address:
        return Address(*self.hub.address)

    @property
    def evidence(self) -> Path:
        return self.home.binding.folder / "evidence"

    @property
    def piece(self) -> OwedEvidence:
        (piece,) = owed_evidence(self.evidence)
        return piece

    def offer(self, **changes: object) -> Offer:
        life, piece = self.home.binding.life, self.piece
        fields = {
            "handset": life.handset,
            "binding": life.binding,
            "evidence": piece.id,
            "digest": piece.digest,
            "size": piece.size,
            "sealed_key": piece.sealed_key,
        }
        return Offer(**(fields | changes))  # type: ignore[arg-type]

    def deposit(self, offer: Offer, *, chunks: int = 1_000) -> None:
        """Send until the receipt is here, or break off after so many chunks."""
        sent = count()
        with place_of(self.evidence, self.piece.id).open("rb") as source:
            deposit_at(
                self.address,
                self.home.hub_keys,
                offer,
                identity=self.home.identity,
                source=source,
                go_on=lambda: next(sent) < chunks,
            )

    def kept(self) -> dict[str, bytes]:
        """What lies on the hub's disk, by suffix."""
        folder = self.hub.settings.data / "evidence"
        return {path.suffix: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def branch(folder: Path, *, officer: bool = True) -> Iterator[Branch]:
    key = make_officer(folder / "officer.key", passphrase=PASSPHRASE).hex() if officer else ""
    settings = hub_settings(folder, officer_key=key)
    with pairing_hub(folder, settings=settings) as hub:
        phone = handset(folder)
        joined(phone, hub.offer().invitation)
        with open_home(phone.home_folder, clock=SystemClock()) as home:
            home.ledger.record(draft(), io.BytesIO(RECORDING))
            yield Branch(hub, home, folder)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Branch]:
    with branch(tmp_path) as there:
        yield there


def officer(folder: Path, *arguments: str) -> Result:
    (folder / "pass").write_text(PASSPHRASE)
    return CliRunner().invoke(app, ["officer", *arguments, "--passphrase-file", str(folder / "pass")])


def test_deposit_when_made_then_the_hub_has_the_very_file_and_the_handset_owes_nothing(here: Branch) -> None:
    sealed = place_of(here.evidence, here.piece.id).read_bytes()
    here.deposit(here.offer())
    assert here.kept()[".cev"] == sealed
    assert RECORDING[:30] not in b"".join(here.kept().values())


def test_deposit_when_opened_by_the_officer_then_what_was_recorded(here: Branch) -> None:
    here.deposit(here.offer())
    (file,) = (here.hub.settings.data / "evidence").rglob("*.cev")
    out, key = here.folder / "recording", here.folder / "officer.key"
    done = officer(here.folder, "open", str(file), "--key", str(key), "--out", str(out))
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == RECORDING


def test_deposit_when_opened_by_another_key_then_nothing_and_it_is_said(here: Branch) -> None:
    here.deposit(here.offer())
    (file,) = (here.hub.settings.data / "evidence").rglob("*.cev")
    make_officer(here.folder / "other.key", passphrase=PASSPHRASE)
    out, key = here.folder / "recording", here.folder / "other.key"
    done = officer(here.folder, "open", str(file), "--key", str(key), "--out", str(out))
    assert (done.exit_code, out.exists()) == (1, False)
    assert "another officer's key" in done.output


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_deposit_when_the_line_breaks_then_the_next_goes_on_where_the_hub_is(
    here: Branch, chunks: int
) -> None:
    with pytest.raises(Unreachable):
        here.deposit(here.offer(), chunks=chunks)
    begun = len(here.kept().get(".part", b""))
    sent = count()
    with place_of(here.evidence, here.piece.id).open("rb") as source:
        deposit_at(
            here.address,
            here.home.hub_keys,
            here.offer(),
            identity=here.home.identity,
            source=source,
            go_on=lambda: next(sent) >= 0,
        )
    assert begun == chunks * CHUNK
    assert next(sent) == -(-here.piece.size // CHUNK) - chunks


def test_deposit_when_made_twice_then_receipted_twice_and_kept_once(here: Branch) -> None:
    here.deposit(here.offer())
    here.deposit(here.offer(), chunks=0)
    assert sorted(here.kept()) == [".cek", ".cev"]


def test_deposit_when_the_file_is_not_what_was_offered_then_declined_and_forgotten(here: Branch) -> None:
    with pytest.raises(NotTaken) as refused:
        here.deposit(here.offer(digest=bytes(32)))
    assert (refused.value.reason, here.kept()) == (Decline.DAMAGED, {})


@pytest.mark.parametrize("change", [{"binding": bytes(8)}, {"handset": bytes(8)}], ids=["binding", "handset"])
def test_deposit_when_it_is_not_of_this_hubs_handset_then_declined(
    here: Branch, change: dict[str, bytes]
) -> None:
    with pytest.raises(NotTaken) as refused:
        here.deposit(here.offer(**change))
    assert (refused.value.reason, here.kept()) == (Decline.UNKNOWN, {})


def test_deposit_when_another_signed_the_offer_then_declined(here: Branch) -> None:
    other = type(here.home.identity)(
        signing=Ed25519PrivateKey.generate(),
        tls=here.home.identity.tls,
    )
    here.home.identity = other
    with pytest.raises(NotTaken) as refused:
        here.deposit(here.offer())
    assert refused.value.reason is Decline.UNKNOWN


def test_deposit_when_the_branch_names_no_officer_then_nothing_is_sealed_to_one(tmp_path: Path) -> None:
    with branch(tmp_path, officer=False) as there:
        assert owed_evidence(there.evidence) == []


async def test_depositor_when_it_runs_then_what_is_owed_is_sent_and_the_vault_keeps_its_own(
    here: Branch,
) -> None:
    async def find() -> list[Address]:
        return [here.address]

    depositor = Depositor(here.home, find=find)
    await depositor._round()
    await until(lambda: owed_evidence(here.evidence) == [])
    assert b"".join(here.home.vault.evidence(1)) == RECORDING


@pytest.mark.parametrize("poor", [Conditions(Network.METERED), Conditions(battery_low=True)])
async def test_depositor_when_bytes_or_power_are_dear_then_evidence_waits_for_better_times(
    here: Branch, poor: Conditions
) -> None:
    async def find() -> list[Address]:
        return [here.address]

    surroundings = Told(poor)
    depositor = Depositor(here.home, find=find, surroundings=surroundings)
    await depositor._round()
    waited = len(owed_evidence(here.evidence))
    surroundings.conditions = Conditions()
    await depositor._round()
    assert (waited, len(owed_evidence(here.evidence))) == (1, 0)
