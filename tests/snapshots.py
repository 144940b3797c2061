"""Puts the control database back to a copy: by SQLite's backup, or from a PostgreSQL template."""

import sqlite3
from contextlib import closing
from typing import Protocol

import psycopg
from django.db import connections


class Snapshot(Protocol):
    def restore(self) -> None: ...

    def drop(self) -> None: ...


def take(connection) -> Snapshot:
    """A copy of the database as it is now."""
    kind = SqliteSnapshot if connection.vendor == "sqlite" else PostgresqlSnapshot
    return kind(connection)


class SqliteSnapshot:
    def __init__(self, connection) -> None:
        self.file = connection.settings_dict["NAME"]
        self.copy = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(self.file)) as live:
            live.backup(self.copy)

    def restore(self) -> None:
        with closing(sqlite3.connect(self.file, timeout=20)) as live:
            self.copy.backup(live)

    def drop(self) -> None:
        self.copy.close()


class PostgresqlSnapshot:
    def __init__(self, connection) -> None:
        self.connect = {
            "host": connection.settings_dict["HOST"],
            "port": connection.settings_dict["PORT"] or None,
            "user": connection.settings_dict["USER"],
            "password": connection.settings_dict["PASSWORD"],
            "dbname": "postgres",
        }
        self.live = connection.settings_dict["NAME"]
        self.copy = f"{self.live}_snapshot"
        close_pools()
        self._run(f'DROP DATABASE IF EXISTS "{self.copy}"')
        self._run(f'CREATE DATABASE "{self.copy}" TEMPLATE "{self.live}"')

    def restore(self) -> None:
        close_pools()
        self._run(f'DROP DATABASE "{self.live}" WITH (FORCE)')
        self._run(f'CREATE DATABASE "{self.live}" TEMPLATE "{self.copy}"')

    def drop(self) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{self.copy}"')

    def _run(self, statement: str) -> None:
        with psycopg.connect(**self.connect, autocommit=True) as postgres:
            postgres.execute(statement)


def close_pools() -> None:
    """End this process' pooled connections, which would keep the database in use."""
    connections.close_all()
    for one in connections.all(initialized_only=True):
        if hasattr(one, "close_pool"):
            one.close_pool()
