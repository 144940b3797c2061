"""Stripe's events in any order, of several subscriptions and customers, by several workers."""

import itertools
import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from billing import entitlements, plans
from billing.models import StripeEvent, Subscription
from tests.billing.stripe_world import BEGAN, SECRET, checkout, deliver, event, process, subscription
from tests.factories import SYSTEM, make_organization
from tests.processes import wait_for

pytestmark = pytest.mark.usefixtures("database")

DELETED = "customer.subscription.deleted"


@pytest.fixture(autouse=True)
def configured(settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture
def acme(database: None) -> str:
    publish("team", "price_team")
    return make_organization("acme").id


def publish(plan: str, *prices: str) -> str:
    return str(
        plans.publish(plan, actor=SYSTEM, capabilities=["api"], limits={}, meters=[], price_ids=prices)
    )


def state(organization_id: str = "acme") -> str:
    return entitlements.for_organization(organization_id).state


def plan() -> str:
    return entitlements.for_organization("acme").plan_version


def status_of(number: int) -> str:
    return StripeEvent.objects.get(id=f"evt_{number:06d}").status


OLD, NEW = {"id": "sub_1", "created": BEGAN}, {"id": "sub_2", "created": BEGAN + 2}
SUCCESSION: list[dict[str, Any]] = [
    event(1, subscription("active", **OLD)),
    event(2, subscription("incomplete", **NEW)),
    event(3, subscription("active", **NEW)),
    event(4, subscription("canceled", **OLD), kind=DELETED),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_the_end_of_an_earlier_subscription_does_not_end_its_successor(acme: str, order: Any) -> None:
    for index in order:
        deliver(SUCCESSION[index])
        process()
    assert (state(), Subscription.objects.get().stripe_subscription) == ("active", "sub_2")


def test_a_successor_whose_first_payment_is_open_takes_nothing_away(acme: str) -> None:
    for one in SUCCESSION[:2]:
        deliver(one)
    process()
    assert (state(), Subscription.objects.get().stripe_subscription) == ("active", "sub_1")


FAILED: list[dict[str, Any]] = [
    event(1, checkout(), kind="checkout.session.completed"),
    event(2, subscription("incomplete"), kind="customer.subscription.created"),
    event(3, subscription("incomplete_expired")),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_a_first_payment_that_fails_leaves_a_running_trial_as_it_is(acme: str, order: Any) -> None:
    before = entitlements.for_organization("acme")
    for index in [*order, *order]:
        deliver(FAILED[index])
        process()
    after = entitlements.for_organization("acme")
    assert (after.state, after.trial_ends_at) == ("trial", before.trial_ends_at)
    assert (after.plan_version, after.in_force) == (before.plan_version, True)
    deliver(event(4, subscription("active", id="sub_2")))
    process()
    assert (state(), plan()) == ("active", "team v2")


def test_a_first_payment_that_fails_leaves_an_ended_subscription_ended(acme: str) -> None:
    events = [
        event(1, subscription("canceled", **OLD), kind=DELETED),
        event(2, subscription("incomplete", **NEW)),
    ]
    for one in events:
        deliver(one)
        process()
    assert (state(), Subscription.objects.get().stripe_subscription) == ("canceled", "sub_1")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
def test_a_customer_who_pays_for_two_organizations_pays_for_each(acme: str, order: tuple[int, ...]) -> None:
    make_organization("globex")
    events = [
        event(1, subscription("paused", id="sub_1")),
        event(2, subscription("active", id="sub_2", metadata={"organization": "globex"})),
    ]
    for index in order:
        deliver(events[index])
    process()
    assert (state("acme"), state("globex")) == ("suspended", "active")


def test_a_subscription_stays_with_its_organization_when_its_metadata_is_gone(acme: str) -> None:
    make_organization("globex")
    deliver(event(1, subscription("active", id="sub_1")))
    deliver(event(2, subscription("active", id="sub_2", metadata={"organization": "globex"})))
    deliver(event(3, subscription("paused", id="sub_2", metadata={})))
    process()
    assert (state("acme"), state("globex")) == ("active", "suspended")


def test_what_came_before_the_customer_was_known_is_taken_up_whatever_made_them_known(acme: str) -> None:
    deliver(event(2, subscription("paused", metadata={})))
    process()
    assert status_of(2) == "unknown_customer"
    deliver(event(1, subscription("active")))
    process()
    assert (state(), status_of(2)) == ("suspended", "applied")


def test_events_of_a_customer_whom_nobody_knows_are_left_alone(acme: str) -> None:
    deliver(event(1, subscription(metadata={"organization": "not an id\x00"}, customer=None)))
    assert process() == 1
    assert process() == 0
    assert status_of(1) == "unknown_customer"


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=str)
def test_a_checkout_that_comes_late_takes_nothing_back(acme: str, order: tuple[int, ...]) -> None:
    events = {
        1: event(1, checkout(customer="cus_old", subscription="sub_0"), kind="checkout.session.completed"),
        2: event(2, subscription("active")),
    }
    for number in order:
        deliver(events[number])
        process()
    ours = Subscription.objects.get()
    assert (ours.state, ours.stripe_customer, ours.stripe_subscription) == ("active", "cus_1", "sub_1")


def test_a_checkout_that_buys_no_subscription_changes_nothing(acme: str) -> None:
    deliver(event(1, checkout(mode="payment", subscription=None), kind="checkout.session.completed"))
    process()
    assert status_of(1) == "irrelevant"
    assert Subscription.objects.get().source == "manual"


def test_a_subscriber_keeps_their_version_of_a_plan_when_a_new_one_has_the_same_price(acme: str) -> None:
    deliver(event(1, subscription()))
    process()
    assert publish("team", "price_team") == "team v3"
    deliver(event(2, subscription()))
    process()
    assert plan() == "team v2"
    make_organization("globex")
    deliver(event(3, subscription(id="sub_2", customer="cus_2", metadata={"organization": "globex"})))
    process()
    assert entitlements.for_organization("globex").plan_version == "team v3"


def test_another_price_moves_to_its_plan_and_an_unknown_one_keeps_the_present(acme: str) -> None:
    publish("starter", "price_starter")
    for number, price in enumerate(("price_team", "price_starter", "price_of_nothing"), start=1):
        deliver(event(number, subscription(items={"data": [{"price": price, "current_period_end": BEGAN}]})))
    process()
    assert plan() == "starter v2"


def test_of_several_items_the_first_known_price_chooses_the_plan(acme: str) -> None:
    items = [{"price": {"id": "price_of_seats"}}, {"price": {"id": "price_team"}}]
    deliver(event(1, subscription(items={"data": items})))
    process()
    assert plan() == "team v2"


def test_a_failed_payment_without_a_period_still_has_an_end(acme: str) -> None:
    with time_machine.travel(BEGAN + 60):
        deliver(event(1, subscription("past_due", items={"data": []}, created=BEGAN)))
        process()
        assert state() == "grace"
    with time_machine.travel(BEGAN + 14 * 86_400):
        assert state() == "expired"


# The clock.


def test_an_event_is_processed_though_the_clock_was_set_back(acme: str) -> None:
    deliver(event(1, subscription()))
    assert process(hours=-1) == 1


def test_a_retry_is_not_put_off_by_a_clock_that_was_set_back(acme: str) -> None:
    deliver(event(1, subscription("levitating")))
    process()
    assert process(hours=-1) == 1
    assert process(hours=-1, seconds=5) == 0


# Several workers.


def test_an_older_event_that_another_worker_holds_does_not_overwrite_the_newer(acme: str) -> None:
    """It waits for the organization, and only then compares."""
    deliver(event(1, subscription("canceled")))
    StripeEvent.objects.update(try_after=timezone.now() + timedelta(minutes=1))
    deliver(event(2, subscription("active")))
    with transaction.atomic():
        process()
        racing = threading.Thread(target=process_and_close, kwargs={"minutes": 2})
        racing.start()
        if connection.vendor == "postgresql":
            wait_for(somebody_waits_for_a_lock, what="the other worker to wait")
    racing.join(30)
    assert (state(), status_of(1), status_of(2)) == ("active", "outdated", "applied")


def test_two_workers_at_once_process_each_event_once(acme: str) -> None:
    for number in range(1, 31):
        deliver(event(number, subscription(("active", "past_due", "paused")[number % 3])))
    workers = [threading.Thread(target=process_and_close) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert state() == "active"
    settled = StripeEvent.objects.values_list("status", "attempts").distinct()
    assert {attempts for _, attempts in settled} == {0}
    assert {status for status, _ in settled} <= {"applied", "outdated"}


def test_a_worker_passes_over_what_another_has(acme: str) -> None:
    if connection.vendor != "postgresql":
        return  # On SQLite writers take turns.
    deliver(event(1, subscription()))
    deliver(event(2, subscription("paused")))
    with transaction.atomic():
        StripeEvent.objects.select_for_update().get(pk="evt_000001")
        racing = threading.Thread(target=process_and_close)
        racing.start()
        racing.join(30)
        assert not racing.is_alive()
    assert (status_of(1), status_of(2)) == ("waiting", "applied")


def process_and_close(**later: int) -> None:
    process(**later)
    connection.close()


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])
