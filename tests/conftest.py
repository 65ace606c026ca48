"""Settings that hold for every test, and the databases that a hub's store is tested on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.postgres_server import MISSING, Database, PostgresServer, postgres_programs, postgres_server

settings.register_profile("compline", deadline=None)  # a busy machine is no failure
settings.load_profile("compline")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    if postgres_programs() is None:
        pytest.skip(MISSING)
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database of each kind in turn."""
    if request.param == "sqlite":
        return Database()
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database()
