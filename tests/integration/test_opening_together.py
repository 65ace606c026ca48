"""Who makes a hub's tables holds its database: a log beside it is written again before, and by nobody meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from compline_hub import office
from compline_hub.core.audit import Act, Entry
from compline_hub.errors import HubBusy
from compline_hub.office import holding_keys, init_hub
from compline_hub.settings import HubSettings
from compline_hub.store.durable import rewrite_log
from compline_hub.store.engine import migrate, open_engine
from compline_hub.store.ledger import SqlStore
from tests.running_hub import hub_settings


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return hub_settings(tmp_path)


def can_be_alone(settings: HubSettings) -> bool:
    """Whether one who opens the hub now would take the database for nobody's."""
    try:
        with holding_keys(settings.data, alone=True):
            return True
    except HubBusy:
        return False


def leave_log(settings: HubSettings) -> Path:
    """Leave the database as a killed hub does, with its last transaction in the log alone; returns the log."""
    database = settings.data / "hub.db"
    log = database.with_name("hub.db-wal")
    engine = open_engine(settings.database_url, writing=True)
    with SqlStore(engine).transaction() as ledger:
        ledger.audit.note(Entry(at=1, who="ada", act=Act.ROTATED, detail="escrow"))
    kept = [shutil.copy(path, path.with_name(f"{path.name}.kept")) for path in (database, log)]
    engine.dispose()
    for path in kept:
        Path(path).rename(Path(path).with_suffix(""))
    return log


def test_init_when_it_makes_the_tables_then_nobody_else_has_the_hub_alone(
    settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that starts at that moment would write the log again that the migration is writing."""
    alone = list[bool]()

    def migrating(engine: Engine) -> None:
        alone.append(can_be_alone(settings))
        migrate(engine)

    monkeypatch.setattr(office, "migrate", migrating)
    init_hub(settings)

    assert alone
    assert not any(alone)
    assert can_be_alone(settings)  # the control: the look tells one from the other


def test_init_when_a_killed_hub_left_a_log_then_it_is_written_again_before_it_is_read(
    settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sync may have failed; whoever opens the database moves what it says into it."""
    init_hub(settings)
    log = leave_log(settings)
    seen = list[int]()

    def looking(rewrite: Callable[[Path], None]) -> Callable[[Path], None]:
        def look(database: Path) -> None:
            seen.append(log.stat().st_size if log.exists() else 0)
            rewrite(database)

        return look

    monkeypatch.setattr(office, "rewrite_log", looking(rewrite_log))
    init_hub(settings)

    assert seen[0] > 0
