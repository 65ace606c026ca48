"""A PostgreSQL server of a test's own: in a temporary folder, on a Unix socket there, ended by its pid."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

START_SECONDS = 60.0
STOP_SECONDS = 30.0
USER = "compline"
MISSING = "PostgreSQL is not installed (apt-get install postgresql)"


def postgres_programs() -> Path | None:
    """The folder with `initdb` and `postgres`, of the newest version here; None where there is none."""

    def version(folder: Path) -> float:
        return float(folder.parent.name)

    debian = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=version)
    found = shutil.which("postgres")
    folders = [*reversed(debian), *([] if found is None else [Path(found).resolve().parent])]
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that runs; `folder` holds its socket and its log."""

    folder: Path
    process: subprocess.Popen[bytes]

    def url(self, database: str) -> str:
        """As a hub's settings name a database of it."""
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def database(self, template: str = "template1") -> Database:
        """Make a database, empty or as another one is now; nobody may be connected to that."""
        name = f"hub_{secrets.token_hex(4)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return Database(self.url(name), self, name)

    def run(self, statement: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement, not in a transaction; returns its rows."""
        with psycopg.connect(
            host=str(self.folder), user=USER, dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True, slots=True)
class Database:
    """Where a hub's store lies; without an URL in its data folder, by SQLite."""

    url: str = ""
    server: PostgresServer | None = None
    name: str = ""

    def at(self, file: Path) -> str:
        """Its URL; of SQLite's, in a file."""
        return self.url or f"sqlite:///{file}"

    def copied(self) -> Database:
        """What a backup of it would bring back; of SQLite's, the file is copied with the hub's folder."""
        return self if self.server is None else self.server.database(self.name)


@contextmanager
def postgres_server(**settings: str) -> Iterator[PostgresServer]:
    """Run a server until the end of the block; a setting is one of postgresql.conf."""
    programs = postgres_programs()
    assert programs is not None, MISSING
    folder = Path(tempfile.mkdtemp(prefix="compline-pg-"))
    owner = _owner()
    try:
        if owner is not None:
            os.chown(folder, *owner)
        _as(
            owner,
            [
                programs / "initdb",
                "-D",
                folder / "data",
                "-U",
                USER,
                "-A",
                "trust",
                "--no-sync",
                "-E",
                "UTF8",
            ],
        )
        process = _started(programs, folder, owner, settings)
        try:
            server = PostgresServer(folder, process)
            _wait_ready(server)
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # at once, and without writing out what is removed anyway
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> tuple[int, int] | None:
    """User and group that the server runs as: it refuses to be root's."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _as(owner: tuple[int, int] | None, command: list[str | Path]) -> None:
    user, group = owner or (None, None)
    subprocess.run(
        command, check=True, capture_output=True, user=user, group=group, extra_groups=owner and [], cwd="/"
    )


def _started(
    programs: Path, folder: Path, owner: tuple[int, int] | None, settings: dict[str, str]
) -> subprocess.Popen[bytes]:
    user, group = owner or (None, None)
    given = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "max_connections": "60",
        **settings,
    }
    options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=user,
            group=group,
            extra_groups=owner and [],
            cwd="/",
        )


def _wait_ready(server: PostgresServer) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            server.run("SELECT 1")
        except psycopg.OperationalError:
            assert server.process.poll() is None, (server.folder / "log").read_text()
            assert time.monotonic() < until, "PostgreSQL did not start"
            time.sleep(0.05)
        else:
            return
