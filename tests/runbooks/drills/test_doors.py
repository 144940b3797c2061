"""Drills through the API and the admin: asked for, held by a job, looked at."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django_tasks_db.models import DBTaskResult

from pulse import freeze, hosted_mode
from pulse.models import Schedule
from runbooks.drills import catalogue, runner
from runbooks.drills.tasks import run_drill, run_tests
from runbooks.models import DrillRun, EvidenceRecord, Incident
from tests.admin import said, signed_in, text, who_may_open
from tests.api import Caller, code
from tests.factories import SYSTEM, operator_token
from tests.runbooks.drills import breaking
from tests.runbooks.drills.serving import live
from tests.runbooks.world import Repository

pytestmark = pytest.mark.usefixtures("database")

DRILLS = "/api/admin/drills"
NAME = "lifecycle-conflicts"


@pytest.fixture
def base(database: None, settings) -> Iterator[str]:
    with live(settings) as base:
        yield base


def work() -> str:
    """What the queued drill came to, as a worker would have it."""
    queued = DBTaskResult.objects.get(task_path="runbooks.drills.tasks.run_drill")
    outcome = run_drill.func(**queued.args_kwargs["kwargs"])
    queued.delete()
    return outcome


@pytest.mark.usefixtures("base")
def test_the_api_tells_of_drills_and_has_one_held(operator: Caller) -> None:
    declared = operator.get(DRILLS).json()["results"]
    assert [one["name"] for one in declared] == list(catalogue.BY_NAME)
    assert operator.post(f"{DRILLS}/{NAME}/run").status_code == 202
    assert code(operator.post(f"{DRILLS}/gate-closing/run")) == (409, "drill_running")
    assert work() == "passed"
    (run,) = operator.get(f"{DRILLS}/runs?drill={NAME}").json()["results"]
    journal = operator.get(f"{DRILLS}/runs/{run['id']}").json()
    assert (journal["state"], journal["door"]) == ("passed", "job")
    assert journal["steps"][0]["phase"] == "probe"


def test_the_api_answers_while_hosted_mode_is_shut_and_holds_none(operator: Caller) -> None:
    hosted_mode.kill(actor=SYSTEM)
    assert operator.get(DRILLS).status_code == 200
    assert code(operator.post(f"{DRILLS}/{NAME}/run")) == (409, "gate_killed")
    hosted_mode.revive(actor=SYSTEM)
    assert code(operator.post(f"{DRILLS}/nonsense/run")) == (404, "not_found")
    support = Caller(Client(), operator_token("support"))
    assert support.get(DRILLS).status_code == 200
    assert code(support.post(f"{DRILLS}/{NAME}/run")) == (403, "permission_denied")


def test_no_drill_is_held_during_a_freeze(operator: Caller) -> None:
    freeze.begin(actor=SYSTEM, reason="an incident")
    assert code(operator.post(f"{DRILLS}/{NAME}/run")) == (423, "frozen")
    assert run_drill.func(name=NAME) == "frozen"
    assert not DrillRun.objects.exists()


@pytest.mark.usefixtures("base")
def test_the_button_has_a_worker_hold_it_and_the_page_shows_how_it_goes() -> None:
    admin, page = signed_in("operator"), f"/admin/drills/{NAME}/"
    assert "It has not been held yet" in text(admin.get(page))
    answer = admin.post(f"{page}run/")
    assert said(answer) == ["A worker holds the drill: its journal is below."]
    waiting = text(admin.get(page))
    assert "It waits for a worker" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    assert work() == "passed"
    held = text(admin.get(f"{page}journal/"))
    assert "one wins, and the other is told" in held
    assert "hx-trigger" not in held
    shown = text(admin.get(page))
    assert "1 runs: 0 failed" in shown
    assert "<rect" in shown


def test_the_list_shows_every_drill_with_its_schedule() -> None:
    Schedule.objects.filter(name="drill-gate-closing").update(enabled=True)
    page = text(signed_in("support").get("/admin/drills/"))
    for drill in catalogue.DRILLS:
        assert f"/admin/drills/{drill.name}/" in page
    assert page.count("paused") == len(catalogue.DRILLS) - 1
    assert who_may_open("/admin/drills/") == {"support", "operator", "billing", "admin"}


def test_who_may_read_may_not_hold() -> None:
    support = signed_in("support")
    assert "Run now" not in text(support.get(f"/admin/drills/{NAME}/"))
    assert support.post(f"/admin/drills/{NAME}/run/").status_code == 403
    assert signed_in("admin").get("/admin/drills/nonsense/").status_code == 404


def test_a_failed_drill_opens_an_incident_and_is_marked_in_the_chart(settings, monkeypatch) -> None:
    breaking.the_default(settings, monkeypatch)
    with live(settings):
        run = runner.run("default-organization-guard", actor=SYSTEM)
    incident = Incident.objects.get()
    assert incident.drill_run == run
    assert "expected 400 default_org_immutable" in incident.entries.first().text
    page = text(signed_in("support").get("/admin/drills/default-organization-guard/"))
    assert "✕" in page
    assert "pulse-bar-failed" in page


def test_drills_are_offered_to_schedules() -> None:
    page = text(signed_in("admin").get("/admin/pulse/schedule/add/"))
    assert "Drill: Isolation of tenants" in page
    assert "Test run: HOP-02 Lifecycle drills" in page
    assert "Test run: the whole suite" in page


def test_a_scheduled_test_run_is_evidence(repository: Repository) -> None:
    repository.packet(["echo", "fine"])
    assert run_tests.func(packet="ONE", lane="own") is True
    record = EvidenceRecord.objects.get()
    assert (record.run.role, record.run.subject, record.passed) == ("schedule", "ONE", True)


def test_a_lane_that_cannot_be_read_leaves_the_schedules_page_alone(repository: Repository) -> None:
    repository.write("lane: [")
    page = text(signed_in("admin").get("/admin/pulse/schedule/add/"))
    assert "Drill: Isolation of tenants" in page
    assert "HOP-02" not in page
