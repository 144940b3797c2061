"""Restoring: refused on any mismatch; the old content or the new, nothing between; seen by every process."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.test import Client

from pulse.models import AuditEvent
from rbac import backups, databases, integrity, schema
from rbac.backups import Backup
from tenants.models import Organization
from tests.api import Caller, code
from tests.factories import SYSTEM, make_organization, operator_token
from tests.rbac.callers import make_role, owner
from tests.rbac.restores import NEW, OLD, bobs_roles, left_behind, make_backup, restore
from tests.rbac.test_broken_files import UNAVAILABLE

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def backup(database: None) -> Backup:
    return make_backup()


def test_a_restore_brings_back_what_was(operator: Caller, backup: Backup) -> None:
    make_role("deployer")
    answer = restore(operator, backup)
    assert (answer.status_code, answer.json()["name"]) == (200, backup.name)
    assert bobs_roles() == OLD
    assert code(owner().get("/api/org/roles/deployer")) == (404, "not_found")
    assert integrity.verify("acme") == []
    assert left_behind() == []


def test_what_is_there_is_backed_up_first(operator: Caller, backup: Backup) -> None:
    restore(operator, backup)
    before, first = backups.of_organization("acme")
    assert (first, before.reason) == (backup, f"before the restore of {backup.name}")
    assert restore(operator, before).status_code == 200
    assert bobs_roles() == NEW


def test_a_restore_is_in_the_audit_log_and_in_the_tenants_own_changelog(
    operator: Caller, backup: Backup
) -> None:
    restore(operator, backup, reason="a slip of the hand")
    event = AuditEvent.objects.order_by("-sequence")[0]
    assert (event.verb, event.organization, event.after, event.reason) == (
        "database.restore", "acme", {"backup": backup.name}, "a slip of the hand",
    )  # fmt: skip
    newest, *others = owner().get("/api/org/changes").json()["results"]
    assert (newest["verb"], newest["subject"], newest["actor"]) == (
        "database.restore", backup.name, event.actor,
    )  # fmt: skip
    assert [one["verb"] for one in others] == ["roles.assign"] * 2


def test_the_changelog_still_refuses_changes_after_a_restore(operator: Caller, backup: Backup) -> None:
    restore(operator, backup)
    with databases.using("acme") as opened, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        opened.raw.execute("DELETE FROM rbac_change")


def test_a_restore_does_not_change_the_backup(operator: Caller, backup: Backup) -> None:
    restore(operator, backup)
    restore(operator, backup)
    assert backups.sha256(backup.file) == backup.sha256
    assert sorted(one.name for one in backup.file.parent.iterdir()) == ["manifest.json", "rbac.db"]


def test_operators_without_the_permission_restore_nothing(backup: Backup) -> None:
    assert code(restore(Caller(Client(), operator_token("support")), backup)) == (403, "permission_denied")
    assert bobs_roles() == NEW


def tampered(backup: Backup) -> None:
    with closing(sqlite3.connect(backup.file)) as raw:
        raw.execute("UPDATE rbac_assignment SET role_id = 'admin'")
        raw.commit()


def one_bit_flipped(backup: Backup) -> None:
    content = bytearray(backup.file.read_bytes())
    content[-1] ^= 1
    backup.file.write_bytes(content)


def truncated(backup: Backup) -> None:
    backup.file.write_bytes(backup.file.read_bytes()[:-4096])


def gone(backup: Backup) -> None:
    backup.file.unlink()


def of_another_schema(backup: Backup) -> None:
    manifest = backup.file.with_name("manifest.json")
    ours, other = (f'"schema_version": {version}' for version in (schema.current(), schema.current() - 1))
    manifest.write_text(manifest.read_text().replace(ours, other))


def of_another_organization(backup: Backup) -> None:
    make_organization("bolt")
    theirs = backups.make("bolt", actor=SYSTEM)
    manifest = theirs.file.with_name("manifest.json").read_text().replace(theirs.name, backup.name)
    backup.file.with_name("manifest.json").write_text(manifest)
    shutil.copyfile(theirs.file, backup.file)


def vouched_for_though_damaged(backup: Backup) -> None:
    """Whoever can write the manifest too."""
    tampering = "UPDATE rbac_permission SET action = 'admin' WHERE role_id = 'viewer'"
    with closing(sqlite3.connect(backup.file)) as raw:
        raw.execute(tampering)
        raw.commit()
    manifest = backup.file.with_name("manifest.json")
    manifest.write_text(manifest.read_text().replace(backup.sha256, backups.sha256(backup.file)))


MISMATCHES = [
    tampered, one_bit_flipped, truncated, gone, of_another_schema, of_another_organization,
    vouched_for_though_damaged,
]  # fmt: skip


@pytest.mark.parametrize("mismatch", MISMATCHES, ids=lambda mismatch: mismatch.__name__)
def test_a_mismatch_is_refused_and_nothing_is_changed(
    operator: Caller, backup: Backup, mismatch: Callable[[Backup], None]
) -> None:
    mismatch(backup)
    audited = AuditEvent.objects.count()
    assert code(restore(operator, backup)) == (409, "backup_mismatch")
    assert bobs_roles() == NEW
    assert AuditEvent.objects.count() == audited
    assert len(list((backups.folder() / "acme").iterdir())) == 1


def test_a_manifest_that_cannot_be_read_is_no_backup(operator: Caller, backup: Backup) -> None:
    backup.file.with_name("manifest.json").write_text("{")
    assert code(restore(operator, backup)) == (404, "not_found")


def test_a_journal_put_beside_a_backup_is_not_read_into_it(operator: Caller, backup: Backup) -> None:
    """The file alone is what the manifest's SHA-256 vouches for."""
    copy = backup.file.with_name("copy.db")
    shutil.copyfile(backup.file, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA wal_autocheckpoint = 0")
        raw.execute("INSERT INTO rbac_assignment (principal_id, role_id) VALUES ('bob', 'admin')")
        shutil.copyfile(f"{copy}-wal", f"{backup.file}-wal")
    assert restore(operator, backup).status_code == 200
    assert bobs_roles() == OLD


@pytest.mark.parametrize("breaks", UNAVAILABLE, ids=lambda breaks: breaks.__name__)
@pytest.mark.parametrize("journal", ["without a journal", "with a journal"])
def test_a_file_that_cannot_be_used_is_replaced(
    operator: Caller, backup: Backup, breaks: Callable[[Path], None], journal: str
) -> None:
    live = databases.file_of("acme")
    databases.close_all()
    breaks(live)
    if journal == "with a journal" and live.parent.exists():
        leave_a_journal(live)
    assert code(owner().get("/api/org")) == (503, "tenant_database_unavailable")
    assert restore(operator, backup).status_code == 200
    assert bobs_roles() == OLD
    assert owner().get("/api/org").status_code == 200
    assert integrity.verify("acme") == []


def leave_a_journal(live: Path) -> None:
    """The WAL of a database that was going on, with a page for each place of the new one."""
    other = live.with_name("other.db")
    with closing(sqlite3.connect(other, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA wal_autocheckpoint = 0")
        raw.execute("CREATE TABLE rbac_role (id TEXT)")
        for suffix in ("-wal", "-shm"):
            shutil.copyfile(f"{other}{suffix}", f"{live}{suffix}")
    other.unlink()


def test_a_file_that_is_damaged_is_kept_beside_the_new_one(operator: Caller, backup: Backup) -> None:
    databases.close_all()
    databases.file_of("acme").write_text("What is left of it.")
    restore(operator, backup)
    assert databases.file_of("acme").with_name("damaged.db").read_text() == "What is left of it."


def test_what_was_tampered_with_is_kept_with_its_last_commits(operator: Caller, backup: Backup) -> None:
    """SQLite can read it, but it is not whole, so it is no backup."""
    with closing(sqlite3.connect(databases.file_of("acme"))) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("UPDATE rbac_permission SET action = 'admin' WHERE role_id = 'viewer'")
        other.commit()
        assert restore(operator, backup).status_code == 200
    assert backups.of_organization("acme") == [backup]
    damaged = databases.file_of("acme").with_name("damaged.db")
    assert integrity.inspect_file(damaged) == ["built-in role viewer was changed"]
    assert integrity.verify("acme") == []


def test_the_recorded_schema_is_that_of_the_backup(operator: Caller, backup: Backup) -> None:
    Organization.objects.filter(id="acme").update(schema_version=1)
    restore(operator, backup)
    assert Organization.objects.get(id="acme").schema_version == schema.current()
