"""One file's upgrade: whole or not at all, and never of a file that is not what it should be."""

import sqlite3
from contextlib import closing

import pytest

from rbac import databases, integrity
from tenants.models import Organization
from tests.rbac.fleets import (
    EARLIER_VERSION,
    LATER_VERSION,
    behind,
    come_later,
    make_fleet,
    migrate,
    recorded,
    schema_of,
    set_version,
    version_of,
)

pytestmark = pytest.mark.usefixtures("database")


def test_a_migration_that_fails_half_way_leaves_the_tenant_as_it_was(settings) -> None:
    """Its 0004 cannot be taken, so its 0003 is taken back."""
    make_fleet(2)
    with closing(sqlite3.connect(databases.file_of("t0"))) as raw:
        raw.execute("CREATE TABLE new__rbac_principal (id TEXT)")
        raw.commit()
    before = schema_of("t0")
    come_later(settings)
    errors_of = migrate(["t0", "t1"])
    assert errors_of == {"t0": 'table "new__rbac_principal" already exists', "t1": None}
    assert (schema_of("t0"), version_of("t0")) == (before, EARLIER_VERSION)


def test_a_broken_foreign_key_is_not_carried_over(settings) -> None:
    make_fleet(1)
    with closing(sqlite3.connect(databases.file_of("t0"))) as raw:
        raw.execute("INSERT INTO rbac_assignment (principal_id, role_id) VALUES ('nobody', 'viewer')")
        raw.commit()
    come_later(settings)
    assert migrate(["t0"]) == {"t0": "a foreign key would be broken"}
    assert version_of("t0") == EARLIER_VERSION


@pytest.mark.parametrize(("content", "error"), [
    (None, "unable to open database file"), (b"", "not a tenant database"),
    (b"junk " * 1000, "file is not a database"),
])  # fmt: skip
def test_a_file_that_is_no_tenants_is_named_and_left(settings, content: bytes | None, error: str) -> None:
    make_fleet(1)
    file = databases.file_of("t0")
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    come_later(settings)
    assert migrate(["t0"]) == {"t0": error}
    assert (file.read_bytes() if file.exists() else None) == content


def test_a_file_of_a_newer_schema_is_left(settings) -> None:
    make_fleet(1)
    set_version("t0", 9)
    come_later(settings)
    assert migrate(["t0"]) == {"t0": "its schema 9 is newer than 4"}
    assert version_of("t0") == 9


def test_a_file_that_is_ahead_of_its_record_is_recorded_alone(settings) -> None:
    make_fleet(1)
    come_later(settings)
    migrate(["t0"])
    before = databases.file_of("t0").read_bytes()
    Organization.objects.filter(id="t0").update(schema_version=EARLIER_VERSION)
    assert "t0" in behind()
    assert migrate(["t0"]) == {"t0": None}
    assert databases.file_of("t0").read_bytes() == before
    assert recorded("t0") == LATER_VERSION


def test_a_file_that_is_behind_its_record_is_found_by_verify_and_migrated_by_name(settings) -> None:
    """As when somebody has put an old copy in its place by hand."""
    make_fleet(1)
    come_later(settings)
    Organization.objects.filter(id="t0").update(schema_version=LATER_VERSION)
    assert "t0" not in behind()
    assert integrity.verify("t0")[0].startswith("tenant_migrating")
    assert migrate(["t0"]) == {"t0": None}
    assert integrity.verify("t0") == []
