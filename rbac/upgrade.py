"""Brings one tenant's file to a newer schema in one transaction. Pure sqlite3, so that processes of a pool
start without Django."""

import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from urllib.parse import quote

NOT_OURS = "not a tenant database"


@dataclass(frozen=True, slots=True)
class Step:
    """What brings a file from the version before to `version`."""

    version: int
    migration: str
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`error` says why the file is as it was; None when it is at the target version."""

    organization_id: str
    error: str | None = None


def end_with_parent() -> None:
    """Have this process of a pool end when the one that began it is killed, instead of waiting for ever."""
    if (parent := parent_process()) is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def upgrade_all(files: Mapping[str, str], steps: Sequence[Step], busy_seconds: float) -> list[Outcome]:
    """Each organization's file in turn; a failure stops that tenant alone."""
    return [
        Outcome(organization_id, _error_of(path, steps, busy_seconds))
        for organization_id, path in files.items()
    ]


def _error_of(path: str, steps: Sequence[Step], busy_seconds: float) -> str | None:
    try:
        # mode=rw: a missing file is an error, not a new empty database.
        with closing(
            sqlite3.connect(
                f"file:{quote(path)}?mode=rw", uri=True, isolation_level=None, timeout=busy_seconds
            )
        ) as raw:
            return _upgrade(raw, steps)
    except sqlite3.Error as error:
        return str(error)


def _upgrade(raw: sqlite3.Connection, steps: Sequence[Step]) -> str | None:
    target = steps[-1].version
    raw.execute("BEGIN IMMEDIATE")
    try:
        version = raw.execute("PRAGMA user_version").fetchone()[0]
        if not version:
            return NOT_OURS
        if version > target:
            return f"its schema {version} is newer than {target}"
        for step in steps:
            if step.version > version:
                _take(raw, step)
        if raw.execute("PRAGMA foreign_key_check").fetchone():
            return "a foreign key would be broken"
        raw.execute("COMMIT")
    finally:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
    return None


def _take(raw: sqlite3.Connection, step: Step) -> None:
    for statement in step.statements:
        raw.execute(statement)
    raw.execute(
        "INSERT INTO django_migrations (app, name, applied)"
        " VALUES ('rbac', ?, strftime('%Y-%m-%d %H:%M:%f', 'now'))",
        (step.migration,),
    )
    raw.execute(f"PRAGMA user_version = {step.version:d}")
