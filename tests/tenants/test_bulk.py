"""One operation on many organizations: each has its result, and a killed worker loses and repeats nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from billing.models import Override
from pulse import faults, freeze
from pulse.actors import Actor
from pulse.models import AuditEvent
from pulse.problems import PermissionRefused
from rbac import databases
from tenants import bulk, errors, lifecycle, people
from tenants.models import DEFAULT_ORGANIZATION, BulkResult, BulkRun, Membership, Organization, Status, User
from tests.factories import SYSTEM, acting, make_operator, make_organization
from tests.tenants.states import STEPS

pytestmark = pytest.mark.usefixtures("database")

TASK = "tenants.tasks.proceed_with_bulk_runs"


def make_rows(count: int) -> list[str]:
    """That many organizations without databases."""
    rows = [Organization(id=f"tenant-{number}") for number in range(count)]
    Organization.objects.bulk_create(rows)
    return [one.id for one in rows]


@pytest.fixture
def operator(database: None) -> Actor:
    return acting(make_operator("admin"), door="admin")


def die() -> None:
    raise KeyboardInterrupt


def states(run: BulkRun) -> dict[str, str]:
    return dict(run.results.values_list("organization", "state"))


def test_a_run_has_a_result_for_each(operator: Actor) -> None:
    ids = make_rows(3)
    lifecycle.suspend(ids[1], actor=SYSTEM)
    run = bulk.start("suspend", [*ids, DEFAULT_ORGANIZATION, "gone"], actor=operator, reason="leak")
    assert bulk.counts(run) == {"waiting": 5}
    assert bulk.proceed() is False
    assert states(run) == {
        ids[0]: "done", ids[1]: "refused", ids[2]: "done", DEFAULT_ORGANIZATION: "refused", "gone": "refused",
    }  # fmt: skip
    assert run.results.get(organization=ids[1]).detail == errors.AlreadySuspended.detail


@pytest.mark.parametrize("count", [20, pytest.param(1000, marks=pytest.mark.drill)])
def test_many_in_one_go_of_which_one_is_refused(count: int, operator: Actor) -> None:
    ids = make_rows(count)
    lifecycle.suspend(ids[count // 2], actor=SYSTEM)
    run = bulk.start("suspend", ids, actor=operator, reason="leak")
    assert bulk.proceed(seconds=600) is False
    assert bulk.counts(run) == {"done": count - 1, "refused": 1}


def test_each_change_is_the_operators_with_the_reason_and_the_request(operator: Actor) -> None:
    (one,) = make_rows(1)
    bulk.start("suspend", [one], actor=operator, reason="leak")
    bulk.proceed()
    event = AuditEvent.objects.get(verb="organization.suspend")
    assert (event.actor, event.door, event.reason) == (operator.name, "admin", "leak")


def test_its_start_and_its_end_are_recorded(operator: Actor) -> None:
    run = bulk.start("suspend", make_rows(2), actor=operator, reason="leak")
    bulk.proceed()
    told = AuditEvent.objects.filter(verb__startswith="bulk.").order_by("sequence")
    assert [(event.verb, event.after) for event in told] == [
        ("bulk.start", {"run": run.pk, "operation": "suspend", "organizations": 2}),
        ("bulk.finish", {"run": run.pk, "operation": "suspend", "done": 2}),
    ]


def test_a_start_enqueues_the_job(operator: Actor) -> None:
    bulk.start("suspend", make_rows(1), actor=operator)
    assert DBTaskResult.objects.filter(task_path=TASK).count() == 1


def test_what_is_not_done_in_time_is_left_for_the_next(operator: Actor) -> None:
    run = bulk.start("suspend", make_rows(3), actor=operator)
    assert bulk.proceed(seconds=0) is True
    assert bulk.counts(run) == {"done": 1, "waiting": 2}
    assert bulk.proceed() is False
    assert bulk.counts(run) == {"done": 3}


def test_a_worker_that_dies_repeats_nothing(operator: Actor) -> None:
    """Its change and its result are one transaction: neither is there, or both."""
    ids = [make_organization(name).id for name in ("acme", "blue")]
    until = (timezone.now() + timedelta(days=9)).isoformat()
    bulk.start("extend_trial", ids, actor=operator, reason="asked", parameters={"until": until})
    faults.arm("bulk.one_done", die)
    with pytest.raises(KeyboardInterrupt):
        bulk.proceed()
    faults.disarm()
    assert not Override.objects.exists()
    assert bulk.proceed() is False
    assert Override.objects.count() == len(ids)
    assert bulk.proceed() is False
    assert Override.objects.count() == len(ids)


def test_one_that_fails_keeps_no_other(operator: Actor) -> None:
    for one in ("acme", "blue"):
        make_organization(one)
    databases.file_of("acme").write_bytes(b"no database")
    run = bulk.start("verify", ["acme", "blue"], actor=operator)
    bulk.proceed()
    assert states(run) == {"acme": "failed", "blue": "done"}
    assert "rbac" in run.results.get(organization="acme").detail


@pytest.mark.parametrize("operation", ["back_up", "migrate", "verify", "unsuspend", "suspend"])
def test_every_operation_is_carried_out(operation: str, operator: Actor) -> None:
    make_organization("acme")
    if operation == "unsuspend":
        lifecycle.suspend("acme", actor=SYSTEM)
    run = bulk.start(operation, ["acme"], actor=operator, reason="why")
    bulk.proceed()
    assert states(run) == {"acme": "done"}


def test_many_are_moved_to_another_plan(operator: Actor) -> None:
    make_organization("acme")
    run = bulk.start("move_plan", ["acme"], actor=operator, reason="deal", parameters={"plan": "team"})
    bulk.proceed()
    assert states(run) == {"acme": "done"}
    assert Override.objects.get().plan_version.plan_id == "team"


def test_cancelling_leaves_what_is_done(operator: Actor) -> None:
    ids = make_rows(3)
    run = bulk.start("suspend", ids, actor=operator)
    bulk.proceed(seconds=0)
    bulk.cancel(run.pk, actor=operator, reason="wrong list")
    assert bulk.proceed() is False
    assert states(run) == {ids[0]: "done", ids[1]: "canceled", ids[2]: "canceled"}
    assert Organization.objects.filter(status=Status.SUSPENDED).count() == 1
    assert AuditEvent.objects.get(verb="bulk.cancel").after["undone"] == 2


def test_a_run_that_is_over_cannot_be_cancelled(operator: Actor) -> None:
    run = bulk.start("suspend", make_rows(1), actor=operator)
    bulk.proceed()
    with pytest.raises(errors.AlreadyFinished):
        bulk.cancel(run.pk, actor=operator)


def test_an_operator_who_has_lost_the_permission_does_no_more() -> None:
    user = make_operator("operator")
    run = bulk.start("suspend", make_rows(2), actor=acting(user))
    bulk.proceed(seconds=0)
    user.groups.clear()
    bulk.proceed()
    assert sorted(states(run).values()) == ["done", "refused"]


def test_a_purge_erases_a_former_operator_with_runs_and_their_runs_do_no_more() -> None:
    make_organization("acme")
    former = make_operator("operator")
    Membership.objects.create(user=former, organization_id="acme")
    run = bulk.start("suspend", make_rows(2), actor=acting(former))
    bulk.proceed(seconds=0)
    people.change_groups(former, groups=[], actor=SYSTEM)
    for step in STEPS["purged"]:
        step("acme")
    assert not User.objects.filter(pk=former.pk).exists()
    bulk.proceed()
    assert sorted(states(run).values()) == ["done", "refused"]
    run.refresh_from_db()
    assert run.wanted_by == "somebody who was erased"


def test_a_freeze_holds_for_what_a_run_has_left(operator: Actor) -> None:
    ids = [make_organization(name).id for name in ("acme", "blue")]
    until = (timezone.now() + timedelta(days=9)).isoformat()
    trials = bulk.start("extend_trial", ids, actor=operator, reason="x", parameters={"until": until})
    bulk.proceed(seconds=0)
    freeze.begin(actor=SYSTEM, reason="leak")
    suspensions = bulk.start("suspend", ids, actor=operator, reason="leak")
    bulk.proceed()
    assert states(trials) == {"acme": "done", "blue": "refused"}
    assert states(suspensions) == {"acme": "done", "blue": "done"}


def test_a_freeze_lets_no_operation_but_the_named_do_anything(operator: Actor) -> None:
    """Walked from the list of operations, of which each run may be started."""
    make_organization("acme")
    until = (timezone.now() + timedelta(days=9)).isoformat()
    given = {"extend_trial": {"until": until}, "move_plan": {"plan": "team"}}
    freeze.begin(actor=SYSTEM, reason="leak")
    refused = set()
    for name in bulk._operations:
        run = bulk.start(name, ["acme"], actor=operator, reason="x", parameters=given.get(name))
        bulk.proceed()
        if "frozen" in run.results.get().detail:
            refused.add(name)
    assert refused == set(bulk._operations) - {"suspend", "unsuspend", "verify", "back_up"}


@pytest.mark.parametrize(("operation", "group"), [("suspend", "support"), ("extend_trial", "operator")])
def test_a_run_takes_the_permission_of_its_verb(operation: str, group: str) -> None:
    with pytest.raises(PermissionRefused):
        bulk.start(operation, make_rows(1), actor=acting(make_operator(group)))
    assert not BulkRun.objects.exists()


def test_nothing_and_too_many_are_refused(operator: Actor) -> None:
    with pytest.raises(errors.NothingSelected):
        bulk.start("suspend", [], actor=operator)
    with pytest.raises(errors.TooManySelected):
        bulk.start("suspend", [f"tenant-{number}" for number in range(bulk.MOST + 1)], actor=operator)


def test_an_organization_selected_twice_has_one_result(operator: Actor) -> None:
    (one,) = make_rows(1)
    run = bulk.start("suspend", [one, one], actor=operator)
    assert BulkResult.objects.filter(run=run).count() == 1


def test_two_runs_are_carried_out_one_after_the_other(operator: Actor) -> None:
    ids = make_rows(1)
    first = bulk.start("suspend", ids, actor=operator)
    second = bulk.start("unsuspend", ids, actor=operator)
    bulk.proceed()
    assert states(first) == states(second) == {ids[0]: "done"}
