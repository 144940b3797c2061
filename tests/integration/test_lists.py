"""Every list of the admin takes as many queries for fifty rows as for five."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult, get_date_max

from billing.models import Override, Plan, PlanVersion, StripeEvent, Subscription
from pulse import audit
from pulse.models import AuditEvent, Freeze, KillSwitch, Schedule
from tenants.models import ApiToken, BulkResult, BulkRun, InvitationCode, Membership, Organization, User
from tests.admin import queries, signed_in
from tests.factories import SYSTEM

pytestmark = pytest.mark.usefixtures("database")


def make_organizations(numbers: Iterable[int]) -> None:
    for number in numbers:
        one = Organization.objects.create(id=f"tenant-{number}", display_name=f"Tenant {number}")
        owner = User.objects.create(email=f"owner@tenant-{number}.example", is_staff=True)
        Membership.objects.create(organization=one, user=owner, is_owner=True)
        ApiToken.objects.create(
            organization=one, user=owner, prefix=f"pulse_{number}", token_hash=f"{number}", created_by="x"
        )


def make_subscriptions(numbers: Iterable[int]) -> None:
    numbers = list(numbers)
    make_organizations(numbers)
    for number in numbers:
        plan = Plan.objects.create(id=f"plan-{number}", name="Plan")
        version = PlanVersion.objects.create(plan=plan, number=1)
        Subscription.objects.create(organization_id=f"tenant-{number}", plan_version=version)
        Override.objects.create(
            organization_id=f"tenant-{number}", plan_version=version, reason="why", author="x"
        )


def make_events(numbers: Iterable[int]) -> None:
    for number in numbers:
        person = User.objects.create(email=f"person-{number}@pulse.example")
        audit.record("thing.done", actor=SYSTEM, after={"user": str(person.public_id)})


def make_stripe_events(numbers: Iterable[int]) -> None:
    numbers = list(numbers)
    make_organizations(numbers)
    for number in numbers:
        StripeEvent.objects.create(
            id=f"evt_{number}", type="invoice.paid", created=timezone.now(), payload={}, customer="cus_1",
            organization_id=f"tenant-{number}",
        )  # fmt: skip


def make_bulk_runs(numbers: Iterable[int]) -> None:
    for number in numbers:
        operator = User.objects.create(email=f"operator-{number}@pulse.example")
        run = BulkRun.objects.create(operation="suspend", operator=operator)
        BulkResult.objects.create(run=run, organization="acme")


def make_codes(numbers: Iterable[int]) -> None:
    end = timezone.now() + timedelta(days=1)
    for number in numbers:
        InvitationCode.objects.create(prefix="pulse", code_hash=f"{number}", created_by="x", expires_at=end)


def make_schedules(numbers: Iterable[int]) -> None:
    for number in numbers:
        Schedule.objects.create(name=f"schedule-{number}", task="pulse.tasks.tidy", cron="* * * * *")


def make_runs(numbers: Iterable[int]) -> None:
    for _ in numbers:
        DBTaskResult.objects.create(
            args_kwargs={"args": [], "kwargs": {}}, task_path="pulse.tasks.tidy", run_after=get_date_max(),
            backend_name="default", exception_class_path="", traceback="",
        )  # fmt: skip


ROWS: dict[type[Model], Callable[[Iterable[int]], None]] = {
    Organization: make_organizations,
    User: make_organizations,
    ApiToken: make_organizations,
    InvitationCode: make_codes,
    BulkRun: make_bulk_runs,
    BulkResult: make_bulk_runs,
    Subscription: make_subscriptions,
    Plan: make_subscriptions,
    StripeEvent: make_stripe_events,
    AuditEvent: make_events,
    Schedule: make_schedules,
    DBTaskResult: make_runs,
}


APPS = ("pulse", "tenants", "billing", "django_tasks_database")


def test_every_list_is_asked_about() -> None:
    # The switches are one page each, and lists of nothing.
    ours = {model for model in admin.site._registry if model._meta.app_label in APPS}
    assert ours - {KillSwitch, Freeze} == set(ROWS)


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_a_list_takes_as_many_queries_for_fifty_rows_as_for_five(model: type[Model]) -> None:
    client = signed_in("admin")
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    ROWS[model](range(5))
    for_five = queries(client, path)
    ROWS[model](range(5, 50))
    assert queries(client, path) == for_five
