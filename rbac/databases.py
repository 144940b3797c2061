"""Opening, finding and closing tenants' databases: `data/orgs/<org-id>/rbac.db`, alias `rbac_<org-id>`.

Nothing is ever registered in or removed from Django's `connections`: its settings mapping computes the
configuration of an `rbac_…` alias on the spot. Connections belong to their thread, and so does the LRU
that closes them.
"""

import re
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DatabaseError

from pulse.problems import Problem
from rbac import errors, metrics
from rbac.policy import Policy
from tenants.models import ORGANIZATION_ID

log = structlog.get_logger(__name__)

ALIAS_PREFIX = "rbac_"
# A template's alias ends in a character that no organization's id has.
ALIAS = re.compile(rf"{ALIAS_PREFIX}({ORGANIZATION_ID}|\.[a-z0-9.-]+)")
# `PRAGMA user_version` of a tenant's file; raised by hand with every migration of this app.
SCHEMA_VERSION = 1


def folder() -> Path:
    """Where the tenants' folders are."""
    return Path(settings.PULSE_DATA_DIR) / "orgs"


def file_of(organization_id: str) -> Path:
    return folder() / organization_id / "rbac.db"


def alias_of(organization_id: str) -> str:
    return ALIAS_PREFIX + organization_id


def configuration(alias: str) -> dict[str, Any]:
    """Django's settings of one tenant's database, in the shape that `DATABASES` has after defaults."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file_of(alias.removeprefix(ALIAS_PREFIX))),
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

    `file` is the device and inode that were opened; `uses` counts the blocks that it must outlive.
    """

    connection: BaseDatabaseWrapper
    raw: sqlite3.Connection
    file: tuple[int, int]
    uses: int = 0
    policy: Policy | None = None
    policy_version: tuple[int, int] = (0, 0)


class _ThreadsDatabases(threading.local):
    """This thread's open databases, the least recently used first."""

    def __init__(self) -> None:
        self.opened: OrderedDict[str, Opened] = OrderedDict()


_local = _ThreadsDatabases()


@contextmanager
def using(organization_id: str) -> Iterator[Opened]:
    """The tenant's open database, kept from eviction within the block.

    Raises `TenantDatabaseUnavailable` for a file that is missing, damaged or not ours, `TenantMigrating`
    for one of another schema, `TenantBusy` when a lock is held longer than `PULSE_RBAC_BUSY_SECONDS`.
    """
    with translated(organization_id):
        opened = open_database(organization_id)
        opened.uses += 1
        try:
            yield opened
        finally:
            opened.uses -= 1


def open_database(organization_id: str) -> Opened:
    """This thread's connection to the tenant's current file: reopened when the file was replaced."""
    path = file_of(organization_id)
    opened = _local.opened.get(organization_id)
    file = _identity(path)
    if opened is not None:
        if opened.file == file and opened.connection.connection is opened.raw:
            _local.opened.move_to_end(organization_id)
            return opened
        close(organization_id)
    opened = _open(organization_id, file)
    _local.opened[organization_id] = opened
    metrics.open_databases.inc()
    _evict(keep=organization_id)
    return opened


def _identity(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError as error:
        raise errors.TenantDatabaseUnavailable from error
    return stat.st_dev, stat.st_ino


def _open(organization_id: str, file: tuple[int, int]) -> Opened:
    connection = connections[alias_of(organization_id)]
    try:
        connection.ensure_connection()
        raw = connection.connection
        version = raw.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise (errors.TenantMigrating if version else errors.TenantDatabaseUnavailable)
    except BaseException:
        _drop(organization_id)
        raise
    return Opened(connection, raw, file)


def _evict(keep: str) -> None:
    """Close this thread's least recently used databases over the cap, sparing those in use."""
    surplus = len(_local.opened) - settings.PULSE_RBAC_MAX_OPEN
    if surplus <= 0:
        return
    for organization_id, opened in list(_local.opened.items()):
        if organization_id == keep or opened.uses or opened.connection.in_atomic_block:
            continue
        close(organization_id)
        surplus -= 1
        if surplus <= 0:
            return


def close(organization_id: str) -> None:
    """Close this thread's connection to the tenant, if it has one."""
    if _local.opened.pop(organization_id, None) is not None:
        metrics.open_databases.dec()
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


@contextmanager
def translated(organization_id: str) -> Iterator[None]:
    """SQLite's failures on a tenant's file as refusals of that tenant, counted and logged."""
    try:
        yield
    except Problem as problem:
        if isinstance(problem, errors.TenantDatabaseUnavailable | errors.TenantMigrating):
            _report(organization_id, problem)
        raise
    except (DatabaseError, sqlite3.Error) as error:
        close(organization_id)
        refusal = _refusal_for(error)
        _report(organization_id, refusal, cause=str(error))
        raise refusal from error


def _refusal_for(error: Exception) -> Problem:
    message = str(error)
    if "locked" in message or "busy" in message:
        return errors.TenantBusy(headers={"Retry-After": "1"})
    return errors.TenantDatabaseUnavailable()


def _report(organization_id: str, problem: Problem, cause: str = "") -> None:
    metrics.unusable_databases.labels(code=problem.code).inc()
    log.error("tenant database unusable", organization=organization_id, code=problem.code, cause=cause)
