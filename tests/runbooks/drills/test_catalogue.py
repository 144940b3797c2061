"""Each drill passes on a sound server and leaves no trace, and fails where what it guards is broken."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from pulse.models import KillSwitch
from rbac import databases
from runbooks.drills import catalogue, probes, runner
from runbooks.drills.declaration import title_of
from runbooks.models import DrillRun, EvidenceRecord
from tenants.models import DEFAULT_ORGANIZATION, Organization
from tests.factories import SYSTEM, make_organization
from tests.runbooks.drills import breaking
from tests.runbooks.drills.serving import live

pytestmark = pytest.mark.usefixtures("database")

# The others start servers of their own: make drill holds them.
ON_THE_RUNNING_SERVER = [drill.name for drill in catalogue.DRILLS if drill.probes == probes.STEADY]
# What tells of a drill, and what the audit log's chain and the limits of a token leave.
TOLD_OF = {
    "runbooks.DrillRun", "runbooks.DrillStep", "runbooks.EvidenceRun", "runbooks.EvidenceRecord",
    "runbooks.EvidenceHead", "pulse.AuditEvent", "pulse.AuditHead", "pulse.KillSwitch",
    "django_tasks_database.DBTaskResult", "pulse.Heartbeat",
}  # fmt: skip


@pytest.fixture
def base(database: None, settings) -> Iterator[str]:
    with live(settings) as base:
        yield base


def rows() -> dict[str, list[Any]]:
    """All rows of the control database but those that tell of drills."""
    models = [model for model in apps.get_models() if model._meta.app_label != "rbac"]
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in models
        if model._meta.label not in TOLD_OF
    }


def folders(data_dir: Path) -> set[str]:
    found = {one.name for one in databases.folder().iterdir() if not one.name.startswith(".template")}
    return found | {one.name for one in data_dir.iterdir() if one.name in ("drills", "backups")}


def failed_steps(run: DrillRun) -> list[str]:
    return [f"{step.name}: {step.detail}" for step in run.steps.filter(passed=False)]


@pytest.mark.parametrize("name", ON_THE_RUNNING_SERVER)
def test_a_drill_passes_on_a_sound_server_and_leaves_no_trace(name: str, base: str, data_dir: Path) -> None:
    make_organization("acme")
    (data_dir / "backups").mkdir()
    before = rows(), folders(data_dir)
    run = runner.run(name, actor=SYSTEM)
    assert (run.state, failed_steps(run)) == ("passed", [])
    assert (rows(), folders(data_dir)) == before
    assert not KillSwitch.objects.filter(killed=True).exists()


Breaker = Callable[[Any, Any], None]
IN_THE_SUITE = {
    "lifecycle-round-trip",
    "gate-closing",
    "cross-tenant-isolation",
    "default-organization-guard",
}
BROKEN: list[tuple[str, Breaker, str]] = [
    ("lifecycle-round-trip", breaking.without("tenants.gate.check_lifecycle"), "refused from the next"),
    ("lifecycle-conflicts", breaking.conflicts, "one wins"),
    ("deletion-and-restore", breaking.without("tenants.gate.check_lifecycle"), "told when it is purged"),
    ("retention-to-purge", breaking.retention, "leaves a deleted tenant alone"),
    ("default-organization-guard", breaking.the_default, "neither suspended nor deleted"),
    ("gate-closing", breaking.without("pulse.hosted_mode.require_open"), "answers 404"),
    ("billing-override", breaking.without("billing.gate.check_subscription"), "but may pay"),
    ("cross-tenant-isolation", breaking.isolation, "enters the other"),
    ("cross-tenant-isolation", breaking.decisions, "nothing in the other"),
    ("backup-and-restore", breaking.restores, "lost role is back"),
]


@pytest.mark.parametrize(
    ("name", "breaker", "step"),
    [pytest.param(*one, marks=[] if one[0] in IN_THE_SUITE else pytest.mark.drill) for one in BROKEN],
)
def test_a_drill_fails_where_what_it_guards_is_broken_and_is_rolled_back_all_the_same(
    name: str, breaker: Breaker, step: str, settings, monkeypatch
) -> None:
    breaker(settings, monkeypatch)
    with live(settings):
        run = runner.run(name, actor=SYSTEM)
    (failed,) = failed_steps(run)
    assert run.state == "failed"
    assert step in failed
    assert list(Organization.objects.values_list("id", "status")) == [(DEFAULT_ORGANIZATION, "active")]
    assert not KillSwitch.objects.filter(killed=True).exists()
    assert run.undo == []


def test_a_drill_that_nothing_answers_to_fails(settings) -> None:
    settings.PULSE_HOSTED_MODE, settings.PULSE_DRILL_URL = "true", "http://127.0.0.1:9"
    run = runner.run("lifecycle-round-trip", actor=SYSTEM)
    assert run.state == "failed"
    assert "nothing answers" in failed_steps(run)[0]


def test_what_a_drill_needs_and_is_not_there_is_told_and_does_not_pass(settings) -> None:
    settings.PULSE_HOSTED_MODE, settings.REDIS_URL = "true", ""
    run = runner.run("redis-gone", actor=SYSTEM)
    assert run.state == "not_applicable"
    assert "REDIS_URL names no Redis" in run.steps.get().name
    assert not EvidenceRecord.objects.exists()


def test_every_step_says_what_it_does() -> None:
    assert len({drill.name for drill in catalogue.DRILLS}) == len(catalogue.DRILLS)
    for drill in catalogue.DRILLS:
        for act in (*drill.probes, *drill.steps):
            assert act.__doc__
            assert len(title_of(act)) <= 110
