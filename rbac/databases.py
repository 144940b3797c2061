"""Opening, finding and closing tenants' databases: `data/orgs/<org-id>/rbac.db`, alias `rbac_<org-id>`.

Nothing is ever registered in or removed from Django's `connections`: its settings mapping computes the
configuration of an `rbac_…` alias on the spot. Connections belong to their thread, and so does the LRU
that closes them.
"""

import os
import re
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote
from weakref import WeakSet

from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.utils import DatabaseError

from rbac import errors, metrics, schema
from rbac.failures import Failures, refusal
from rbac.policy import Policy
from tenants.models import ORGANIZATION_ID

ALIAS_PREFIX = "rbac_"
# A file that is being built has a dot before its name, which no organization's id has.
ALIAS = re.compile(rf"{ALIAS_PREFIX}({ORGANIZATION_ID}|\.[a-z][a-z0-9.-]*)")


def folder() -> Path:
    """Where the tenants' folders are."""
    return Path(settings.PULSE_DATA_DIR) / "orgs"


def file_of(organization_id: str) -> Path:
    return folder() / organization_id / "rbac.db"


def uri_of(file: Path, parameters: str) -> str:
    """SQLite's URI of a file, whatever signs its path has. `parameters` such as `mode=rw`."""
    return f"file:{quote(str(file))}?{parameters}"


def alias_of(organization_id: str) -> str:
    return ALIAS_PREFIX + organization_id


def configuration(alias: str) -> dict[str, Any]:
    """Django's settings of one tenant's database, in the shape that `DATABASES` has after defaults."""
    name = alias.removeprefix(ALIAS_PREFIX)
    # SQLite makes a file that is missing; a tenant's that is gone must be told, not replaced by a void.
    mode = "rwc" if name.startswith(".") else "rw"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": uri_of(file_of(name), f"mode={mode}"),
        "ATOMIC_REQUESTS": False,
        "AUTOCOMMIT": True,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": settings.PULSE_RBAC_BUSY_SECONDS,
        },
        "TIME_ZONE": None,
        "USER": "",
        "PASSWORD": "",
        "HOST": "",
        "PORT": "",
        "TEST": {"CHARSET": None, "COLLATION": None, "MIGRATE": True, "MIRROR": None, "NAME": None},
    }


class TenantAwareSettings(dict[str, Any]):
    """`connections.settings` that also answers for every `rbac_…` alias, without listing any."""

    def __contains__(self, alias: object) -> bool:
        return super().__contains__(alias) or bool(isinstance(alias, str) and ALIAS.fullmatch(alias))

    def __missing__(self, alias: str) -> dict[str, Any]:
        if not ALIAS.fullmatch(alias):
            raise KeyError(alias)
        return configuration(alias)


def install() -> None:
    """Put the tenant-aware mapping in the place of Django's own. Called once, when the app is ready."""
    if not isinstance(connections.settings, TenantAwareSettings):
        connections.settings = TenantAwareSettings(connections.settings)


@dataclass(slots=True)
class Opened:
    """One open tenant database of one thread, with its policy as of a version of its data.

    As a context manager it is kept from eviction within the block, and SQLite's failures there are refusals.
    `file` is the device and inode that were opened at `path`. `uses` counts the blocks that it must outlive,
    and `cursors` are the ORM's that may still be read from, as by a queryset's iterator.
    """

    organization_id: str
    connection: BaseDatabaseWrapper
    raw: sqlite3.Connection
    path: str
    file: tuple[int, int]
    uses: int = 0
    cursors: WeakSet[CursorWrapper] = field(default_factory=WeakSet)
    policy: Policy | None = None
    policy_version: tuple[int, int] = (0, 0)

    @property
    def is_in_use(self) -> bool:
        return self.uses > 0 or self.connection.in_atomic_block

    def __enter__(self) -> Self:
        self.uses += 1
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.uses -= 1
        if isinstance(error, sqlite3.Error):
            raise refusal(self.organization_id, error) from error


class _LeastRecentlyUsed(OrderedDict[str, Opened]):
    """By organization, the least recently used first; closed and counted out when its thread ends.

    Django's connections are in reference cycles: left to the garbage collector, their files would stay open.
    """

    count_out = staticmethod(metrics.open_databases.dec)

    def __del__(self) -> None:
        for opened in self.values():
            opened.raw.close()
        self.count_out(len(self))


class _ThreadsDatabases(threading.local):
    """This thread's open databases."""

    def __init__(self) -> None:
        self.opened = _LeastRecentlyUsed()


_local = _ThreadsDatabases()


def using(organization_id: str) -> Opened:
    """The tenant's open database, for a `with` block. Raises as `open_database` does."""
    return open_database(organization_id)


