"""Restoring: refused on any mismatch; the old content or the new, nothing between; seen by every process."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from pulse import faults
from pulse.models import AuditEvent
from rbac import assignments, backups, databases, errors, integrity, restoring, schema
from rbac.backups import Backup
from tenants import context
from tenants.models import Organization
from tests.api import Caller, code
from tests.factories import SYSTEM, make_organization, operator_token
from tests.rbac import child, disks
from tests.rbac.callers import assign, make_role, owner
from tests.rbac.test_broken_files import UNAVAILABLE

pytestmark = pytest.mark.usefixtures("database")

RESTORE = "/api/admin/orgs/acme/rbac/restore"
# What is found after a restore, and what would be without.
OLD, NEW = ["viewer"], ["auditor"]


@pytest.fixture
def backup(database: None) -> Backup:
    """Made while bob was a viewer, who is an auditor now."""
    make_organization("acme")
    assign("bob", "viewer")
    made = backups.make("acme", actor=SYSTEM)
    assign("bob", "auditor")
    return made


def restore(operator: Caller, backup: Backup, **more: str) -> Any:
    return operator.post(RESTORE, {"backup": backup.name, **more})


def bobs_roles() -> list[str]:
    with context.organization("acme"):
        return assignments.of_principal("bob")


def left_behind() -> list[str]:
    """What is beside the database, apart from SQLite's own files."""
    names = {entry.name for entry in databases.file_of("acme").parent.iterdir()}
    return sorted(names - {"rbac.db", "rbac.db-wal", "rbac.db-shm"})


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


@pytest.mark.parametrize("damage", ["none", "junk", "missing"])
def test_every_process_sees_it_at_its_next_request(operator: Caller, backup: Backup, damage: str) -> None:
    with child.running() as first, child.running() as second:
        assert [one.ask("check", user="bob") for one in (first, second)] == [True, True]
        assign("bob")
        assert [one.ask("check", user="bob") for one in (first, second)] == [False, False]
        if damage != "none":
            databases.file_of("acme").unlink()
        if damage == "junk":
            databases.file_of("acme").write_text("junk " * 1000)
        assert restore(operator, backup).status_code == 200
        assert [one.ask("check", user="bob") for one in (first, second)] == [True, True]
        assert first.ask("assign", user="bob", roles=[]) == []
        assert second.ask("check", user="bob") is False


@pytest.fixture
def other(backup: Backup, settings) -> Iterator[sqlite3.Connection]:
    """Another writer, when nobody waits long for it."""
    settings.PULSE_RBAC_BUSY_SECONDS = 0.1
    with closing(sqlite3.connect(databases.file_of("acme"), isolation_level=None)) as raw:
        yield raw


@pytest.mark.parametrize("shut", [False, True], ids=["writing", "shutting everybody out"])
def test_a_writer_who_does_not_let_go_is_not_waited_for_without_end(
    operator: Caller, backup: Backup, other: sqlite3.Connection, shut: bool
) -> None:
    databases.close_all()
    if shut:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO rbac_principal (id, display_name) VALUES ('written', '')")
    answer = restore(operator, backup)
    assert (code(answer), answer["Retry-After"]) == ((503, "tenant_busy"), "1")
    other.execute("COMMIT")
    other.execute("PRAGMA locking_mode = NORMAL")
    assert other.execute("SELECT count(*) FROM rbac_principal WHERE id = 'written'").fetchone() == (1,)
    other.close()
    assert bobs_roles() == NEW
    assert left_behind() == []
    assert restore(operator, backup).status_code == 200


def test_a_writer_that_began_before_a_file_was_replaced_is_told_and_not_lost(
    operator: Caller, backup: Backup
) -> None:
    databases.open_database("acme")
    with transaction.atomic(using="rbac_acme"):
        databases.file_of("acme").unlink()
        restoring._replace(databases.file_of("acme"), prepared(backup))
        with pytest.raises(errors.TenantBusy), databases.writing("acme"):
            pass
        transaction.set_rollback(True, using="rbac_acme")
    assign("bob", "operator")
    assert bobs_roles() == ["operator"]


def prepared(backup: Backup) -> Path:
    copy = databases.file_of("acme").with_name("prepared.db")
    shutil.copyfile(backup.file, copy)
    return copy


@pytest.mark.parametrize("damage", ["whole", "junk"])
@pytest.mark.parametrize(("point", "found"), [("restore.prepared", NEW), ("restore.placed", OLD)])
def test_killed_at_any_step_leaves_the_old_content_or_the_new(
    operator: Caller, backup: Backup, point: str, found: list[str], damage: str
) -> None:
    if damage == "junk":
        databases.close_all()
        databases.file_of("acme").write_text("junk " * 1000)
    child.killed_at(point, "restore")
    expected = [] if damage == "junk" and found == NEW else found
    if expected:
        assert bobs_roles() == expected
        assert integrity.verify("acme") == []
    assert backup in backups.of_organization("acme")
    assert restore(operator, backup).status_code == 200
    assert bobs_roles() == OLD


def test_what_a_killed_restore_left_is_cleared_by_one_an_hour_later(operator: Caller, backup: Backup) -> None:
    child.killed_at("restore.prepared", "restore")
    [left] = left_behind()
    restore(operator, backup)
    assert left_behind() == [left]
    long_ago = databases.file_of("acme").stat().st_mtime - 3700
    os.utime(databases.file_of("acme").parent / left, (long_ago, long_ago))
    restore(operator, backup)
    assert left_behind() == []


@pytest.mark.parametrize("point", ["restore.prepared", "backup.copied"])
def test_a_full_disk_leaves_what_is_there(operator: Caller, backup: Backup, point: str) -> None:
    faults.arm(point, disks.no_space)
    assert restore(operator, backup).status_code in (200, 503)
    faults.disarm()
    assert bobs_roles() == (OLD if point == "backup.copied" else NEW)


def test_a_tenant_whose_folders_are_all_lost_is_restored(operator: Caller, backup: Backup) -> None:
    databases.close_all()
    shutil.rmtree(databases.folder())
    assert restore(operator, backup).status_code == 200
    assert bobs_roles() == OLD


def test_the_recorded_schema_is_that_of_the_backup(operator: Caller, backup: Backup) -> None:
    Organization.objects.filter(id="acme").update(schema_version=1)
    restore(operator, backup)
    assert Organization.objects.get(id="acme").schema_version == schema.current()
