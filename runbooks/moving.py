"""Moves an installation's control database from SQLite into an empty, migrated PostgreSQL: all or nothing.

One transaction of PostgreSQL takes every row, is compared with what was read, and has its chains walked
before it commits. The SQLite file stays as it was, with one audit event more; tenants' files stay untouched.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import load_backend
from django.utils import timezone

from pulse import audit, faults, jobs
from pulse.actors import Actor
from pulse.chain import Broken
from pulse.models import Heartbeat
from runbooks import copying, errors, evidence
from runbooks.copying import Digest, Table

PERMISSION = "tenants.purge_organization"  # What only admins may.
SOURCE, TARGET = "move_source", "move_target"
CHAINS = {"audit log": audit.CHAIN, "evidence": evidence.CHAIN}
# What `migrate` writes into a new database. It is replaced by the installation's own rows. Whoever changed
# it since has left an audit event, at which the target counts as in use.
FILLED_BY_MIGRATIONS = (
    "auth_group_permissions",
    "auth_permission",
    "auth_group",
    "django_content_type",
    "billing_planversion",
    "billing_plan",
    "pulse_schedule",
    "tenants_organization",
)
# Whoever starts Pulse on the target meanwhile waits, rather than write between our rows.
LOCK = "SET LOCAL lock_timeout = '5s'; LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"

Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Moved:
    """Each table's rows and digest, alike on both sides; the tables that no model is of and that stay behind;
    and the first broken link of each chain, where it was broken before."""

    tables: dict[str, Digest]
    unknown: list[str]
    broken: dict[str, Broken]


def move(*, to: str, actor: Actor, progress: Progress, reason: str = "") -> Moved:
    """Copy everything into the database at the URL `to`, compare, and commit. Locks both databases.

    Raises a `MoveRefused`, and then the target is as it was.
    """
    actor.require(PERMISSION)
    with _both(to):
        _refuse_while_pulse_runs()
        with transaction.atomic(durable=True):
            after = {"to": connections[TARGET].settings_dict["NAME"]}
            audit.record("database.move", actor=actor, after=after, reason=reason)
            with _all_or_nothing():
                moved = _copy(DEFAULT_DB_ALIAS, progress)
                for table in copying.tables(DEFAULT_DB_ALIAS):
                    table.reset_sequence(DEFAULT_DB_ALIAS, TARGET)
                faults.reach("move.copied")
    return moved


def rehearse(*, to: str, actor: Actor, progress: Progress) -> Moved:
    """Do all that `move` does but the commit, from one moment's state, while Pulse may go on writing."""
    actor.require(PERMISSION)
    with _both(to), _one_moment(), _all_or_nothing():
        moved = _copy(SOURCE, progress)
        transaction.set_rollback(True, using=TARGET)
    return moved


@contextmanager
def _both(url: str) -> Iterator[None]:
    """Within the block the target answers to `TARGET`; both databases are what they must be."""
    if connection.vendor != "sqlite":
        raise errors.NotOnSqlite
    connections[TARGET] = _wrapper(url)
    try:
        _refuse_unmigrated(TARGET, "The database that --to names")
        _refuse_unmigrated(DEFAULT_DB_ALIAS, "This installation")
        yield
    except DatabaseError as error:
        raise errors.TargetUnusable(f"PostgreSQL: {str(error).strip()}") from error
    finally:
        connections[TARGET].close()
        del connections[TARGET]


def _wrapper(url: str) -> Any:
    try:
        if "://" not in url:
            raise errors.TargetUnusable("--to is no URL of a database.")
        wanted = environ.Env.db_url_config(url)
        given = connections.configure_settings({DEFAULT_DB_ALIAS: wanted})[DEFAULT_DB_ALIAS]
        backend = load_backend(given["ENGINE"])
    except (ImproperlyConfigured, ValueError, KeyError) as error:
        raise errors.TargetUnusable("--to is no URL of a database.") from error
    if backend.DatabaseWrapper.vendor != "postgresql":
        raise errors.TargetUnusable("--to is no URL of PostgreSQL: postgres://user@host:5432/name.")
    return backend.DatabaseWrapper(given, TARGET)


