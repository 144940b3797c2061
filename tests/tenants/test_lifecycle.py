"""The lifecycle: each cell of its table through the operators' API, and what each transition leaves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from pulse.models import AuditEvent
from pulse.problems import Problem
from tenants import errors, lifecycle
from tests.api import Caller, code
from tests.factories import SYSTEM, make_organization
from tests.tenants.scrape import value_of
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")

VERBS = ["suspend", "unsuspend", "soft-delete", "restore"]
ALLOWED = [
    ("active", "suspend", "suspended"),
    ("suspended", "unsuspend", "active"),
    ("active", "soft-delete", "pending_deletion"),
    ("suspended", "soft-delete", "pending_deletion"),
    ("pending_deletion", "restore", "active"),
    ("suspended, then pending_deletion", "restore", "suspended"),
    ("past its retention", "restore", "active"),
]
REFUSED = [
    ("suspended", "suspend", (409, "already_suspended")),
    ("pending_deletion", "suspend", (409, "already_pending_deletion")),
    ("active", "unsuspend", (409, "not_suspended")),
    ("pending_deletion", "unsuspend", (409, "not_suspended")),
    ("suspended, then pending_deletion", "unsuspend", (409, "not_suspended")),
    ("pending_deletion", "soft-delete", (409, "already_pending_deletion")),
    ("active", "restore", (409, "not_pending_deletion")),
    ("suspended", "restore", (409, "not_pending_deletion")),
    *[("purged", verb, (404, "not_found")) for verb in VERBS],
]
PURGE_REFUSED = [
    ("active", (409, "not_pending_deletion")),
    ("suspended", (409, "not_pending_deletion")),
    ("pending_deletion", (409, "retention_not_over")),
    ("purged", (404, "not_found")),
]
LIFECYCLE_FIELDS = {
    "status", "status_changed_at", "suspended_at", "suspend_reason",
    "deletion_requested_at", "retention_days", "purge_after",
}  # fmt: skip


def path(verb: str, organization_id: str = "acme") -> str:
    return f"/api/admin/orgs/{organization_id}/{verb}"


def lifecycle_of(operator: Caller, organization_id: str = "acme") -> dict[str, Any]:
    shown = operator.get(f"/api/admin/orgs/{organization_id}").json()
    return {name: shown[name] for name in LIFECYCLE_FIELDS}


@pytest.mark.parametrize(("state", "verb", "target"), ALLOWED)
def test_each_allowed_transition_leads_to_its_state(operator: Caller, state, verb, target) -> None:
    organization_in(state)
    answer = operator.post(path(verb))
    assert (answer.status_code, answer.json()["status"]) == (200, target)
    assert lifecycle_of(operator)["status"] == target


@pytest.mark.parametrize(("state", "verb", "refusal"), REFUSED)
def test_each_other_transition_is_refused_and_changes_nothing(operator: Caller, state, verb, refusal) -> None:
    organization_in(state)
    before = lifecycle_of(operator)
    assert code(operator.post(path(verb))) == refusal
    assert lifecycle_of(operator) == before


@pytest.mark.parametrize(("state", "refusal"), PURGE_REFUSED)
def test_purge_is_refused_before_the_retention_is_over(operator: Caller, state, refusal) -> None:
    organization_in(state)
    with pytest.raises(Problem) as refused:
        lifecycle.purge("acme", actor=SYSTEM)
    assert (refused.value.status, refused.value.code) == refusal


def test_purge_keeps_a_tombstone_without_personal_data(operator: Caller) -> None:
    organization_in("purged")
    tombstone = operator.get("/api/admin/orgs/acme").json()
    assert tombstone["status"] == "purged"
    assert (tombstone["display_name"], tombstone["suspend_reason"], tombstone["owner_email"]) == (
        "",
        "",
        None,
    )


@pytest.mark.parametrize(
    ("verb", "refusal"),
    [
        ("suspend", (400, "default_org_immutable")),
        ("soft-delete", (400, "default_org_immutable")),
        ("unsuspend", (409, "not_suspended")),
        ("restore", (409, "not_pending_deletion")),
    ],
)
def test_the_default_organization_stays_active(operator: Caller, verb, refusal) -> None:
    assert code(operator.post(path(verb, "default"))) == refusal
    assert lifecycle_of(operator, "default")["status"] == "active"


def test_purge_refuses_the_default_organization() -> None:
    with pytest.raises(Problem) as refused:
        lifecycle.purge("default", actor=SYSTEM)
    assert (refused.value.status, refused.value.code) == (400, "default_org_immutable")


def test_an_unknown_or_malformed_id_is_not_found(operator: Caller) -> None:
    for organization_id in ["nobody", "Acme", "a b", "-acme", "%00", "..", "a" * 3000, "é"]:
        answers = {code(operator.post(path(verb, organization_id))) for verb in VERBS}
        assert (organization_id, answers) == (organization_id, {(404, "not_found")})


def test_soft_delete_refuses_a_retention_that_is_no_number_of_days(operator: Caller) -> None:
    make_organization("acme")
    for days in [0, -1, 1.5, 1.0, "30", 10**9, 10**30, 3651, True, None, [], {}]:
        answer = operator.post(path("soft-delete"), {"retention_days": days})
        assert (days, code(answer)) == (days, (400, "invalid_retention_days"))
        assert "retention_days" in answer.json()["errors"]
    assert lifecycle_of(operator)["status"] == "active"


def test_the_verb_refuses_it_from_every_other_door_too() -> None:
    make_organization("acme")
    for days in [0, -1, 1.5, "30", 10**9, True, None]:
        with pytest.raises(errors.InvalidRetentionDays):
            lifecycle.soft_delete("acme", actor=SYSTEM, retention_days=days)


@pytest.mark.parametrize("days", [1, 3650])
def test_soft_delete_counts_the_retention_from_now(operator: Caller, days) -> None:
    make_organization("acme")
    with time_machine.travel(datetime(2030, 5, 1, 12, tzinfo=UTC), tick=False):
        shown = operator.post(path("soft-delete"), {"retention_days": days}).json()
    assert shown["deletion_requested_at"] == "2030-05-01T12:00:00Z"
    end = datetime(2030, 5, 1, 12, tzinfo=UTC) + timedelta(days=days)
    assert shown["purge_after"] == end.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert shown["retention_days"] == days


def test_the_retention_is_30_days_unless_said_otherwise(operator: Caller) -> None:
    make_organization("acme")
    assert operator.post(path("soft-delete")).json()["retention_days"] == 30


REASONS_REFUSED = [
    "x" * 501, "x" * 10_000, "a\x00b", "a\nb", "a\x1bb", "a\u2028b", "a\u202eb", "\ud800", 5, None, [], {},
]  # fmt: skip


def test_a_reason_that_is_no_line_of_text_is_refused(operator: Caller) -> None:
    make_organization("acme")
    for reason in REASONS_REFUSED:
        answers = {code(operator.post(path(verb), {"reason": reason})) for verb in VERBS}
        assert (reason, answers) == (reason, {(400, "invalid_reason")})
    assert lifecycle_of(operator)["status"] == "active"


@pytest.mark.parametrize("reason", ["x" * 10_000, "a\nb"])
def test_the_verb_refuses_such_a_reason_from_every_other_door_too(reason) -> None:
    make_organization("acme")
    with pytest.raises(Problem) as refused:
        lifecycle.suspend("acme", actor=SYSTEM, reason=reason)
    assert refused.value.code == "invalid_reason"


@pytest.mark.parametrize("reason", ["x" * 500, "1\u00a0200 € überfällig", "नमस्ते\u200d", "👩\u200d💻", ""])
def test_suspend_keeps_the_reason_as_it_was_given(operator: Caller, reason) -> None:
    make_organization("acme")
    assert operator.post(path("suspend"), {"reason": reason}).json()["suspend_reason"] == reason


def test_suspend_tells_when_in_utc(operator: Caller) -> None:
    make_organization("acme")
    with time_machine.travel(datetime(2030, 1, 1, 10, 30, 15, tzinfo=UTC), tick=False):
        shown = operator.post(path("suspend")).json()
    assert shown["suspended_at"] == shown["status_changed_at"] == "2030-01-01T10:30:15Z"


def test_unsuspend_clears_the_suspension(operator: Caller) -> None:
    organization_in("suspended")
    shown = operator.post(path("unsuspend")).json()
    assert (shown["suspended_at"], shown["suspend_reason"]) == (None, "")


def test_restore_clears_the_deletion_and_keeps_the_suspension(operator: Caller) -> None:
    organization_in("suspended, then pending_deletion")
    shown = operator.post(path("restore")).json()
    assert (shown["deletion_requested_at"], shown["retention_days"], shown["purge_after"]) == (None,) * 3
    assert shown["suspend_reason"] == "unpaid"
    assert shown["suspended_at"] is not None


@pytest.mark.parametrize(("state", "verb", "target"), ALLOWED)
def test_each_transition_is_one_audit_event(operator: Caller, state, verb, target) -> None:
    before = organization_in(state).status
    events = "/api/admin/orgs/acme/events"
    earlier = operator.get(events).json()["count"]
    operator.post(path(verb), {"reason": "because"}, x_request_id="request-7")
    timeline = operator.get(events).json()
    assert timeline["count"] == earlier + 1
    event = timeline["results"][0]
    assert event["verb"] == f"organization.{verb.replace('-', '_')}"
    assert (event["before"]["status"], event["after"]["status"]) == (before, target)
    assert (event["reason"], event["request_id"], event["door"]) == ("because", "request-7", "api")
    assert event["actor_kind"] == "user"
    assert "@" not in event["actor"]


def test_a_refused_transition_is_no_audit_event(operator: Caller) -> None:
    organization_in("suspended")
    before = AuditEvent.objects.count()
    operator.post(path("suspend"))
    assert AuditEvent.objects.count() == before


def test_a_transition_is_counted(operator: Caller) -> None:
    make_organization("acme")
    counter = "pulse_hosted_lifecycle_transitions_total"
    before = value_of(counter, from_status="active", to_status="suspended")
    operator.post(path("suspend"))
    operator.post(path("suspend"))
    assert value_of(counter, from_status="active", to_status="suspended") == before + 1


def waiting_mails() -> int:
    return DBTaskResult.objects.filter(task_path="tenants.tasks.mail_owners").count()


def test_a_transition_that_does_not_commit_leaves_no_trace() -> None:
    make_organization("acme")
    counter, labels = (
        "pulse_hosted_lifecycle_transitions_total",
        {"from_status": "active", "to_status": "suspended"},
    )
    before = value_of(counter, **labels), AuditEvent.objects.count(), waiting_mails()
    with transaction.atomic():
        lifecycle.suspend("acme", actor=SYSTEM)
        transaction.set_rollback(True)
    assert (value_of(counter, **labels), AuditEvent.objects.count(), waiting_mails()) == before


@pytest.mark.parametrize(("state", "verb", "target"), ALLOWED)
def test_each_transition_queues_a_mail_to_the_owners(operator: Caller, state, verb, target) -> None:
    organization_in(state)
    before = waiting_mails()
    operator.post(path(verb))
    assert waiting_mails() == before + 1


def test_no_mail_is_queued_when_the_operator_has_switched_it_off(operator: Caller, settings) -> None:
    settings.PULSE_NOTIFY_OWNERS = False
    make_organization("acme")
    operator.post(path("suspend"))
    assert waiting_mails() == 0
