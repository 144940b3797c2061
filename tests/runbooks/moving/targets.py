"""New databases on the PostgreSQL that `PULSE_TEST_DATABASE_URL` names, dropped after their test."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests import processes


@dataclass(frozen=True)
class Target:
    """An empty database that `migrate` has been run on."""

    name: str

    @property
    def url(self) -> str:
        return f"{_server()}/{self.name}"

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, values).fetchall()

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement)

    def is_untouched(self) -> bool:
        """No audit event, and of organizations only what `migrate` makes."""
        organizations = self.rows("SELECT id FROM tenants_organization")
        return organizations == [("default",)] and self.rows("SELECT 1 FROM pulse_auditevent") == []


@pytest.fixture(scope="session")
def migrated() -> Iterator[str]:
    """The name of a migrated database, to make others of."""
    name = f"test_pulse_move_{uuid.uuid4().hex}"
    on_server(f"CREATE DATABASE {name}")
    try:
        done = processes.manage("migrate", "-v0", DATABASE_URL=f"{_server()}/{name}")
        assert done.returncode == 0, done.stderr
        yield name
    finally:
        on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def target(migrated: str) -> Iterator[Target]:
    made = Target(f"test_pulse_move_{uuid.uuid4().hex}")
    on_server(f"CREATE DATABASE {made.name} TEMPLATE {migrated}")
    yield made
    on_server(f"DROP DATABASE {made.name} WITH (FORCE)")


def on_server(statement: str) -> None:
    with psycopg.connect(os.environ["PULSE_TEST_DATABASE_URL"], autocommit=True) as server:
        server.execute(statement)


def _server() -> str:
    return os.environ["PULSE_TEST_DATABASE_URL"].rpartition("/")[0]