def _refuse_unmigrated(alias: str, what: str) -> None:
    executor = MigrationExecutor(connections[alias])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise errors.NotMigrated(f"{what} is not migrated: run manage.py migrate with its DATABASE_URL.")


def _refuse_while_pulse_runs() -> None:
    """Whoever wrote into SQLite after the copy would write for nobody."""
    if running := jobs.still_running(now=timezone.now()):
        raise errors.PulseIsRunning(
            f"Stop Pulse first: {', '.join(running)} was alive within {jobs.DEAD_AFTER.seconds} s."
        )
    connection.close()  # Ours would be in our own way.
    file = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True, timeout=0)) as alone:
        alone.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            alone.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            raise errors.PulseIsRunning(f"Stop Pulse first: another process has {file} open.") from error


@contextmanager
def _one_moment() -> Iterator[None]:
    """Within the block `SOURCE` reads the installation's data as of one moment, and keeps nobody waiting."""
    reader = connection.copy(SOURCE)
    reader.settings_dict["OPTIONS"]["transaction_mode"] = "DEFERRED"
    connections[SOURCE] = reader
    try:
        with transaction.atomic(using=SOURCE):
            yield
    finally:
        reader.close()
        del connections[SOURCE]


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """The target's transaction, in which nobody else writes and nobody has written before."""
    with transaction.atomic(using=TARGET):
        every = copying.tables(TARGET)
        with connections[TARGET].cursor() as cursor:
            quote = connections[TARGET].ops.quote_name
            names = [*(table.name for table in every), *copying.LEFT_OUT]
            cursor.execute(LOCK.format(tables=", ".join(map(quote, names))))
            if Heartbeat.objects.using(TARGET).exists():
                raise errors.TargetNotEmpty("Pulse has run on the database that --to names.")
            for table in every:
                if table.name not in FILLED_BY_MIGRATIONS and (rows := table.count(using=TARGET)):
                    raise errors.TargetNotEmpty(
                        f"The database that --to names is in use: {table.name} has {rows} rows."
                    )
            for name in FILLED_BY_MIGRATIONS:
                cursor.execute(f"DELETE FROM {quote(name)}")  # noqa: S608 - our own names
        yield


def _copy(source: str, progress: Progress) -> Moved:
    """Raises `CopyDiffers` unless the target has the same rows, keys that hold, and chains as whole."""
    every = copying.tables(source)
    total = sum(table.count(using=source) for table in every)
    ours: dict[str, Digest] = {table.name: Digest() for table in every}
    theirs: dict[str, Digest] = {table.name: Digest() for table in every}
    _exhaust(progress(_writing(every, source, ours), total, "Copy"))
    with connections[TARGET].cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    _exhaust(
        progress((one for table in every for one in table.read(TARGET, theirs[table.name])), total, "Compare")
    )
    for name in ours:
        if (ours[name].rows, str(ours[name])) != (theirs[name].rows, str(theirs[name])):
            raise errors.CopyDiffers(f"{name} is not on PostgreSQL what it is here.")
    return Moved(theirs, copying.unknown_tables(source), dict(_broken_chains(source)))


def _writing(every: list[Table], source: str, into: dict[str, Digest]) -> Iterator[None]:
    for table in every:
        try:
            yield from table.copied(source, TARGET, into[table.name])
        except DatabaseError as error:
            raise errors.CopyDiffers(
                f"PostgreSQL does not take {table.name}: {str(error).strip()}"
            ) from error


def _broken_chains(source: str) -> Iterator[tuple[str, Broken]]:
    """Where a chain was broken before, it must be so in the same place."""
    for name, chain in CHAINS.items():
        if broken := chain.verify(using=TARGET):
            if broken != chain.verify(using=source):
                raise errors.CopyDiffers(f"The {name} breaks at {broken.sequence}: {broken.reason}.")
            yield name, broken


def _exhaust(items: Iterable[Any]) -> None:
    deque(items, maxlen=0)
