"""Many tenants at once, and a later schema for them to come to."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from rbac import databases, schema
from tenants.models import Organization
from tests.rbac.files import clone_all

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
