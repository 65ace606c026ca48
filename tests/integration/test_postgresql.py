"""What a hub asks of PostgreSQL, and what a person reads where it does not get it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from compline_hub.app import init_hub, open_hub
from compline_hub.core.audit import Act
from compline_hub.errors import HubNotReady
from compline_hub.safekeeping import back_up, restore
from compline_hub.service.restoring import COUNTER_STEP
from compline_hub.settings import HubSettings
from compline_hub.store.engine import migrate, open_engine
from tests.branch_store import branch
from tests.postgres_server import MISSING, Database, PostgresServer, postgres_programs, postgres_server

pytestmark = pytest.mark.skipif(postgres_programs() is None, reason=MISSING)

WITHOUT_DRIVER = "import sys; sys.modules['psycopg'] = None; from compline_hub.cli import app; app()"
PASSPHRASE = "correct horse battery"


@pytest.fixture
def careless(postgres: PostgresServer) -> Database:
    """A database whose own default is that a commit does not wait for the disk."""
    made = postgres.database()
    postgres.run(f"ALTER DATABASE {made.name} SET synchronous_commit = off")
    postgres.run(f"ALTER DATABASE {made.name} SET default_transaction_isolation = 'serializable'")
    return made


def test_engine_when_the_databases_default_is_careless_then_commits_are_on_the_disk_when_they_return(
    careless: Database,
) -> None:
    engine = open_engine(careless.url, writing=True)

    with engine.connect() as connection:
        found = [
            connection.execute(text(f"SHOW {name}")).scalar()
            for name in ("synchronous_commit", "transaction_isolation")
        ]
    engine.dispose()

    assert found == ["on", "read committed"]
    assert careless.server is not None  # control: the default is not that
    assert careless.server.run("SHOW synchronous_commit", database=careless.name) == [("off",)]


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_hub_when_the_server_keeps_nothing_over_a_power_cut_then_it_is_not_opened(setting: str) -> None:
    with postgres_server(**{setting: "off"}) as server:
        engine = open_engine(server.database().url, writing=True)
        with pytest.raises(HubNotReady, match=f"{setting}=off"):
            migrate(engine)
        engine.dispose()


def test_hub_when_the_server_is_away_then_the_error_says_so_and_names_no_password(tmp_path: Path) -> None:
    url = f"postgresql://hub:geheim@/hub?host={tmp_path}"

    with pytest.raises(HubNotReady, match="that PostgreSQL runs") as raised:
        init_hub(HubSettings(data_dir=str(tmp_path / "hub"), database=url))

    assert "geheim" not in str(raised.value)


def test_hub_when_the_driver_is_not_installed_then_the_error_names_the_extra(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "COMPLINE_HUB_DATABASE": "postgresql://hub@/hub",
        "COMPLINE_HUB_DATA_DIR": str(tmp_path / "hub"),
    }

    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_DRIVER, "init"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 1
    assert 'pip install "compline-hub[postgresql]"' in ran.stderr
    assert "Traceback" not in ran.stderr


def test_engine_when_it_is_for_reading_then_nothing_is_written_and_all_it_reads_is_of_one_moment(
    postgres: PostgresServer,
) -> None:
    made = postgres.database()
    writer, reader = open_engine(made.url, writing=True), open_engine(made.url, writing=False)
    migrate(writer)
    count = text("SELECT count(*) FROM collector")
    with reader.connect() as reading:
        before = reading.execute(count).scalar()
        with writer.begin() as writing:
            writing.execute(text("INSERT INTO collector (id, name, made) VALUES ('1', 'Li Wei', 1)"))
        after = reading.execute(count).scalar()
    with reader.connect() as reading:
        later = reading.execute(count).scalar()
        with pytest.raises(Exception, match="read-only transaction"):
            reading.execute(text("DELETE FROM collector"))
    writer.dispose()
    reader.dispose()

    assert (before, after, later) == (0, 0, 1)


def test_backup_when_the_store_is_postgresql_then_the_restored_hub_goes_on_above_all_that_it_has_signed(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    made = postgres.database()
    with branch(tmp_path, database=made.url) as office:
        fingerprint, binding = office.hub.keys.fingerprint, office.handset().grant.place.binding
        done = back_up(office.hub.settings, tmp_path / "backup", passphrase=PASSPHRASE, by="ada")
    there = HubSettings(data_dir=str(tmp_path / "back"), database=made.copied().url)

    brought = restore(there, tmp_path / "backup", passphrase=PASSPHRASE, by="bo")

    for _ in range(2):  # it is marked once
        with open_hub(there) as hub, hub.store.transaction() as ledger:
            signed = ledger.book.standing(binding).signed
            acts = [(kept.entry.who, kept.entry.act) for kept in ledger.audit.entries()]
            assert hub.keys.fingerprint == fingerprint
            assert signed == COUNTER_STEP
            assert acts[-2:] == [("ada", Act.BACKED_UP), ("bo", Act.RESTORED)]
    assert (done.database, brought.database) == (False, False)


def test_restored_hub_when_its_database_is_not_back_then_nothing_is_made_in_its_place(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    here = HubSettings(data_dir=str(tmp_path / "hub"), database=postgres.database().url)
    init_hub(here)
    back_up(here, tmp_path / "backup", passphrase=PASSPHRASE, by="ada")
    empty = postgres.database()
    there = HubSettings(data_dir=str(tmp_path / "back"), database=empty.url)
    restore(there, tmp_path / "backup", passphrase=PASSPHRASE, by="ada")

    for opens in (lambda: init_hub(there), lambda: open_hub(there).__enter__()):
        with pytest.raises(HubNotReady, match="pg_restore first"):
            opens()

    assert postgres.run(
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database=empty.name
    ) == [(0,)]
