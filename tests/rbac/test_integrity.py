"""What verify finds in a tenant's database, and what it counts."""

import sqlite3
from collections.abc import Callable

import pytest

from rbac import databases, integrity
from rbac.tasks import verify_all
from tests.factories import make_organization
from tests.rbac.files import make_tenants
from tests.tenants.scrape import value_of

pytestmark = pytest.mark.usefixtures("database")

CHECKS = "pulse_rbac_integrity_checks_total"


def dangling_assignment(raw: sqlite3.Connection) -> None:
    raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute("INSERT INTO rbac_assignment (principal_id, role_id) VALUES ('nobody', 'viewer')")


def lost_role(raw: sqlite3.Connection) -> None:
    raw.execute("DELETE FROM rbac_permission WHERE role_id = 'auditor'")
    raw.execute("DELETE FROM rbac_role WHERE id = 'auditor'")


def widened_role(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE rbac_permission SET action = 'admin' WHERE role_id = 'viewer'")


def widened_by_inheritance(raw: sqlite3.Connection) -> None:
    raw.execute("UPDATE rbac_role SET parent_id = 'admin' WHERE id = 'viewer'")


def forgetful_changelog(raw: sqlite3.Connection) -> None:
    raw.execute("DROP TRIGGER change_no_delete")


def role_that_claims_to_be_built_in(raw: sqlite3.Connection) -> None:
    raw.execute(
        "INSERT INTO rbac_role (id, name, description, built_in, priority) VALUES ('god', 'God', '', 1, 1)"
    )


def lost_index(raw: sqlite3.Connection) -> None:
    """The table goes on without an entry that its index should have."""
    raw.execute("PRAGMA writable_schema = ON")
    name, sql = raw.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL LIMIT 1"
    ).fetchone()
    raw.execute("DELETE FROM sqlite_master WHERE name = ?", (name,))
    assert sql


FINDINGS: list[tuple[Callable[[sqlite3.Connection], None], str]] = [
    (dangling_assignment, "broken foreign key in rbac_assignment"),
    (lost_role, "built-in role auditor is missing"),
    (widened_role, "built-in role viewer was changed"),
    (widened_by_inheritance, "built-in role viewer was changed"),
    (forgetful_changelog, "the changelog's trigger change_no_delete is missing"),
    (role_that_claims_to_be_built_in, "built-in role god was changed"),
    (lost_index, "never used"),
]


@pytest.mark.parametrize(("damage", "finding"), FINDINGS, ids=[damage.__name__ for damage, _ in FINDINGS])
def test_verify_names_the_damage(damage: Callable[[sqlite3.Connection], None], finding: str) -> None:
    make_tenants("acme")
    raw = sqlite3.connect(databases.file_of("acme"))
    damage(raw)
    raw.commit()
    raw.close()
    assert finding in " ".join(integrity.verify("acme"))


def test_verify_finds_nothing_in_a_whole_database() -> None:
    make_tenants("acme")
    assert integrity.verify("acme") == []


def test_verify_names_what_keeps_the_file_from_opening() -> None:
    make_tenants("acme")
    databases.file_of("acme").write_text("Not a database. " * 100)
    assert integrity.verify("acme") == ["tenant_database_unavailable: file is not a database"]


def test_a_check_is_counted_by_its_result() -> None:
    make_tenants("acme")
    passed, failed = (value_of(CHECKS, result=result) for result in ("passed", "failed"))
    integrity.verify("acme")
    integrity.verify("no-such-tenant")
    assert value_of(CHECKS, result="passed") == passed + 1
    assert value_of(CHECKS, result="failed") == failed + 1


def test_the_nightly_job_checks_every_living_tenant() -> None:
    make_organization("acme")
    make_organization("globex")
    databases.file_of("globex").unlink()
    findings = verify_all.func()
    assert set(findings) == {"default", "globex"}  # The default one has no database in a test.


def test_what_is_damaged_on_the_disk_is_found_past_what_is_remembered(database: None) -> None:
    make_organization("acme")
    assert integrity.verify("acme") == []
    file = databases.file_of("acme")
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    assert "malformed" in integrity.verify("acme")[0]
