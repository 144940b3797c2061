"""Many tenants at once, and a later schema for them to come to."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.conf import settings as django_settings

from rbac import databases, fleet, schema
from tenants.models import Organization
from tests.factories import SYSTEM
from tests.rbac.files import clone_all

# The versions of the schema before and after the later migrations.
EARLIER_VERSION, LATER_VERSION = 2, 4
LATER = "tests.rbac.later.migrations"
IN_PYTHON = "tests.rbac.in_python.migrations"


def make_fleet(number: int) -> list[str]:
    """Organizations with files of the current schema; their ids, `t0` and so on."""
    names = clone_all(number)
    version = schema.current()
    Organization.objects.bulk_create(Organization(id=name, schema_version=version) for name in names)
    return names


def version_of(organization_id: str) -> int:
    with closing(sqlite3.connect(databases.file_of(organization_id))) as raw:
        return raw.execute("PRAGMA user_version").fetchone()[0]


def set_version(organization_id: str, version: int) -> None:
    with closing(sqlite3.connect(databases.file_of(organization_id))) as raw:
        raw.execute(f"PRAGMA user_version = {version}")


def recorded(organization_id: str) -> int:
    return Organization.objects.get(id=organization_id).schema_version


@contextmanager
def locked(organization_id: str) -> Iterator[None]:
    """Somebody is writing to the tenant's database within the block."""
    with closing(sqlite3.connect(databases.file_of(organization_id), isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        yield
        raw.execute("ROLLBACK")


def come_later(settings) -> None:
    """From now on this process is of a later version of Pulse."""
    settings.MIGRATION_MODULES = {"rbac": LATER}


def become_later() -> None:
    """What `come_later` does, for good: for a child of a test."""
    django_settings.MIGRATION_MODULES = {"rbac": LATER}


def behind() -> list[str]:
    return list(fleet.behind().values_list("id", flat=True))


def migrate(ids: list[str] | None = None, *, workers: int = 1) -> dict[str, str | None]:
    """Each organization's error."""
    outcomes = fleet.migrate(behind() if ids is None else ids, actor=SYSTEM, workers=workers)
    return {outcome.organization_id: outcome.error for outcome in outcomes}


def schema_of(organization_id: str) -> set[tuple[str, ...]]:
    """Tables with their columns, whatever the columns' order, indexes and triggers."""
    with closing(sqlite3.connect(databases.file_of(organization_id))) as raw:
        found = {(kind, name) for kind, name in raw.execute("SELECT type, name FROM sqlite_master")}
        tables = [name for kind, name in found if kind == "table"]
        for table in tables:
            found |= {(table, *map(str, column[1:])) for column in raw.execute(f"PRAGMA table_info({table})")}
    return found
