"""What an operator does about Stripe's events that had no effect: sees them, and has them processed anew."""

import json
from datetime import timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string

from billing import entitlements, stripe_events
from billing.models import StripeEvent
from billing.tasks import process_stripe_events, tidy_stripe_events
from pulse.models import AuditEvent, Schedule
from pulse.problems import PermissionRefused
from tests.billing.admin import make_event
from tests.billing.stripe_world import SECRET, deliver, event, process, subscription
from tests.factories import acting, make_operator, make_organization
from tests.pulse.test_metrics import families, value

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def configured(settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


def billing(*arguments: str, exits: int = 0) -> Any:
    out = StringIO()
    status = 0
    try:
        call_command("billing", *arguments, "--json", stdout=out)
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == exits
    return json.loads(out.getvalue())


def park(number: int) -> None:
    deliver(event(number, subscription("levitating")))
    for day in range(stripe_events.MOST_ATTEMPTS):
        process(days=day)


def held(status: str) -> float:
    return value("pulse_billing_stripe_events_held", status=status)


def test_parked_events_and_those_of_nobody_are_listed_and_counted() -> None:
    make_organization("acme")
    park(1)
    deliver(event(2, subscription(metadata={}, customer="cus_9")))
    process()
    deliver(event(3, subscription(id="sub_3")))
    rows = billing("events")
    assert [(row["id"], row["status"]) for row in rows] == [
        ("evt_000001", "parked"),
        ("evt_000002", "unknown_customer"),
    ]
    assert "levitating" in rows[0]["error"]
    assert [row["id"] for row in billing("events", "--status", "waiting")] == ["evt_000003"]
    assert (held("parked"), held("unknown_customer"), held("waiting")) == (1, 1, 1)


def test_a_parked_event_is_processed_anew_once_its_cause_is_gone() -> None:
    make_organization("acme")
    park(1)
    parked = StripeEvent.objects.get()
    parked.payload["data"]["object"]["status"] = "paused"
    parked.save()
    assert billing("retry", parked.id, "--reason", "upgraded")[0]["result"] == "done"
    process()
    assert entitlements.for_organization("acme").state == "suspended"
    audited = AuditEvent.objects.get(verb="billing.retry")
    assert (audited.organization, audited.reason) == ("", "upgraded")


def test_an_event_of_nobody_is_processed_anew_once_its_organization_exists() -> None:
    deliver(event(1, subscription()))
    process()
    make_organization("acme")
    billing("retry", "evt_000001")
    process()
    assert entitlements.for_organization("acme").state == "active"


def test_what_has_had_its_effect_is_not_processed_anew() -> None:
    make_organization("acme")
    deliver(event(1, subscription()))
    process()
    assert billing("retry", "evt_000001", exits=1)[0]["result"] == "nothing_to_retry"
    assert billing("retry", "evt_000009", exits=1)[0]["result"] == "not_found"


def test_the_scheduled_job_takes_up_what_a_worker_that_was_down_for_a_day_left() -> None:
    make_organization("acme")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(1, 6):
            deliver(event(number, subscription("paused" if number % 2 else "active")))
        deliver(event(6, subscription("levitating")))
        clock.shift(timedelta(days=1))
        assert process_stripe_events.call() == 6
        clock.shift(timedelta(minutes=1))
        assert process_stripe_events.call() == 1
    assert entitlements.for_organization("acme").state == "suspended"


def test_after_three_months_only_what_needs_a_person_is_kept() -> None:
    make_organization("acme")
    park(1)
    deliver(event(2, subscription()))
    deliver(event(3, {"object": "invoice", "customer": "cus_1"}, kind="invoice.paid"))
    deliver(event(4, subscription(id="sub_4", customer="cus_4", metadata={})))
    process()
    now = timezone.now()
    with time_machine.travel(now + timedelta(days=89)):
        assert tidy_stripe_events.call() == 0
    with time_machine.travel(now + timedelta(days=91)):
        assert tidy_stripe_events.call() == 2
    kept = StripeEvent.objects.order_by("id").values_list("id", "status")
    assert list(kept) == [("evt_000001", "parked"), ("evt_000004", "unknown_customer")]


def test_an_upgrade_keeps_nothing_of_what_irrelevant_events_said() -> None:
    make_event(id="evt_1", status="irrelevant")
    make_event(id="evt_2", status="parked")
    import_module("billing.migrations.0006_tidy_stripe_events").empty_irrelevant(apps, None)
    assert [bool(one.payload) for one in StripeEvent.objects.order_by("id")] == [False, True]


def test_the_stripe_events_are_tidied_by_night() -> None:
    assert import_string(Schedule.objects.get(name="tidy-stripe-events").task) is tidy_stripe_events


def test_while_the_database_fails_nothing_is_counted() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_stripeevent RENAME TO elsewhere")
    assert "pulse_billing_stripe_events_held" not in families()


def test_who_may_retry() -> None:
    deliver(event(1, subscription()))
    process()
    with pytest.raises(PermissionRefused):
        stripe_events.retry("evt_000001", actor=acting(make_operator("operator")))
    stripe_events.retry("evt_000001", actor=acting(make_operator("billing")))
