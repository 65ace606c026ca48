"""The officer finds deposited evidence by handset, collector and time, and the file of each verdict."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from compline_hub.cli import app
from compline_hub.core.evidence import Listing
from compline_hub.errors import NoSuchEvidence
from compline_hub.service.evidence import Wanted, find_evidence
from compline_hub.store.evidence_files import EvidenceFiles
from compline_hub.store.officer_files import make_officer
from compline_shared.masking import CiphertextDigest
from compline_shared.message_frame import encode_message
from compline_shared.messages import Finding, Verdict
from compline_shared.sealed import seal
from compline_shared.sealed_file import sealed
from compline_shared.taxonomy import Category, Kind, Severity
from compline_shared.transfer import Offer
from tests.branch_store import Branch, branch
from tests.wire_handset import STARTED, WireHandset, draft, finding

PASSPHRASE = "correct horse battery"
SAID = "王小明欠款".encode() * 20_000
DAY = 86_400


@dataclass(slots=True)
class Office:
    """A branch, its officer, and what lies on its disk."""

    branch: Branch
    files: EvidenceFiles
    officer: bytes
    folder: Path

    def handset(self, name: str, collector: str) -> WireHandset:
        handset = WireHandset()
        handset.join(self.branch.hub.enrolment.enrol(handset.request, name=name, collector=collector))
        return handset

    def sealed(self, handset: WireHandset, said: bytes = SAID) -> tuple[Offer, bytes]:
        """A piece as a handset seals it."""
        name, key = os.urandom(16), os.urandom(32)
        content = b"".join(part for part, _ in sealed(io.BytesIO(said).read, name=name, key=key))
        place = handset.grant.place
        who, binding = bytes.fromhex(place.handset), bytes.fromhex(place.binding)
        officer = X25519PublicKey.from_public_bytes(self.officer)
        offer = Offer(
            handset=who,
            binding=binding,
            evidence=name,
            digest=hashlib.sha256(content).digest(),
            size=len(content),
            sealed_key=seal(key, officer, use="evidence", place=(who, binding, name)),
        )
        return offer, content

    def deposit(self, offer: Offer, content: bytes) -> Path:
        self.files.append(offer, content)
        assert self.files.finish(offer)
        return self.place(offer)

    def place(self, offer: Offer) -> Path:
        folder = self.branch.hub.settings.data / "evidence" / offer.binding.hex()
        return folder / f"{offer.evidence.hex()}.cev"

    def judge(self, handset: WireHandset, *drafts: Verdict) -> None:
        first = len(handset.verdicts) + 1
        handset.judge(*drafts)
        self.branch.hear(handset, handset.frame(first))

    def kept(self, handset: WireHandset, *findings: Finding, started: int = STARTED) -> Path:
        """A verdict with its evidence, both at the hub; returns the file."""
        offer, content = self.sealed(handset)
        evidence = CiphertextDigest(offer.digest)
        self.judge(handset, draft(*(findings or (finding(),)), started=started, evidence=evidence))
        return self.deposit(offer, content)

    def found(self, **wanted: object) -> Listing:
        return find_evidence(self.branch.hub.reading, self.files, Wanted(**wanted))  # type: ignore[arg-type]

    def run(self, *arguments: str) -> Result:
        environment = {"COMPLINE_HUB_DATA_DIR": self.branch.hub.settings.data_dir, "COLUMNS": "60"}
        return CliRunner(env=environment).invoke(app, ["officer", *arguments])


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.chdir(tmp_path)
    officer = make_officer(tmp_path / "officer.key", passphrase=PASSPHRASE)
    with branch(tmp_path) as opened:
        files = EvidenceFiles(opened.hub.settings.data / "evidence")
        yield Office(opened, files, officer, tmp_path)


def files_of(listing: Listing) -> list[str]:
    return [listed.piece.file for listed in listing.pieces]


def test_evidence_when_listed_then_its_handset_collector_verdict_and_file(office: Office) -> None:
    handset = office.handset("Desk 7", "Li Wei")
    office.judge(handset, draft())
    file = office.kept(handset, finding(), finding(Category.ABUSE, Severity.NOTICE), finding(entry=2002))

    (listed,) = office.found().pieces

    assert (listed.holding.handset_name, listed.holding.collector) == ("Desk 7", "Li Wei")
    assert (listed.piece.file, listed.piece.size) == (str(file), file.stat().st_size)
    assert listed.verdict is not None
    assert (listed.verdict.seq, listed.at, listed.verdict.kind) == (2, STARTED, Kind.CALL)
    assert listed.verdict.severity is Severity.SERIOUS
    assert listed.verdict.categories == (Category.THREAT, Category.ABUSE)


def test_evidence_when_listed_on_the_command_line_then_the_file_opens_for_the_officer(office: Office) -> None:
    file = office.kept(office.handset("Desk [7]", "Li Wei"))
    passphrase = office.folder / "pass"
    passphrase.write_text(PASSPHRASE)

    told = office.run("list").stdout.splitlines()
    out, key = office.folder / "recording", office.folder / "officer.key"
    opening = ("--key", str(key), "--out", str(out), "--passphrase-file", str(passphrase))
    opened = office.run("open", told[1].strip(), *opening)

    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(STARTED))
    size = f"{file.stat().st_size:,} bytes"
    assert told == [
        f"{when}  Desk [7]  Li Wei  verdict 1  call  serious: threat  {size}",
        f"    {file}",
    ]
    assert opened.exit_code == 0, opened.output
    assert out.read_bytes() == SAID


def test_evidence_when_a_verdicts_is_not_here_then_counted_at_the_end(office: Office) -> None:
    handset = office.handset("Desk 7", "Li Wei")
    file = office.kept(handset)
    owed = [office.sealed(handset)[0] for _ in range(2)]
    office.judge(handset, *(draft(evidence=CiphertextDigest(offer.digest)) for offer in owed), draft())

    found = office.found()

    assert (files_of(found), found.absent) == ([str(file)], 2)
    assert office.run("list").stdout.endswith("Verdicts whose evidence is not here (yet): 2\n")


def test_evidence_when_only_a_part_has_come_then_not_listed(office: Office) -> None:
    handset = office.handset("Desk 7", "Li Wei")
    offer, content = office.sealed(handset)
    office.judge(handset, draft(evidence=CiphertextDigest(offer.digest)))
    office.files.append(offer, content[:1000])

    assert office.found() == Listing(absent=1)


def test_evidence_when_asked_for_one_handset_or_collector_then_theirs_alone(office: Office) -> None:
    first, second = office.handset("Desk 7", "Li Wei"), office.handset("Desk 8", "Wang Fang")
    one, other = office.kept(first), office.kept(second, started=STARTED + 60)
    owed, _ = office.sealed(second)
    office.judge(second, draft(evidence=CiphertextDigest(owed.digest)))

    assert files_of(office.found()) == [str(one), str(other)]
    assert files_of(office.found(handset="Desk 7")) == [str(one)]
    assert files_of(office.found(handset=second.id[:6])) == [str(other)]
    assert files_of(office.found(collector="Wang Fang")) == [str(other)]
    assert [office.found(collector=who).absent for who in ("Li Wei", "Wang Fang")] == [0, 1]


def test_evidence_when_its_handset_was_removed_then_found_by_its_name_all_the_same(office: Office) -> None:
    handset = office.handset("Desk 7", "Li Wei")
    file = office.kept(handset)
    office.branch.hub.enrolment.remove(handset.id, by="ada")

    assert files_of(office.found(handset="Desk 7")) == [str(file)]


def test_evidence_when_asked_since_a_day_then_what_was_recorded_from_it_on(office: Office) -> None:
    handset = office.handset("Desk 7", "Li Wei")
    office.kept(handset, started=STARTED - DAY)
    later = office.kept(handset, started=STARTED)
    owed, _ = office.sealed(handset)
    office.judge(handset, draft(evidence=CiphertextDigest(owed.digest), started=STARTED - DAY))

    found = office.found(since=STARTED)
    told = office.run("list", "--since", time.strftime("%Y-%m-%dT%H:%M", time.localtime(STARTED))).stdout

    assert (files_of(found), found.absent) == ([str(later)], 0)
    assert [line.strip() for line in told.splitlines()][1:] == [str(later)]


def test_evidence_when_its_verdict_has_not_come_then_listed_by_when_it_came(office: Office) -> None:
    handset = office.handset("Desk 7", "Li Wei")
    file = office.deposit(*office.sealed(handset))
    os.utime(file, (STARTED, STARTED))

    (listed,) = office.found().pieces

    assert (listed.verdict, listed.at, listed.piece.digest is None) == (None, STARTED, False)
    assert "its verdict is not here yet" in office.run("list").stdout
    assert office.found(since=STARTED + 1) == Listing()


def test_evidence_when_a_later_pass_superseded_its_verdict_then_said(office: Office) -> None:
    handset = office.handset("Desk 7", "Li Wei")
    office.kept(handset)
    office.judge(handset, draft(supersedes=1))

    assert "(a later pass superseded it)" in office.run("list").stdout


@pytest.mark.parametrize("beside", ["nothing", "another's", "damaged", "size"])
def test_evidence_when_no_sound_offer_lies_beside_it_then_said_that_it_cannot_be_opened(
    office: Office, beside: str
) -> None:
    handset = office.handset("Desk 7", "Li Wei")
    file = office.kept(handset)
    other, _ = office.sealed(handset)
    whole = file.with_suffix(".cek").read_bytes()
    mine = replace(other, evidence=bytes.fromhex(file.stem))
    file.with_suffix(".cek").write_bytes(
        {
            "nothing": b"",
            "another's": encode_message(other),
            "damaged": whole[:-1],
            "size": encode_message(replace(mine, size=mine.size + 1)),
        }[beside]
    )

    found = office.found()

    assert [(listed.piece.digest, listed.verdict) for listed in found.pieces] == [(None, None)]
    assert found.absent == 1
    assert "no sound .cek lies beside it" in office.run("list").stdout


def test_evidence_when_the_database_knows_no_such_binding_then_listed_without_names(
    office: Office,
) -> None:
    offer, content = office.sealed(office.handset("Desk 7", "Li Wei"))
    stray = replace(offer, binding=bytes(8))
    file = office.deposit(stray, content)
    (file.parents[1] / "notes").mkdir()

    assert [listed.holding.handset_name for listed in office.found().pieces] == [None]
    assert files_of(office.found(handset="Desk 7")) == []
    assert "unknown handset  unknown collector" in office.run("list").stdout


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [({"handset": "Desk 8"}, "No handset goes or went"), ({"collector": "Wang Fang"}, "that collector's")],
)
def test_evidence_when_nobody_goes_by_that_name_then_said(
    office: Office, wanted: dict[str, str], sentence: str
) -> None:
    office.kept(office.handset("Desk 7", "Li Wei"))

    with pytest.raises(NoSuchEvidence, match=sentence):
        office.found(**wanted)


def test_list_when_there_are_more_than_its_limit_then_the_newest_and_how_many_are_left_out(
    office: Office,
) -> None:
    handset = office.handset("Desk 7", "Li Wei")
    newest = [office.kept(handset, started=STARTED + number) for number in range(3)][-1]

    told = office.run("list", "--limit", "1").stdout.splitlines()

    assert told[1:] == [f"    {newest}", "2 older pieces are not shown; see --limit and --since."]


def test_list_when_nothing_was_deposited_then_said(office: Office) -> None:
    assert office.run("list").stdout == "No such evidence lies here.\n"
