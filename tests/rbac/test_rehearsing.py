"""Rehearsals: the newest backup of a tenant restored aside, and proved, without touching the live one."""

import errno
import os
import tempfile

import pytest

from pulse.models import AuditEvent
from rbac import backups, databases, errors, restoring, tasks
from rbac.backups import Backup
from tests.factories import SYSTEM, acting, make_operator, make_organization
from tests.rbac.callers import assign
from tests.tenants.scrape import value_of

pytestmark = pytest.mark.usefixtures("database")

REHEARSALS = "pulse_rbac_restore_rehearsals_total"


@pytest.fixture
def backup(database: None) -> Backup:
    make_organization("acme")
    return backups.make("acme", actor=SYSTEM)


def counted() -> tuple[float, float]:
    return value_of(REHEARSALS, result="passed"), value_of(REHEARSALS, result="failed")


def test_a_rehearsal_that_passes_is_audited_and_counted(backup: Backup) -> None:
    passed, failed = counted()
    assert tasks.rehearse_restore.func() == "acme"
    assert counted() == (passed + 1, failed)
    event = AuditEvent.objects.order_by("-sequence")[0]
    assert (event.verb, event.organization, event.after) == (
        "database.rehearse", "acme", {"backup": backup.name},
    )  # fmt: skip


def test_a_rehearsal_touches_neither_the_live_database_nor_the_backup(backup: Backup) -> None:
    assign("bob", "viewer")
    live = databases.file_of("acme")
    databases.close_all()
    before = live.read_bytes()
    restoring.rehearse(actor=SYSTEM)
    assert live.read_bytes() == before
    assert backups.sha256(backup.file) == backup.sha256


def test_a_rehearsal_that_fails_says_why_and_is_counted(backup: Backup) -> None:
    backup.file.write_text("junk")
    passed, failed = counted()
    with pytest.raises(errors.BackupMismatch):
        tasks.rehearse_restore.func()
    assert counted() == (passed, failed + 1)
    event = AuditEvent.objects.order_by("-sequence")[0]
    assert event.after == {
        "backup": backup.name, "failed": "The backup's content does not match its SHA-256.",
    }  # fmt: skip


def test_a_rehearsal_without_room_has_failed(backup: Backup, settings, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    passed, failed = counted()
    with pytest.raises(errors.RestoreFailed, match=os.strerror(errno.ENOENT)):
        restoring.rehearse(actor=SYSTEM)
    assert counted() == (passed, failed + 1)


def test_the_newest_backup_is_rehearsed(backup: Backup) -> None:
    newest = backups.make("acme", actor=SYSTEM)
    assert restoring.rehearse(actor=SYSTEM) == newest


def test_every_organization_with_backups_gets_its_turn(backup: Backup) -> None:
    make_organization("bolt")
    backups.make("bolt", actor=SYSTEM)
    (backups.folder() / "empty").mkdir()
    rehearsed = {restoring.rehearse(actor=SYSTEM).organization for _ in range(40)}
    assert rehearsed == {"acme", "bolt"}


def test_one_organization_can_be_named(backup: Backup) -> None:
    make_organization("bolt")
    assert restoring.rehearse(actor=SYSTEM, organization_id="acme") == backup
    assert restoring.rehearse(actor=SYSTEM, organization_id="bolt") is None


def test_without_backups_there_is_nothing_to_rehearse() -> None:
    assert tasks.rehearse_restore.func() == ""


def test_operators_without_the_permission_rehearse_nothing(backup: Backup) -> None:
    with pytest.raises(Exception, match="care_for_databases"):
        restoring.rehearse(actor=acting(make_operator("support")))
