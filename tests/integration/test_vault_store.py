"""The vault keeps everything, opens with its own key alone, and says what is wrong in one sentence."""

from __future__ import annotations

import io
import json
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
import sqlcipher3.dbapi2 as sqlcipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from compline_edge.core.speech import Utterance
from compline_edge.vault.errors import (
    HomeInUse,
    NotEnrolled,
    OutboxFull,
    StorageFailing,
    StorageFull,
    StoresDisagree,
    VaultFrozen,
    VaultLocked,
    VaultTooNew,
)
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.keys import VaultKey
from compline_edge.vault.outbox import Outbox
from compline_edge.vault.store import Vault
from compline_shared.chain import Chain
from compline_shared.taxonomy import Role
from tests.homes import HubKeys, bytes_under, enrolled, opened
from tests.verdicts import draft

VECTORS = Path(__file__).parents[1] / "vectors"
WORDS = "张三丰今天必须还钱"
SAID = Utterance(text=WORDS, role=Role.COLLECTOR, start=1.25, end=3.5, confidence=0.87)
SOURCE = "通话录音@张三丰(12000000000)_20261123.mp3"


def binding_of(home: Path) -> Path:
    return next((home / "bindings").iterdir())


def test_record_when_reopened_then_verdict_text_evidence_and_seen_are_there(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home) as here:
        kept = here.ledger.record(draft(), io.BytesIO(b"sound" * 50_000), utterances=[SAID], source=SOURCE)
    with opened(home) as here:
        assert here.vault.verdict(1) == kept
        assert here.vault.text(1) == [SAID]
        assert b"".join(here.vault.evidence(1)) == b"sound" * 50_000
        assert here.vault.verdict_of(SOURCE) == kept


def test_record_when_source_was_judged_then_first_verdict_again(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path)) as here:
        first = here.ledger.record(draft(), None, source=SOURCE)
        assert here.ledger.record(draft(), None, source=SOURCE) == first
        assert len(here.vault.verdicts()) == 1


def test_record_when_there_is_no_evidence_then_none_is_named(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path)) as here:
        kept = here.ledger.record(draft(), None)
        assert (kept.evidence, list(here.vault.evidence(kept.seq))) == (None, [])


def test_record_when_kept_then_the_hub_reads_the_same(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path)) as here:
        kept = [here.ledger.record(draft(), io.BytesIO(b"x")) for _ in range(3)]
        assert HubKeys().open(here.grant, here.outbox.due(after=0, limit=9)) == kept


def test_record_when_a_segment_is_full_then_another_begins(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path)) as here:
        kept = [here.ledger.record(draft(), None) for _ in range(258)]
        entries = here.outbox.due(after=0, limit=300)
        assert len({entry.enc for entry in entries}) == 2
        assert HubKeys().open(here.grant, entries) == kept


def test_record_when_outbox_is_full_then_nothing_is_kept(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path), outbox_limit=100) as here:
        here.ledger.record(draft(), None)
        with pytest.raises(OutboxFull):
            here.ledger.record(draft(), io.BytesIO(b"x"))
        assert len(here.vault.verdicts()) == 1
        assert list((binding_of(tmp_path / "home") / "evidence").iterdir()) == []


def test_record_when_outbox_has_no_room_on_disk_then_it_moves_over_later(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path)) as here:
        here.outbox._connection.execute("PRAGMA max_page_count = 1")
        kept = [here.ledger.record(draft(), None) for _ in range(40)]
        assert here.outbox.last_seq < 40
        here.outbox._connection.execute("PRAGMA max_page_count = 100000")
        here.ledger.recover()
        assert HubKeys().open(here.grant, here.outbox.due(after=0, limit=100)) == kept


def test_record_when_outbox_file_was_lost_then_it_is_filled_again(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home) as here:
        here.ledger.record(draft(), None)
        here.ledger.record(draft(), None)
    next(home.rglob("outbox.db")).unlink()
    with opened(home) as here:
        here.ledger.record(draft(), None)
        entries = here.outbox.due(after=0, limit=9)
        assert HubKeys().open(here.grant, entries) == here.vault.verdicts()
        assert [entry.seq for entry in entries] == [1, 2, 3]


def test_record_when_vault_lacks_what_a_lost_outbox_had_then_says_so(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home) as here:
        here.ledger.record(draft(), None)
        here.vault._connection.execute("DELETE FROM verdict")
    next(home.rglob("outbox.db")).unlink()
    with opened(home) as here, pytest.raises(StoresDisagree, match="whole copy"):
        here.ledger.record(draft(), None)


