"""The commands that care for tenants' files: what they print, their exit codes, and what they ask first."""

import io
import json
import os
import pty
import subprocess
import sys

import pytest
from django.core.management import CommandError

from pulse.models import AuditEvent
from rbac import assignments, backups, databases
from tenants import context
from tenants.models import Organization
from tests.factories import SYSTEM, make_member, make_operator, make_organization
from tests.processes import ROOT, environment, manage
from tests.rbac.callers import assign
from tests.rbac.fleets import IN_PYTHON, LATER, make_fleet, version_of
from tests.tenants.shell import document, run, table

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def acme(database: None) -> None:
    make_organization("acme")
    assign("bob", "viewer")


def bobs_roles() -> list[str]:
    with context.organization("acme"):
        return assignments.of_principal("bob")


# backup_tenants


def test_a_backup_of_those_who_are_named() -> None:
    make_organization("bolt")
    status, rows = document("backup_tenants", "bolt", "--reason", "before the upgrade")
    [backup] = backups.of_organization("bolt")
    assert (status, rows) == (0, [{"id": "bolt", "result": "done", "backup": backup.name}])
    assert backup.reason == "before the upgrade"
    assert backups.of_organization("acme") == []


def test_a_backup_of_all_goes_on_past_one_that_fails() -> None:
    make_organization("bolt")
    databases.file_of("acme").unlink()
    status, rows = document("backup_tenants")
    assert status == 1
    assert {row["id"]: row["result"] for row in rows} == {
        "acme": "backup_failed", "bolt": "done", "default": "backup_failed",
    }  # fmt: skip


def test_backups_summary_names_the_failed_alone() -> None:
    make_organization("bolt")
    assert run("backup_tenants", "bolt") == (0, "1 backed up, 0 failed.\n", "")
    databases.file_of("acme").unlink()
    status, out, _ = run("backup_tenants", "acme", "bolt")
    assert status == 1
    assert out.startswith("1 backed up, 1 failed.\n")
    assert "acme\tbackup_failed" in out


def test_an_unknown_tenant_stops_the_backup_before_it_begins() -> None:
    status, problem = document("backup_tenants", "acme", "none")
    assert (status, problem["code"]) == (1, "not_found")
    assert backups.of_organization("acme") == []


def test_backups_are_listed() -> None:
    made = [backups.make("acme", actor=SYSTEM, reason=f"number {number}") for number in range(2)]
    status, rows = document("backup_tenants", "acme", "--list")
    assert status == 0
    assert [(row["id"], row["backup"], row["reason"]) for row in rows] == [
        ("acme", one.name, one.reason) for one in reversed(made)
    ]
    assert [row["backup"] for row in table("backup_tenants", "--list")] == [one.name for one in made[::-1]]
    assert len(backups.of_organization("acme")) == 2


def test_an_empty_list_of_backups_says_so() -> None:
    assert run("backup_tenants", "--list") == (0, "There are no backups.\n", "")


