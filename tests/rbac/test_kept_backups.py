"""Backups that are kept: found by name alone, believed only as far as their manifest, pruned and erased."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from pulse.models import AuditEvent
from rbac import backups, databases, errors, tasks, template
from rbac.backups import Backup
from tenants import lifecycle
from tests.api import Caller, code
from tests.children import killed_at
from tests.factories import SYSTEM, make_organization, operator_token
from tests.rbac import works
from tests.rbac.test_backups import BACKUPS, BIRTHDAY, entries, make
from tests.tenants.states import soft_delete_long_ago

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def acme(database: None) -> None:
    make_organization("acme")


PATHS = [
    "..",
    ".",
    "",
    "../bolt",
    "../../orgs/acme",
    "/etc",
    "%2e%2e",
    "x/y",
    "a\x00b",
    "20261125T010000.000000Z/..",
]


@pytest.mark.parametrize("name", PATHS)
def test_a_name_is_never_taken_for_a_path(operator: Caller, name: str) -> None:
    make_organization("bolt")
    theirs = make("bolt")
    mine = make()
    with pytest.raises(errors.BackupNotFound):
        backups.find("acme", name)
    with pytest.raises(errors.BackupNotFound):
        backups.find("acme", f"../bolt/{theirs.name}")
    assert operator.post("/api/admin/orgs/acme/rbac/restore", {"backup": name}).status_code in (400, 404)
    assert backups.of_organization("acme") == [mine]


def rewrite(backup: Backup, **changes: Any) -> None:
    manifest = backup.file.with_name("manifest.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))


UNREADABLE: dict[str, dict[str, Any]] = {
    "a name of its own": {"name": "20200101T000000.000000Z"},
    "a path for a name": {"name": "../../../orgs/acme"},
    "a later format": {"format": 2},
    "a number as text": {"size": "12"},
    "a hash of another kind": {"sha256": None},
    "a member too many": {"extra": 1},
}


@pytest.mark.parametrize("changes", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_manifest_that_is_not_ours_is_no_backup(operator: Caller, changes: dict[str, Any]) -> None:
    backup = make()
    rewrite(backup, **changes)
    assert operator.get(BACKUPS).json()["results"] == []
    assert code(operator.delete(f"{BACKUPS}/{backup.name}")) == (404, "not_found")
    assert backup.file.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "{}", "\x00", "ÿ".encode("latin-1")])
def test_a_manifest_that_is_no_json_object_is_no_backup(operator: Caller, text: Any) -> None:
    manifest = make().file.with_name("manifest.json")
    manifest.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert operator.get(BACKUPS).json()["results"] == []


def test_another_organizations_backup_is_neither_listed_nor_deleted_nor_pruned(operator: Caller) -> None:
    """A folder that was copied into another organization's."""
    make_organization("bolt")
    theirs = make("bolt")
    (backups.folder() / "acme").mkdir()
    theirs.file.parent.rename(backups.folder() / "acme" / theirs.name)
    assert operator.get(BACKUPS).json()["results"] == []
    assert code(operator.delete(f"{BACKUPS}/{theirs.name}")) == (409, "backup_mismatch")
    backups.prune(keep_days=1, now=datetime.now(UTC) + timedelta(days=100))
    assert entries(backups.folder() / "acme") == [theirs.name]


def test_a_backup_can_be_deleted(operator: Caller) -> None:
    kept, removed = make(), make()
    assert operator.delete(f"{BACKUPS}/{removed.name}").status_code == 204
    assert backups.of_organization("acme") == [kept]
    event = AuditEvent.objects.order_by("-sequence")[0]
    assert (event.verb, event.before) == ("database.remove_backup", {"backup": removed.name})
    assert code(operator.delete(f"{BACKUPS}/{removed.name}")) == (404, "not_found")