@contextmanager
def writing(organization_id: str) -> Iterator[Opened]:
    """A write transaction on the tenant's database. Raises as `using` does.

    It begins IMMEDIATE, so writers take turns. One that waited until its file had been replaced gets
    `TenantBusy` and tries again on the new one: nothing is written where nobody will read it. One that
    finds it upgraded meanwhile gets `TenantMigrating`.
    """
    with using(organization_id) as opened, transaction.atomic(using=alias_of(organization_id)):
        if _identity(organization_id, opened.path) != opened.file:
            raise errors.TenantBusy(headers={"Retry-After": "1"})
        if opened.raw.execute("PRAGMA user_version").fetchone()[0] != schema.current():
            raise errors.TenantMigrating
        yield opened


def open_database(organization_id: str) -> Opened:
    """This thread's connection to the tenant's current file: reopened when the file was replaced.

    A block that is using the old file ends on it. Raises `TenantDatabaseUnavailable` for a file that is
    missing, damaged or not ours, `TenantMigrating` for one of another schema, `TenantBusy` when a lock is
    held longer than `PULSE_RBAC_BUSY_SECONDS`.
    """
    all_opened = _local.opened
    opened = all_opened.get(organization_id)
    # Every check comes through here, so the path is put together once, when the file is opened.
    path = opened.path if opened is not None else str(file_of(organization_id))
    file = _identity(organization_id, path)
    if opened is not None:
        is_current = opened.file == file and opened.connection.connection is opened.raw
        if is_current or opened.is_in_use:
            all_opened.move_to_end(organization_id)
            return opened
        close(organization_id)
    opened = _open(organization_id, path, file)
    all_opened[organization_id] = opened
    metrics.open_databases.inc()
    _evict(keep=organization_id)
    return opened


def _identity(organization_id: str, path: str) -> tuple[int, int]:
    try:
        stat = os.stat(path)  # noqa: PTH116 - a Path takes five times as long to make and to ask
    except OSError as error:
        raise refusal(organization_id, error) from error
    return stat.st_dev, stat.st_ino


def _open(organization_id: str, path: str, file: tuple[int, int]) -> Opened:
    connection = connections[alias_of(organization_id)]
    if not connection.in_atomic_block:
        # One that was opened by its alias, past this module, may be on a file that is no longer there.
        _drop(organization_id)
        connection = connections[alias_of(organization_id)]
    try:
        connection.ensure_connection()
        raw = connection.connection
        version = raw.execute("PRAGMA user_version").fetchone()[0]
    except (DatabaseError, sqlite3.Error) as error:
        _drop(organization_id)
        raise refusal(organization_id, error) from error
    if version != schema.current():
        _drop(organization_id)
        raise refusal(organization_id, None, is_behind=version != 0)
    opened = Opened(organization_id, connection, raw, path, file)
    connection.wrap_database_errors = Failures(connection, organization_id)
    connection.execute_wrappers.append(partial(_note, opened.cursors))
    return opened


def _note(
    cursors: WeakSet[CursorWrapper],
    execute: Callable[..., Any],
    sql: str,
    params: Any,
    many: bool,
    context: dict[str, Any],
) -> Any:
    """An execute wrapper: the cursor counts as in use for as long as somebody holds it."""
    cursors.add(context["cursor"])
    return execute(sql, params, many, context)


def _evict(keep: str) -> None:
    """Close this thread's least recently used databases over the cap, sparing those in use."""
    surplus = len(_local.opened) - settings.PULSE_RBAC_MAX_OPEN
    if surplus <= 0:
        return
    for organization_id, opened in list(_local.opened.items()):
        if organization_id == keep or opened.is_in_use or opened.cursors:
            continue
        close(organization_id)
        surplus -= 1
        if surplus <= 0:
            return


def close(organization_id: str) -> None:
    """Close this thread's connection to the tenant, if it has one.

    Whoever is iterating a queryset reads on to its end: the connection goes with the last cursor.
    """
    opened = _local.opened.pop(organization_id, None)
    if opened is not None:
        metrics.open_databases.dec()
    if opened is not None and opened.cursors:
        del connections[alias_of(organization_id)]
    else:
        _drop(organization_id)


def close_all() -> None:
    """Close all of this thread's tenant databases."""
    for organization_id in list(_local.opened):
        close(organization_id)


def _drop(organization_id: str) -> None:
    alias = alias_of(organization_id)
    if getattr(connections._connections, alias, None) is not None:  # type: ignore[attr-defined]
        connections[alias].close()
        del connections[alias]


def opened_here() -> list[str]:
    """The organizations whose databases this thread has open, the least recently used first."""
    return list(_local.opened)