def age(organization_id: str, name: str) -> None:
    """Make a backup of the organization that is years old."""
    backup = backups.make(organization_id, actor=SYSTEM)
    manifest = backup.file.with_name("manifest.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"name": name}))
    backup.file.parent.rename(backup.file.parent.with_name(name))


LONG_AGO = "20200101T000000.000000Z"


@pytest.mark.parametrize(("named", "pruned"), [([], ["acme", "bolt"]), (["acme"], ["acme"])])
def test_pruning_is_of_those_who_are_named(named: list[str], pruned: list[str]) -> None:
    make_organization("bolt")
    for one in ("acme", "bolt"):
        age(one, LONG_AGO)
        backups.make(one, actor=SYSTEM)
    run("backup_tenants", *named, "--prune-days", "30")
    kept = [one for one in ("acme", "bolt") if (backups.folder() / one / LONG_AGO).exists()]
    assert kept == [one for one in ("acme", "bolt") if one not in pruned]


@pytest.mark.parametrize(
    "argv", [["backup_tenants", "--prune-days", "0"], ["migrate_tenants", "--workers", "-1"],
             ["reset_admin", "acme"], ["reset_admin", "acme", "--token", "x"],
             ["reset_admin", "acme", "--reason", "x", "--token", "y"],
             ["reset_admin", "acme", "--reason", "x", "--email", "y"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_told_with_code_two(argv: list[str]) -> None:
    with pytest.raises(CommandError) as error:
        run(*argv)
    assert error.value.returncode == 2


@pytest.mark.parametrize(
    "argv", [["backup_tenants"], ["backup_tenants", "--list"], ["restore_tenant", "acme", LONG_AGO, "--yes"],
             ["reset_admin", "acme", "--reason", "x"], ["migrate_tenants", "--only", "acme"]],
    ids=" ".join,
)  # fmt: skip
def test_an_operator_is_held_to_their_permissions(argv: list[str]) -> None:
    operator = make_operator("support")
    status, problem = document(*argv, "--actor", operator.email)
    assert (status, problem["code"]) == (1, "permission_denied")


# restore_tenant


def test_a_restore_with_yes_asks_nothing() -> None:
    name = backups.make("acme", actor=SYSTEM).name
    assign("bob")
    status, shown = document("restore_tenant", "acme", name, "--yes", "--reason", "a slip")
    assert (status, shown["name"], shown["organization"]) == (0, name, "acme")
    assert bobs_roles() == ["viewer"]
    assert AuditEvent.objects.order_by("-sequence")[0].reason == "a slip"


def test_a_restore_says_to_when_it_went_back() -> None:
    backup = backups.make("acme", actor=SYSTEM)
    status, out, _ = run("restore_tenant", "acme", backup.name, "--yes")
    assert (status, out) == (0, f"acme is as it was at {backup.made_at}.\n")


def test_a_restore_that_is_refused_prints_its_code() -> None:
    backup = backups.make("acme", actor=SYSTEM)
    backup.file.write_text("junk")
    status, problem = document("restore_tenant", "acme", backup.name, "--yes")
    assert (status, problem["code"]) == (1, "backup_mismatch")
    status, _, err = run("restore_tenant", "acme", LONG_AGO, "--yes")
    assert (status, err.partition(":")[0]) == (1, "not_found")


def test_a_restore_without_a_terminal_wants_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    name = backups.make("acme", actor=SYSTEM).name
    assign("bob")
    monkeypatch.setattr(sys, "stdin", io.StringIO("acme\n"))
    with pytest.raises(CommandError, match="--yes") as error:
        run("restore_tenant", "acme", name)
    assert error.value.returncode == 2
    assert bobs_roles() == []


@pytest.mark.parametrize(("typed", "status", "roles"), [("acme", 0, ["viewer"]), ("yes", 1, []), ("", 1, [])])
def test_a_restore_on_a_terminal_asks_for_the_id(typed: str, status: int, roles: list[str]) -> None:
    name = backups.make("acme", actor=SYSTEM).name
    assign("bob")
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "restore_tenant", "acme", name],
            cwd=ROOT, env=environment(), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        os.write(ours, f"{typed}\n".encode())
        said, _ = process.communicate(timeout=30)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == status, said
    assert b"Type acme" in said
    assert bobs_roles() == roles


# reset_admin


def test_an_admin_is_reset_in_two_steps() -> None:
    heir = make_member("acme")
    status, issued = document("reset_admin", "acme", "--reason", "their only admin has left")
    assert (status, issued.keys()) == (0, {"recovery_token", "expires_at"})
    redeem = ["reset_admin", "acme", "--token", issued["recovery_token"], "--email", heir.email]
    assert document(*redeem) == (0, {"user": str(heir.public_id), "roles": ["admin"]})
    status, problem = document(*redeem)
    assert (status, problem["code"]) == (1, "invalid_recovery_token")


def test_the_plain_output_is_the_token_alone_and_then_who_is_admin() -> None:
    heir = make_member("acme")
    _, out, _ = run("reset_admin", "acme", "--reason", "x")
    token = out.strip()
    assert token.startswith("pulse_recovery_")
    _, out, _ = run("reset_admin", "acme", "--token", token, "--email", heir.email)
    assert out == f"{heir.email} is an admin of acme.\n"


def test_a_reset_without_a_reason_is_refused() -> None:
    status, problem = document("reset_admin", "acme", "--reason", " ")
    assert (status, problem["code"]) == (1, "reason_required")


# migrate_tenants


@pytest.fixture
def later(settings) -> None:
    """Two tenants are behind, once the default organization and acme are brought on."""
    make_fleet(2)
    settings.MIGRATION_MODULES = {"rbac": LATER}
    Organization.objects.filter(id__in=["acme", "default"]).update(schema_version=4)


def test_nothing_to_do_is_done_at_once() -> None:
    status, rows = document("migrate_tenants", "--only", "acme")
    assert (status, rows) == (0, [{"id": "acme", "result": "done", "detail": None}])


def test_the_plan_says_who_is_behind_and_which_sql_would_run(later: None) -> None:
    status, plan = document("migrate_tenants", "--plan")
    assert status == 0
    assert plan["schema_version"] == 4
    assert plan["behind"] == [{"id": name, "schema_version": 2} for name in ("t0", "t1")]
    assert [step["migration"] for step in plan["steps"]] == ["0003_role_owner", "0004_longer_names"]
    assert 'ALTER TABLE "rbac_role" ADD COLUMN "owner" varchar(50) NULL;' in plan["steps"][0]["sql"]
    assert version_of("t0") == 2
    _, out, _ = run("migrate_tenants", "--plan")
    assert out.startswith("2 tenants are behind schema 4.\n0003_role_owner:\n")


def test_the_plan_of_nothing_has_no_steps() -> None:
    Organization.objects.filter(id="default").update(schema_version=2)
    assert document("migrate_tenants", "--plan") == (0, {"schema_version": 2, "behind": [], "steps": []})
    assert run("migrate_tenants", "--plan")[1] == "0 tenants are behind schema 2.\n"


def test_all_are_migrated_and_those_that_fail_are_named(later: None) -> None:
    databases.file_of("t1").unlink()
    status, rows = document("migrate_tenants", "--workers", "1")
    assert status == 1
    assert rows == [
        {"id": "t0", "result": "done", "detail": None},
        {"id": "t1", "result": "failed", "detail": "unable to open database file"},
    ]
    status, out, _ = run("migrate_tenants", "--workers", "1")
    assert status == 1
    assert out.startswith("0 done, 1 failed.\n")
    assert "t1\tfailed\tunable to open" in out


def test_only_those_who_are_named_are_migrated(later: None) -> None:
    assert document("migrate_tenants", "--only", "t1")[0] == 0
    assert (version_of("t0"), version_of("t1")) == (2, 4)
    assert run("migrate_tenants") == (0, "1 done, 0 failed.\n", "")


def test_an_unknown_tenant_stops_the_migration_before_it_begins(later: None) -> None:
    status, problem = document("migrate_tenants", "--only", "t0", "none")
    assert (status, problem["code"]) == (1, "not_found")
    assert version_of("t0") == 2


def test_a_migration_in_python_is_refused(settings) -> None:
    make_fleet(1)
    settings.MIGRATION_MODULES = {"rbac": IN_PYTHON}
    for more in ([], ["--plan"]):
        status, problem = document("migrate_tenants", *more)
        assert (status, problem["code"]) == (1, "migration_not_sql")


def test_a_shell_gets_one_json_document_and_the_exit_code() -> None:
    ended = manage("backup_tenants", "acme", "--json")
    assert (ended.returncode, json.loads(ended.stdout)[0]["result"]) == (0, "done")
