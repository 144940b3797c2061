"""Fleet migrations: everybody to a later schema, whoever fails named and left as it was, reruns resuming."""

import os
import signal
import sqlite3
from contextlib import closing
from multiprocessing import active_children
from pathlib import Path

import pytest

from pulse.models import AuditEvent
from rbac import access, assignments, databases, errors, fleet, integrity, schema, tasks
from rbac.models import Principal
from tenants import context
from tenants.models import Organization
from tests.api import Caller, code
from tests.children import child, killed_at
from tests.factories import SYSTEM, acting, make_operator, make_organization
from tests.processes import wait_for
from tests.rbac import works
from tests.rbac.callers import assign, make_role, owner
from tests.rbac.fleets import (
    EARLIER_VERSION,
    IN_PYTHON,
    LATER_VERSION,
    become_later,
    behind,
    come_later,
    locked,
    make_fleet,
    migrate,
    recorded,
    schema_of,
    version_of,
)

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("count", [120, pytest.param(500, marks=pytest.mark.drill)])
def test_all_tenants_but_two_are_migrated_and_a_rerun_finishes_them(settings, count: int) -> None:
    settings.PULSE_RBAC_BUSY_SECONDS = 0.1
    names = make_fleet(count)
    kept = databases.file_of("t100").read_bytes()
    databases.file_of("t100").write_bytes(kept[:4096] + b"\xff" * (len(kept) - 4096))
    come_later(settings)
    with locked("t77"):
        errors_of = migrate(names, workers=2)
    failed = {name: error for name, error in errors_of.items() if error}
    assert len(errors_of) - len(failed) == count - 2
    assert failed.keys() == {"t77", "t100"}
    assert failed["t77"] == "database is locked"
    assert "malformed" in failed["t100"]
    assert sorted(set(behind()) & set(names)) == ["t100", "t77"]
    assert (version_of("t77"), recorded("t77")) == (EARLIER_VERSION, EARLIER_VERSION)
    databases.file_of("t100").write_bytes(kept)
    assert migrate(sorted(failed)) == {"t100": None, "t77": None}
    assert {version_of(name) for name in names} == {LATER_VERSION}
    assert not set(behind()) & set(names)
    [second, first] = AuditEvent.objects.filter(verb="databases.migrate").order_by("-sequence")
    assert first.after == {"schema_version": LATER_VERSION, "done": count - 2, "failed": sorted(failed)}
    assert second.after == {"schema_version": LATER_VERSION, "done": 2, "failed": []}


def test_what_a_tenant_has_survives_and_all_that_holds_for_it(settings) -> None:
    make_organization("acme")
    make_role("deployer", ("write", "vms"), parent="viewer")
    assign("bob", "deployer")
    databases.close_all()
    come_later(settings)
    assert migrate(["acme"]) == {"acme": None}
    assert integrity.verify("acme") == []
    with context.organization("acme"):
        assert access.check("bob", "read", "anything")
        assert access.check("bob", "write", "vms")
        assert assignments.assign("bob", roles=["viewer"], actor=SYSTEM) == ["viewer"]
        with pytest.raises(Exception, match="FOREIGN KEY"):
            Principal.objects.create(id="eve").assignments.create(role_id="none")
    with closing(sqlite3.connect(databases.file_of("acme"))) as raw:
        assert raw.execute("SELECT owner FROM rbac_role WHERE id = 'deployer'").fetchone() == (None,)
        names = [row[0] for row in raw.execute("SELECT name FROM django_migrations ORDER BY id")]
    assert names == list(schema.names())


def test_an_upgraded_file_is_what_a_new_one_is(settings) -> None:
    make_organization("acme")
    come_later(settings)
    migrate(["acme"])
    make_organization("bolt")
    assert schema_of("acme") == schema_of("bolt")
    assert recorded("bolt") == version_of("bolt") == LATER_VERSION


def test_a_tenant_on_the_old_schema_answers_migrating_until_it_is_done(settings) -> None:
    make_organization("acme")
    caller = owner()
    come_later(settings)
    for answer in (
        caller.get("/api/org/roles"),
        caller.put("/api/org/users/bob/roles", {"roles": ["viewer"]}),
        caller.post("/api/org/check", {"action": "read", "resource": "x"}),
    ):
        assert code(answer) == (503, "tenant_migrating")
    migrate(["acme"])
    assert caller.get("/api/org/roles").status_code == 200


def test_a_process_of_the_earlier_version_that_has_the_file_open_answers_migrating(settings) -> None:
    make_organization("acme")
    assign("bob", "viewer")
    with child() as earlier:
        assert earlier.ask(works.check, "bob") is True
        come_later(settings)
        assert migrate(["acme"]) == {"acme": None}
        assert earlier.ask(works.check, "bob") == "tenant_migrating"
        assert earlier.ask(works.assign, "bob", ["auditor"]) == "tenant_migrating"
    with context.organization("acme"):
        assert assignments.of_principal("bob") == ["viewer"]