def test_home_when_vault_is_older_than_its_outbox_then_says_so(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    opened(home).close()
    old = (binding_of(home) / "vault.db").read_bytes()
    with opened(home) as here:
        here.ledger.record(draft(), None)
    (binding_of(home) / "vault.db").write_bytes(old)
    with pytest.raises(StoresDisagree, match="older than its outbox"):
        opened(home)


def test_record_when_vault_has_no_room_on_disk_then_named_and_nothing_kept(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path)) as here:
        here.vault._connection.execute("PRAGMA max_page_count = 1")
        long = [Utterance(text=WORDS * 2_000, role=Role.OTHER, start=0, end=1, confidence=1.0)]
        with pytest.raises(StorageFull):
            here.ledger.record(draft(), None, utterances=long)
        assert here.vault.verdicts() == []
        here.vault._connection.execute("PRAGMA max_page_count = 100000")
        assert here.ledger.record(draft(), None, utterances=long).seq == 1


def test_record_when_the_disk_failed_then_nothing_is_judged_until_a_write_goes_through(
    tmp_path: Path,
) -> None:
    home = enrolled(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(home) as here:
        here.ledger.record(draft(), io.BytesIO(b"x"))
        log = binding_of(home) / "vault.db-wal"
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
        try:
            with pytest.raises(StorageFailing):
                here.ledger.record(draft(), io.BytesIO(b"y"))
            with pytest.raises(StorageFailing):
                here.ledger.require_room()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        left = len(list(home.rglob("*.cev")))
        here.ledger.require_room()
        assert (left, len(list(home.rglob("*.cev")))) == (2, 1)
        assert here.ledger.record(draft(), io.BytesIO(b"y")).seq == 2


def test_vault_when_slot_key_is_another_then_locked_and_stderr_is_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = enrolled(tmp_path)
    slot = FileSlot(binding_of(home) / "vault.slot")
    slot.put(bytes(32) + slot.get()[32:])
    with pytest.raises(VaultLocked, match="does not open with this handset's key"):
        opened(home)
    assert capfd.readouterr().err == ""


def test_vault_when_file_is_of_another_vault_then_locked_and_stderr_is_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = enrolled(tmp_path / "first"), enrolled(tmp_path / "second")
    opened(first).close()
    opened(second).close()
    (binding_of(first) / "vault.db").write_bytes((binding_of(second) / "vault.db").read_bytes())
    with pytest.raises(VaultLocked, match="does not open with this key"):
        opened(first)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["vault.slot", "vault.wrap", "grant.json"])
def test_home_when_a_file_is_gone_then_says_which(tmp_path: Path, name: str) -> None:
    home = enrolled(tmp_path)
    (binding_of(home) / name).unlink()
    with pytest.raises((VaultLocked, NotEnrolled), match=name):
        opened(home)


@pytest.mark.parametrize("damage", [b"", b"short", bytes(60), bytes(90)])
def test_vault_when_wrap_is_damaged_then_locked(tmp_path: Path, damage: bytes) -> None:
    home = enrolled(tmp_path)
    (binding_of(home) / "vault.wrap").write_bytes(damage)
    with pytest.raises(VaultLocked):
        opened(home)


def test_vault_when_newer_version_wrote_it_then_says_so(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home) as here:
        here.vault._connection.execute("PRAGMA user_version = 99")
    with pytest.raises(VaultTooNew):
        opened(home)


def test_home_when_another_agent_works_there_then_refused(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home), pytest.raises(HomeInUse):
        opened(home)


def test_home_when_closed_then_the_next_agent_gets_in(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home) as first:
        first.ledger.record(draft(), None)
    with opened(home) as second:
        assert [verdict.seq for verdict in second.vault.verdicts()] == [1]


