"""The reaper and the schedules over the operators' API."""

import pytest
from django.test import Client
from django_tasks_db.models import DBTaskResult

from tests.api import Caller, code
from tests.factories import make_organization, operator_token
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")

REAPER = "/api/admin/reaper"


def test_the_dry_run_lists_what_is_past_its_retention_and_purges_nothing(operator: Caller) -> None:
    organization_in("past its retention")
    make_organization("globex")
    for _ in range(2):
        assert [one["id"] for one in operator.get(REAPER).json()["results"]] == ["acme"]


def test_a_live_run_purges_it(operator: Caller) -> None:
    organization_in("past its retention")
    assert operator.post(REAPER).json() == {"results": [{"id": "acme", "refusal": "", "detail": ""}]}
    assert operator.get("/api/admin/orgs/acme").json()["status"] == "purged"
    assert operator.post(REAPER).json() == {"results": []}


@pytest.mark.parametrize("group", ["support", "operator", "billing"])
def test_others_than_admins_look_and_do_not_purge(group: str) -> None:
    organization_in("past its retention")
    caller = Caller(Client(), operator_token(group))
    assert caller.get(REAPER).json()["count"] == 1
    assert code(caller.post(REAPER)) == (403, "permission_denied")
    assert caller.get(REAPER).json()["count"] == 1


def test_a_schedules_job_is_run_over_all_tenants(operator: Caller) -> None:
    assert "back-up-tenants" in [
        one["name"] for one in operator.get("/api/admin/schedules").json()["results"]
    ]
    assert operator.post("/api/admin/schedules/back-up-tenants/run").status_code == 202
    assert DBTaskResult.objects.get().task_path == "rbac.tasks.back_up_all"


def test_an_unknown_schedule_is_not_found(operator: Caller) -> None:
    assert code(operator.post("/api/admin/schedules/none/run")) == (404, "not_found")


def test_a_support_operator_runs_no_schedule() -> None:
    support = Caller(Client(), operator_token("support"))
    assert code(support.post("/api/admin/schedules/reap/run")) == (403, "permission_denied")
