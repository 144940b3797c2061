"""The gate's step 5: who has a subscription in force, to the second."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django_tasks_db.models import DBTaskResult

from billing import subscriptions
from billing.tasks import measure_propagation
from tenants.models import Organization
from tests.api import Caller, code
from tests.factories import SYSTEM, UserFactory, make_organization, member_token
from tests.pulse.test_metrics import value

pytestmark = pytest.mark.usefixtures("database")

END = datetime(2030, 5, 1, 12, 0, 0, tzinfo=UTC)
REQUIRED = (402, "subscription_required")


@pytest.fixture
def member(database: None, client) -> Caller:
    """The owner of acme."""
    make_organization("acme")
    return Caller(client, member_token("acme"))


def set_state(state: str, ends_at: datetime | None = None) -> None:
    subscriptions.set_state("acme", state=state, trial_ends_at=ends_at, actor=SYSTEM)


@pytest.mark.parametrize("state", ["active", "grace"])
@pytest.mark.parametrize("ends_at", [None, datetime(2020, 1, 1, tzinfo=UTC)])
def test_what_is_paid_for_passes_whatever_a_trials_end(
    member: Caller, state: str, ends_at: datetime | None
) -> None:
    set_state(state, ends_at)
    assert member.get("/api/org").status_code == 200


@pytest.mark.parametrize("state", ["expired", "suspended", "canceled"])
@pytest.mark.parametrize("ends_at", [None, datetime(2099, 1, 1, tzinfo=UTC)])
def test_what_is_over_is_refused_whatever_a_trials_end(
    member: Caller, state: str, ends_at: datetime | None
) -> None:
    set_state(state, ends_at)
    assert code(member.get("/api/org")) == REQUIRED


@pytest.mark.parametrize(
    ("before_the_end", "status"),
    [
        (timedelta(days=14), 200),
        (timedelta(seconds=1), 200),
        (timedelta(microseconds=1), 200),
        (timedelta(0), 402),
        (timedelta(seconds=-1), 402),
    ],
)
def test_a_trial_is_over_at_its_end_to_the_second(
    member: Caller, before_the_end: timedelta, status: int
) -> None:
    set_state("trial", END)
    with time_machine.travel(END - before_the_end, tick=False):
        assert member.get("/api/org").status_code == status


def test_a_trial_without_an_end_is_over(member: Caller) -> None:
    set_state("trial")
    assert code(member.get("/api/org")) == REQUIRED


def test_a_change_holds_at_the_very_next_request(member: Caller) -> None:
    answers = []
    for state in ("active", "canceled", "grace", "expired", "active"):
        set_state(state)
        answers.append(member.get("/api/org").status_code)
    assert answers == [200, 402, 200, 402, 200]


@pytest.mark.parametrize("timeline", ["", "[]", "nonsense", '[[1,1,""]]', "[[null,1]]", "[1]", "null"])
def test_a_timeline_that_says_nothing_of_now_is_no_pass(member: Caller, timeline: str) -> None:
    Organization.objects.filter(id="acme").update(entitlement_timeline=timeline)
    assert code(member.get("/api/org")) == (503, "state_unavailable")


def test_the_edge_is_refused_alike(member: Caller) -> None:
    set_state("expired")
    assert code(member.get("/edge/check")) == REQUIRED


@pytest.mark.parametrize("state", ["trial", "expired", "suspended", "canceled"])
def test_the_default_organization_is_exempt(client, state: str) -> None:
    subscriptions.set_state("default", state=state, actor=SYSTEM)
    someone = UserFactory()
    someone.memberships.create(organization_id="default")
    assert Caller(client, member_token("default", someone)).get("/edge/check").status_code == 204


def test_a_suspension_is_told_before_a_missing_subscription(member: Caller, operator: Caller) -> None:
    set_state("expired")
    operator.post("/api/admin/orgs/acme/suspend")
    assert code(member.get("/api/org")) == (403, "org_suspended")


def test_operators_act_on_an_organization_without_a_subscription(member: Caller, operator: Caller) -> None:
    set_state("canceled")
    assert operator.get("/api/admin/orgs/acme").status_code == 200


def test_a_person_in_a_browser_gets_a_page_that_says_so(member: Caller) -> None:
    set_state("expired")
    page = member.get("/api/org", accept="text/html")
    assert page.status_code == 402
    assert "no subscription in force" in page.content.decode()


def test_the_refusal_is_counted(member: Caller) -> None:
    set_state("expired")
    before = value("pulse_gate_refusals_total", code="subscription_required")
    member.get("/api/org")
    assert value("pulse_gate_refusals_total", code="subscription_required") == before + 1


def test_a_change_is_measured_by_the_job_that_sees_it_in_force() -> None:
    make_organization("acme")
    set_state("active")
    [task] = DBTaskResult.objects.filter(task_path="billing.tasks.measure_propagation")
    before = value("pulse_billing_propagation_seconds_count")
    measure_propagation.call(*task.args_kwargs["args"])
    assert value("pulse_billing_propagation_seconds_count") == before + 1


def test_a_change_that_is_not_in_force_is_not_measured() -> None:
    make_organization("acme")
    Organization.objects.update(entitlement_timeline="[]")
    before = value("pulse_billing_propagation_seconds_count")
    assert measure_propagation.call("acme", END.isoformat()) is None
    assert measure_propagation.call("gone", END.isoformat()) is None
    assert value("pulse_billing_propagation_seconds_count") == before