def test_home_when_written_then_only_its_owner_may_read(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home) as here:
        here.ledger.record(draft(), io.BytesIO(b"x"))
        modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")}
        assert modes == {True: 0o700, False: 0o600}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_home_when_searched_then_no_word_number_or_name_in_any_file(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    with opened(home) as here:
        here.ledger.record(draft(), io.BytesIO(b"PLANTED SOUND" * 9_000), utterances=[SAID], source=SOURCE)
        stored = bytes_under(home)  # with the write-ahead logs
    stored += bytes_under(home)
    assert [canary for canary in (WORDS, "PLANTED", "12000000000") if canary.encode() in stored] == []


def test_search_when_control_is_planted_then_found(tmp_path: Path) -> None:
    home = enrolled(tmp_path)
    (home / "leak.tmp").write_text(WORDS, encoding="utf-8")
    assert WORDS.encode() in bytes_under(home)


def test_slot_when_disk_is_full_then_named_and_the_old_key_stands(tmp_path: Path) -> None:
    slot = FileSlot(tmp_path / "slot")
    slot.put(b"\x01" * 32)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        with pytest.raises(StorageFull):
            slot.put(b"\x02" * 32)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert slot.get() == b"\x01" * 32
    assert [path.name for path in tmp_path.iterdir()] == ["slot"]


def test_seen_when_marked_without_verdict_then_seen(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path)) as here:
        here.vault.mark_seen(SOURCE)
        here.vault.mark_seen(SOURCE)
        assert here.vault.has_seen(SOURCE)
        assert here.vault.verdict_of(SOURCE) is None
        assert not here.vault.has_seen("another")


def test_set_aside_when_it_breaks_off_then_nothing_is_seen_and_else_all_is(tmp_path: Path) -> None:
    def breaking() -> Iterator[str]:
        yield "a:1"
        raise StorageFull

    with opened(enrolled(tmp_path)) as here:
        with pytest.raises(StorageFull):
            here.vault.set_aside(breaking())
        assert here.vault.seen_under("a:") == []
        here.vault.set_aside(["a:2", "a:1", "a:1", "a-:3", "b:4"])
        assert here.vault.seen_under("a:") == ["a:1", "a:2"]


def test_vault_when_opened_then_full_sync_wal_and_memory_temporaries(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path)) as here:
        pragma = {
            name: here.vault._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in (
                "synchronous",
                "journal_mode",
                "temp_store",
                "foreign_keys",
                "secure_delete",
                "cipher_memory_security",
            )
        }
        assert pragma == {"synchronous": 2, "journal_mode": "wal", "temp_store": 2, "foreign_keys": 1} | {
            "secure_delete": 1,
            "cipher_memory_security": "1",
        }


def test_vault_when_asked_for_a_verdict_it_has_not_then_none(tmp_path: Path) -> None:
    with opened(enrolled(tmp_path)) as here:
        assert here.vault.verdict(7) is None


def test_vault_when_closed_then_asking_is_an_error_of_the_database(tmp_path: Path) -> None:
    here = opened(enrolled(tmp_path))
    vault = here.vault
    here.close()
    with pytest.raises(sqlcipher.Error):
        vault.verdicts()


def test_home_when_closed_then_there_is_no_vault(tmp_path: Path) -> None:
    here = opened(enrolled(tmp_path))
    here.close()
    with pytest.raises(VaultFrozen):
        _ = here.vault


def test_stores_when_version_one_wrote_them_then_they_open(tmp_path: Path) -> None:
    """tests/vectors/home-v1.zip: two calls with text and evidence, as the first schema kept them.

    The small files around them are of before the first release and are not read any more; the vault's key is taken out
    of its wrap here as that time did it.
    """
    with ZipFile(VECTORS / "home-v1.zip") as stored:
        stored.extractall(tmp_path)
    folder, binding = binding_of(tmp_path / "home"), bytes.fromhex("8899aabbccddeeff")
    handset = json.loads((tmp_path / "home" / "request.json").read_bytes())["handset"]
    slot, wrapped = (folder / "vault.slot").read_bytes(), (folder / "vault.wrap").read_bytes()
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"compline/1 vault wrap" + binding)
    aead = ChaCha20Poly1305(hkdf.derive(slot + bytes(range(96, 128))))
    key = VaultKey(aead.decrypt(wrapped[:12], wrapped[12:], b"compline/1 vault" + binding))
    grant = HubKeys().grant(handset)
    chain = Chain(grant.branch_key, grant.place.binding)
    vault, outbox = Vault(folder, key=key, chain=chain), Outbox(folder / "outbox.db", genesis=chain.genesis)
    try:
        assert [verdict.seq for verdict in vault.verdicts()] == [1, 2]
        assert vault.text(1) == [SAID]
        assert b"".join(vault.evidence(2)) == b"sound" * 100
        assert HubKeys().open(grant, outbox.due(after=0, limit=9)) == vault.verdicts()
    finally:
        vault.close()
        outbox.close()