@pytest.mark.parametrize("group", ["support", "billing"])
def test_operators_without_the_permission_make_and_delete_none(group: str) -> None:
    caller = Caller(Client(), operator_token(group))
    backup = make()
    assert caller.get(BACKUPS).status_code == 200
    assert code(caller.post(BACKUPS)) == (403, "permission_denied")
    assert code(caller.delete(f"{BACKUPS}/{backup.name}")) == (403, "permission_denied")
    assert backups.of_organization("acme") == [backup]


@pytest.mark.parametrize("reason", ["x" * 501, "two\nlines", "\x00"])
def test_a_reason_that_cannot_be_kept_is_refused(operator: Caller, reason: str) -> None:
    assert code(operator.post(BACKUPS, {"reason": reason})) == (400, "invalid_reason")
    assert backups.of_organization("acme") == []


def test_an_unknown_or_purged_organization_has_no_backups(operator: Caller) -> None:
    soft_delete_long_ago("acme")
    lifecycle.purge("acme", actor=SYSTEM)
    for organization_id in ("acme", "none", "..", "A"):
        path = f"/api/admin/orgs/{organization_id}/rbac/backup"
        assert operator.get(path).status_code == operator.post(path).status_code == 404


def made_on(day: int) -> Backup:
    with time_machine.travel(BIRTHDAY + timedelta(days=day), tick=False):
        return make()


def test_pruning_deletes_what_is_older_and_keeps_the_newest_however_old() -> None:
    make_organization("bolt")
    first, second, third = made_on(0), made_on(1), made_on(20)
    with time_machine.travel(BIRTHDAY):
        theirs = make("bolt")
    assert backups.prune(keep_days=30, now=BIRTHDAY + timedelta(days=30, hours=23)) == 1
    assert backups.of_organization("acme") == [third, second]
    assert backups.prune(keep_days=30, now=BIRTHDAY + timedelta(days=300)) == 1
    assert (backups.of_organization("acme"), backups.of_organization("bolt")) == ([third], [theirs])
    assert not first.file.parent.exists()


def test_pruning_goes_on_past_what_is_no_backup() -> None:
    old, newer = made_on(0), made_on(1)
    rewrite(newer, made_at="once upon a time")
    (backups.folder() / "lost+found").mkdir()
    (backups.folder() / "README").write_text("Backups are here.")
    (backups.folder() / "acme" / "notes.txt").write_text("x")
    assert backups.prune(keep_days=1, now=BIRTHDAY + timedelta(days=9)) == 1
    assert backups.of_organization("acme") == [backups.find("acme", newer.name)]
    assert not old.file.parent.exists()


def test_pruning_without_any_backup_does_nothing() -> None:
    assert backups.prune(keep_days=1, now=BIRTHDAY) == 0


def test_what_a_killed_backup_left_is_pruned_a_day_later() -> None:
    killed_at("backup.copied", works.backup)
    now = datetime.now(UTC)
    backups.prune(keep_days=1, now=now + timedelta(hours=23))
    assert len(entries(backups.folder() / "acme")) == 1
    backups.prune(keep_days=1, now=now + timedelta(hours=25))
    assert entries(backups.folder() / "acme") == []


def test_a_purge_erases_the_backups() -> None:
    make_organization("bolt")
    make(), make("bolt")
    soft_delete_long_ago("acme")
    lifecycle.purge("acme", actor=SYSTEM)
    assert entries(backups.folder()) == ["bolt"]


def test_the_nightly_job_backs_up_all_and_goes_on_past_one_that_cannot_be() -> None:
    make_organization("bolt")
    template.create("default", admin=None)
    databases.file_of("acme").write_text("junk")
    assert tasks.back_up_all.func() == {"made": 2, "failed": 1, "removed": 0}
    assert [len(backups.of_organization(one)) for one in ("acme", "bolt", "default")] == [0, 1, 1]


def test_the_nightly_job_prunes_past_the_retention(settings) -> None:
    settings.PULSE_BACKUP_DAYS = 7
    made_on(-100)
    assert tasks.back_up_all.func()["removed"] == 1
