"""A webhook storm over HTTP and in process, while the worker is killed again and again."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from billing import webhooks
from billing.models import StripeEvent
from billing.tasks import process_stripe_events
from tests.billing import storm
from tests.billing.stripe_world import SECRET, body, process, signed
from tests.processes import environment, running, wait_for, web_server
from tests.snapshots import Snapshot

pytestmark = pytest.mark.usefixtures("database")

WORKER = [sys.executable, "manage.py", "worker", "--no-startup-delay", "--no-reload", "--skip-checks"]
KILLS = 3
TRIES = 5
STEP = 50


@pytest.fixture(autouse=True)
def configured(settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


@pytest.mark.parametrize("count", [120, pytest.param(5000, marks=pytest.mark.drill)])
def test_a_storm_with_a_worker_killed_thrice_ends_as_the_ordered_delivery(
    count: int, snapshot: Snapshot, tmp_path: Path
) -> None:
    events = storm.ordered(count)
    expected = one_by_one(events)
    snapshot.restore()

    storm.make_customers()
    with web_server(tmp_path, STRIPE_WEBHOOK_SECRETS=SECRET) as base, ThreadPoolExecutor(4) as stripe:
        delivery = storm.shuffled(events)
        over_http = stripe.map(lambda one: post(base, one), delivery[: len(delivery) // 5])
        for one in delivery[len(delivery) // 5 :]:
            receive(one)
        with worker_that_is_killed(tmp_path, total=count):
            assert set(over_http) == {200}
            wait_for_settled(count)

    assert storm.end_state() == expected
    assert sorted(storm.audited()) == sorted(storm.applied())
    assert StripeEvent.objects.count() == count


def one_by_one(events: list[storm.Event]) -> dict[str, object]:
    """What it comes to when each event is delivered once, in order, and processed before the next."""
    storm.make_customers()
    for one in events:
        receive(one)
        process()
    return storm.end_state()


def receive(event: storm.Event) -> None:
    payload = body(event)
    webhooks.receive(payload, signature=signed(payload))


def post(base: str, event: storm.Event) -> int:
    """As Stripe, which delivers again what was not answered with 200: SQLite may have been busy too long."""
    payload = body(event)
    for _ in range(TRIES):
        answer = requests.post(
            f"{base}/api/webhooks/stripe",
            data=payload,
            headers={"Stripe-Signature": signed(payload), "Content-Type": "application/json"},
            timeout=60,
        )
        if answer.ok:
            break
    return answer.status_code


@contextmanager
def worker_that_is_killed(tmp_path: Path, *, total: int) -> Iterator[None]:
    """A worker that is killed -9 after each quarter of the events, and started anew."""
    for kill in range(1, KILLS + 1):
        log = tmp_path / f"worker-{kill}.log"
        with running(WORKER, env=environment(), log=log) as worker:
            wait_for_settled(total * kill // (KILLS + 1))
            worker.kill()
        # As the schedule does each minute: the job that was killed is lost for a while.
        process_stripe_events.enqueue()
    with running(WORKER, env=environment(), log=tmp_path / "worker.log"):
        yield


def wait_for_settled(goal: int) -> None:
    """As long as it goes on."""
    while (reached := storm.settled()) < goal:
        following = min(goal, reached + STEP)
        wait_for(lambda following=following: storm.settled() >= following, what=f"{following} events")
