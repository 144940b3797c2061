"""Backups: made online, proved, described by their manifest, and nothing that is not one taken for one."""

import json
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from pulse import faults
from pulse.models import AuditEvent
from rbac import backups, databases, integrity, schema
from rbac.backups import Backup
from tests.api import Caller, code
from tests.children import killed_at
from tests.factories import SYSTEM, make_organization
from tests.rbac import disks, works
from tests.rbac.callers import assign, make_role
from tests.tenants.scrape import value_of

pytestmark = pytest.mark.usefixtures("database")

BACKUPS = "/api/admin/orgs/acme/rbac/backup"
BIRTHDAY = datetime(2026, 11, 25, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def acme(database: None) -> None:
    make_organization("acme")


def make(organization_id: str = "acme", **given: Any) -> Backup:
    return backups.make(organization_id, actor=SYSTEM, **given)


def content(file: Path) -> list[Any]:
    with closing(sqlite3.connect(databases.uri_of(file, "mode=ro"), uri=True)) as raw:
        return [
            raw.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
            for table in ("rbac_role", "rbac_permission", "rbac_principal", "rbac_assignment", "rbac_change")
        ]


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_backup_is_the_database_as_it_was(operator: Caller) -> None:
    make_role("deployer", ("write", "vms"))
    assign("bob", "deployer")
    was = content(databases.file_of("acme"))
    backup = make()
    assign("bob")
    assert content(backup.file) == was != content(databases.file_of("acme"))
    assert integrity.inspect_file(backup.file) == []


def test_the_manifest_says_what_there_is_to_know(operator: Caller) -> None:
    with time_machine.travel(BIRTHDAY, tick=False):
        answer = operator.post(BACKUPS, {"reason": "before the upgrade"})
    [folder] = (backups.folder() / "acme").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest == {
        "organization": "acme",
        "name": "20261125T010000.000000Z",
        "made_at": "2026-11-25T01:00:00+00:00",
        "size": (folder / "rbac.db").stat().st_size,
        "sha256": backups.sha256(folder / "rbac.db"),
        "schema_version": schema.current(),
        "audit_sequence": AuditEvent.objects.order_by("-sequence")[0].sequence - 1,
        "reason": "before the upgrade",
        "format": 1,
    }
    assert answer.status_code == 201
    shown = answer.json() | {"made_at": manifest["made_at"]}
    assert shown == {name: value for name, value in manifest.items() if name != "format"}


def test_a_backup_stands_alone_without_a_journal() -> None:
    backup = make()
    assert entries(backup.file.parent) == ["manifest.json", "rbac.db"]
    assert entries(backup.file.parent.parent) == [backup.name]


def test_a_backup_is_audited_and_counted(operator: Caller) -> None:
    made = value_of("pulse_rbac_backups_total", result="made")
    backup = operator.post(BACKUPS, {"reason": "why not"}).json()
    event = AuditEvent.objects.order_by("-sequence")[0]
    assert (event.verb, event.organization, event.reason) == ("database.backup", "acme", "why not")
    assert event.after == {"backup": backup["name"], "sha256": backup["sha256"]}
    assert value_of("pulse_rbac_backups_total", result="made") == made + 1


def test_backups_are_listed_with_the_newest_first(operator: Caller) -> None:
    names = [make(reason=str(number)).name for number in range(3)]
    assert [one["name"] for one in operator.get(BACKUPS).json()["results"]] == names[::-1]


def test_a_backup_is_made_while_another_writes() -> None:
    writing = threading.Event()
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(databases.file_of("acme"), timeout=10, isolation_level=None)) as raw:
            number = 0
            while not stop.is_set():
                # Both rows or neither are in any state that was committed.
                raw.execute("BEGIN IMMEDIATE")
                for table in (
                    "rbac_principal (id, display_name)",
                    "rbac_role (id, name, description, built_in, priority)",
                ):
                    columns = table.count(",") + 1
                    raw.execute(f"INSERT INTO {table} VALUES ('n{number}'{', 0' * (columns - 1)})")
                raw.execute("COMMIT")
                number += 1
                writing.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert writing.wait(10)
        made = [make() for _ in range(5)]
    finally:
        stop.set()
        writer.join()
    counted = []
    for backup in made:
        with closing(sqlite3.connect(backup.file)) as raw:
            [(principals,)] = raw.execute("SELECT count(*) FROM rbac_principal WHERE id LIKE 'n%'")
            [(roles,)] = raw.execute("SELECT count(*) FROM rbac_role WHERE id LIKE 'n%'")
        assert principals == roles
        counted.append(roles)
    assert 0 < counted[0] < counted[-1]


