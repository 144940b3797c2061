"""Puts the control database back to a copy: by SQLite's backup, or from a PostgreSQL template."""

import sqlite3
from contextlib import closing
from typing import Protocol

import psycopg
from django.db import connections

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
SEQUENCES = """
    SELECT quote_ident(sequencename), coalesce(last_value, start_value), last_value IS NOT NULL
    FROM pg_sequences WHERE schemaname = 'public'
"""
# Everything that DDL changes: tables, columns, indexes, constraints, triggers and functions.
STRUCTURE = """
    SELECT relname, relkind::text, relnatts, relhastriggers, relchecks FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT tgname, tgenabled::text, tgtype, true, 0 FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT proname, '', 0, true, 0 FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT attname, attrelid::regclass::text, attnum, attnotnull, atttypmod FROM pg_attribute
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    ORDER BY 1, 2, 3
"""


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
    """The rows are kept in a schema beside the tables, and the whole in a template.

    A new database from the template costs a second; it is made only after a test that changed more than
    rows: that renamed a table, say, or dropped a trigger.
    """

    def __init__(self, connection) -> None:
        self.connect = {
            "host": connection.settings_dict["HOST"],
            "port": connection.settings_dict["PORT"] or None,
            "user": connection.settings_dict["USER"],
            "password": connection.settings_dict["PASSWORD"],
        }
        self.live = connection.settings_dict["NAME"]
        self.copy = f"{self.live}_snapshot"
        close_pools()
        with psycopg.connect(**self.connect, dbname=self.live) as live:
            self.tables = [name for (name,) in live.execute(TABLES)]
            live.execute("CREATE SCHEMA kept")
            for table in self.tables:
                live.execute(f'CREATE TABLE kept."{table}" AS TABLE public."{table}"')
            self.sequences = live.execute(SEQUENCES).fetchall()
            self.structure = live.execute(STRUCTURE).fetchall()
        self._run(f'DROP DATABASE IF EXISTS "{self.copy}"')
        self._run(f'CREATE DATABASE "{self.copy}" TEMPLATE "{self.live}"')

    def restore(self) -> None:
        close_pools()
        try:
            with psycopg.connect(**self.connect, dbname=self.live) as live:
                restored = self._restore_rows(live)
        except psycopg.Error:  # Somebody holds a lock, or the database is gone.
            restored = False
        if not restored:
            self._run(f'DROP DATABASE IF EXISTS "{self.live}" WITH (FORCE)')
            self._run(f'CREATE DATABASE "{self.live}" TEMPLATE "{self.copy}"')

    def drop(self) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{self.copy}"')

    def _restore_rows(self, live: psycopg.Connection) -> bool:
        if live.execute(STRUCTURE).fetchall() != self.structure:
            return False
        # Neither triggers nor foreign keys, nor a wait for the disk or for a forgotten connection.
        live.execute("SET session_replication_role = replica")
        live.execute("SET synchronous_commit = off")
        live.execute("SET lock_timeout = '1s'")
        for table in self.tables:
            live.execute(f'DELETE FROM public."{table}"')
            live.execute(f'INSERT INTO public."{table}" SELECT * FROM kept."{table}"')
        for sequence, last, called in self.sequences:
            live.execute("SELECT setval(%s::regclass, %s, %s)", (sequence, last, called))
        return True

    def _run(self, statement: str) -> None:
        with psycopg.connect(**self.connect, dbname="postgres", autocommit=True) as postgres:
            postgres.execute(statement)


def close_pools() -> None:
    """End this process' pooled connections, which would keep the database in use."""
    connections.close_all()
    for one in connections.all(initialized_only=True):
        if hasattr(one, "close_pool"):
            one.close_pool()
