"""Restores beside living writers, killed, out of disk: the old content or the new, for every process."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import transaction

from pulse import faults
from rbac import backups, databases, errors, integrity, restoring
from rbac.backups import Backup
from tests.api import Caller, code
from tests.children import child, killed_at
from tests.rbac import disks, works
from tests.rbac.callers import assign
from tests.rbac.restores import NEW, OLD, bobs_roles, left_behind, make_backup, restore

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def backup(database: None) -> Backup:
    return make_backup()


@pytest.mark.parametrize("damage", ["none", "junk", "missing"])
def test_every_process_sees_it_at_its_next_request(operator: Caller, backup: Backup, damage: str) -> None:
    with child() as first, child() as second:
        assert [one.ask(works.check, "bob") for one in (first, second)] == [True, True]
        assign("bob")
        assert [one.ask(works.check, "bob") for one in (first, second)] == [False, False]
        if damage != "none":
            databases.file_of("acme").unlink()
        if damage == "junk":
            databases.file_of("acme").write_text("junk " * 1000)
        assert restore(operator, backup).status_code == 200
        assert [one.ask(works.check, "bob") for one in (first, second)] == [True, True]
        assert first.ask(works.assign, "bob", []) == []
        assert second.ask(works.check, "bob") is False


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
    killed_at(point, works.restore)
    expected = [] if damage == "junk" and found == NEW else found
    if expected:
        assert bobs_roles() == expected
        assert integrity.verify("acme") == []
    assert backup in backups.of_organization("acme")
    assert restore(operator, backup).status_code == 200
    assert bobs_roles() == OLD


def test_what_a_killed_restore_left_is_cleared_by_one_an_hour_later(operator: Caller, backup: Backup) -> None:
    killed_at("restore.prepared", works.restore)
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