def test_what_is_in_the_wal_alone_is_backed_up() -> None:
    with closing(sqlite3.connect(databases.file_of("acme"))) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("INSERT INTO rbac_principal (id, display_name) VALUES ('bob', '')")
        other.commit()
        assert ("bob", "") in content(make().file)[2]


def test_a_folder_with_signs_that_mean_something_in_a_uri_is_backed_up(settings, tmp_path: Path) -> None:
    settings.PULSE_DATA_DIR = tmp_path / "50% of #1?mode=ro"
    settings.PULSE_DATA_DIR.mkdir()
    make_organization("bolt")
    assert integrity.inspect_file(make("bolt").file) == []


def test_a_database_that_is_not_whole_is_not_backed_up(operator: Caller) -> None:
    with closing(sqlite3.connect(databases.file_of("acme"))) as raw:
        raw.execute("UPDATE rbac_permission SET action = 'admin' WHERE role_id = 'viewer'")
        raw.commit()
    failed = value_of("pulse_rbac_backups_total", result="failed")
    answer = operator.post(BACKUPS)
    assert code(answer) == (503, "backup_failed")
    assert "built-in role viewer was changed" in answer.json()["detail"]
    assert entries(backups.folder() / "acme") == []
    assert value_of("pulse_rbac_backups_total", result="failed") == failed + 1


@pytest.mark.parametrize("damage", ["missing", "junk", "empty"])
def test_a_file_that_cannot_be_read_is_not_backed_up(operator: Caller, damage: str) -> None:
    file = databases.file_of("acme")
    file.unlink()
    if damage != "missing":
        file.write_text("junk " * 1000 if damage == "junk" else "")
    assert code(operator.post(BACKUPS)) == (503, "backup_failed")
    assert backups.of_organization("acme") == []
    assert file.exists() == (damage != "missing")


def test_a_file_that_another_has_shut_is_busy_and_not_waited_for_without_end(
    operator: Caller, settings
) -> None:
    settings.PULSE_RBAC_BUSY_SECONDS = 0.1
    with closing(sqlite3.connect(databases.file_of("acme"), isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        answer = operator.post(BACKUPS)
    assert (code(answer), answer["Retry-After"]) == ((503, "tenant_busy"), "1")
    assert entries(backups.folder() / "acme") == []


def test_a_full_disk_leaves_no_backup(operator: Caller) -> None:
    with disks.full_at(backups.folder() / "acme", point="backup.copied"):
        answer = operator.post(BACKUPS)
        assert backups.of_organization("acme") == []
        assert entries(backups.folder() / "acme") == []
    assert code(answer) == (503, "backup_failed")
    assert operator.post(BACKUPS).status_code == 201


@pytest.mark.parametrize("point", ["backup.copied", "backup.finished"])
def test_killed_at_any_step_leaves_nothing_that_counts_as_a_backup(operator: Caller, point: str) -> None:
    killed_at(point, works.backup)
    [left] = entries(backups.folder() / "acme")
    assert operator.get(BACKUPS).json()["results"] == []
    assert code(operator.post("/api/admin/orgs/acme/rbac/restore", {"backup": left})) == (404, "not_found")
    assert code(operator.delete(f"{BACKUPS}/{left}")) == (404, "not_found")


def test_an_error_at_any_step_leaves_nothing(operator: Caller) -> None:
    for point in ("backup.copied", "backup.finished"):
        faults.disarm()
        faults.arm(point, disks.no_space)
        assert code(operator.post(BACKUPS)) == (503, "backup_failed")
        assert entries(backups.folder() / "acme") == []