def test_a_later_process_sees_the_file_that_it_found_behind_once_it_is_upgraded(settings) -> None:
    make_organization("acme")
    assign("bob", "viewer")
    with child() as later:
        later.ask(become_later)
        assert later.ask(works.check, "bob") == "tenant_migrating"
        come_later(settings)
        migrate(["acme"])
        assert later.ask(works.check, "bob") is True


def test_a_run_that_was_killed_is_resumed_and_leaves_no_process_behind(
    settings, data_dir: Path, monkeypatch
) -> None:
    names = make_fleet(60)
    come_later(settings)
    monkeypatch.setenv("PULSE_DATA_DIR", str(data_dir))
    killed_at("fleet.upgraded", works.migrate)
    wait_for(lambda: not processes_on(data_dir), what="the pool's processes to end")
    assert set(names) <= set(behind())
    assert LATER_VERSION in {version_of(name) for name in names}
    errors_of = migrate(names)
    assert set(errors_of.values()) == {None}
    assert {version_of(name) for name in names} == {LATER_VERSION}
    with closing(sqlite3.connect(databases.file_of("t0"))) as raw:
        assert raw.execute("SELECT count(*) FROM django_migrations").fetchone() == (LATER_VERSION,)


def processes_on(data_dir: Path) -> list[str]:
    """The processes that were given the data directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"PULSE_DATA_DIR={data_dir}\0".encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def test_a_process_of_the_pool_that_is_killed_costs_its_batches_a_rerun(settings) -> None:
    names = make_fleet(150)
    come_later(settings)
    outcomes = fleet.migrate(names, actor=SYSTEM, workers=1)
    seen = [next(outcomes)]
    for process in active_children():
        os.kill(process.pid, signal.SIGKILL)
    seen += outcomes
    assert sorted(outcome.organization_id for outcome in seen) == sorted(names)
    assert {outcome.error for outcome in seen} <= {None, "its process was killed"}
    assert set(migrate(names).values()) == {None}


def test_a_run_that_is_stopped_half_way_is_audited_with_what_it_did(settings) -> None:
    names = make_fleet(60)
    come_later(settings)
    outcomes = fleet.migrate(names, actor=SYSTEM, workers=1)
    next(outcomes)
    outcomes.close()
    event = AuditEvent.objects.filter(verb="databases.migrate").get()
    done = Organization.objects.filter(schema_version=LATER_VERSION, id__in=names).count()
    assert event.after["done"] == done in (10, 50)


def test_a_migration_in_python_is_refused_before_anything_is_touched(settings) -> None:
    make_fleet(1)
    settings.MIGRATION_MODULES = {"rbac": IN_PYTHON}
    with pytest.raises(errors.MigrationNotSql, match="0003_in_python"):
        migrate(["t0"])
    assert version_of("t0") == EARLIER_VERSION


def test_the_plan_leaves_nothing_behind(settings, data_dir: Path) -> None:
    come_later(settings)
    steps = fleet.plan()
    assert [(step.version, step.migration) for step in steps] == [
        (2, "0002_changelog_triggers"), (3, "0003_role_owner"), (4, "0004_longer_names"),
    ]  # fmt: skip
    assert [entry.name for entry in databases.folder().iterdir() if "plan" in entry.name] == []


def test_purged_organizations_are_not_behind(settings) -> None:
    make_fleet(2)
    Organization.objects.filter(id="t0").update(status="purged")
    come_later(settings)
    assert "t0" not in behind()
    assert "t1" in behind()


def test_the_job_brings_everybody_on(settings) -> None:
    make_fleet(3)
    Organization.objects.filter(id="default").update(schema_version=LATER_VERSION)
    come_later(settings)
    databases.file_of("t1").unlink()
    assert tasks.migrate.func() == {"done": 2, "failed": 1}
    assert tasks.migrate.func() == {"done": 0, "failed": 1}


def test_nothing_to_do_is_not_audited(settings) -> None:
    assert migrate([]) == {}
    assert not AuditEvent.objects.filter(verb="databases.migrate").exists()


def test_operators_without_the_permission_migrate_nothing(settings) -> None:
    make_fleet(1)
    with pytest.raises(Exception, match="care_for_databases"):
        next(fleet.migrate(["t0"], actor=acting(make_operator("support"))))


def test_a_folder_with_signs_that_mean_something_in_a_uri_is_migrated(settings, tmp_path: Path) -> None:
    settings.PULSE_DATA_DIR = tmp_path / "50% of #1?mode=ro"
    databases.folder().mkdir(parents=True)
    make_fleet(1)
    come_later(settings)
    assert migrate(["t0"]) == {"t0": None}


def test_an_operator_sees_the_findings_of_one_that_is_behind(operator: Caller, settings) -> None:
    make_organization("acme")
    come_later(settings)
    answer = operator.get("/api/admin/orgs/acme/rbac/verify").json()
    assert answer["whole"] is False
    assert "tenant_migrating" in answer["findings"][0]
