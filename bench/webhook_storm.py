"""A storm of Stripe's webhooks: what an event takes to be stored and processed, to two atomic inserts.

Events are signed and go through the WSGI handler as Stripe's do, a quarter of them twice; then one run of
the job processes the burst, as after a storm. Storing and settling cannot cost less than two inserts of a
row, each in a transaction of its own. On SQLite, and on PostgreSQL where `PULSE_TEST_DATABASE_URL` is set.
"""

import hashlib
import hmac
import itertools
import json
import os
import subprocess
import sys
import time
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.utils import timezone

from bench import ground, measure, postgres
from bench.gate import environment, start_response
from bench.lifecycle import insert
from bench.measure import alternately, median
from bench.results import Result, run
from billing import stripe_events
from billing.models import PlanVersion, StripeEvent

SECRET, PRICE = "whsec_bench", "price_team"
ORGANIZATIONS = 10
BURST, REPEATED, ROUNDS = 40, 10, 12
BEGAN = 1_767_225_600  # 2026-01-01

numbers = itertools.count(1)


def measured() -> list[Result]:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    ground.migrate()
    for number in range(ORGANIZATIONS):
        ground.organization(f"customer-{number}")
    PlanVersion.objects.filter(plan="team").update(price_ids=[PRICE])
    stored, processed, inserts = alternately(
        Storing(), Processing(), insert, rounds=ROUNDS, calls=BURST, title="webhook storm"
    )
    if StripeEvent.objects.exclude(status="applied").exists():
        raise AssertionError("not every event was applied")
    where = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]
    event, atomic_insert = median(stored) + median(processed), median(inserts)
    name = f"a Stripe event stored and processed on {where}"
    rate, inserts_rate = 1e6 / event, 1e6 / atomic_insert / 2
    return [
        Result(f"{name}, to two atomic inserts", event, 2 * atomic_insert, "µs"),
        Result(f"{name}, to storing it", event, median(stored), "µs"),
        Result(f"{name}, to processing it", event, median(processed), "µs"),
        Result(f"Stripe events a second on {where}, to pairs of inserts", rate, inserts_rate, "a second"),
    ]


class Storing:
    """Delivers a burst, and processes it when the clock has stopped."""

    def microseconds(self, calls: int) -> float:
        events = burst(calls)
        taken = measure.time(lambda: deliver(events), 1) / calls
        process()
        return taken


class Processing:
    """Processes a burst that was delivered before the clock started."""

    def microseconds(self, calls: int) -> float:
        deliver(burst(calls))
        return measure.time(process, 1) / calls


def process() -> None:
    stripe_events.process_due(now=timezone.now())


def burst(size: int) -> list[tuple[bytes, str]]:
    """So many events with their signatures, and some of them once more."""
    payloads = [json.dumps(event(next(numbers))).encode() for _ in range(size)]
    repeated = payloads[:: size // REPEATED]
    return [(payload, signed(payload)) for payload in (*payloads, *repeated)]


def deliver(events: list[tuple[bytes, str]]) -> None:
    for payload, signature in events:
        headers = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(payload)),
            "HTTP_STRIPE_SIGNATURE": signature,
            "wsgi.input": BytesIO(payload),
        }
        asked = environment("/api/webhooks/stripe", "") | headers
        del asked["HTTP_AUTHORIZATION"]
        response = handler(asked, start_response)
        response.close()
        if response.status_code != 200:
            raise AssertionError(response.status_code)


handler = WSGIHandler()


def event(number: int) -> dict[str, Any]:
    """A subscription's change, each newer than the ones before."""
    subscription = {
        "id": f"sub_{number % ORGANIZATIONS}",
        "object": "subscription",
        "customer": f"cus_{number % ORGANIZATIONS}",
        "status": ("active", "past_due")[number // ORGANIZATIONS % 2],
        "cancel_at_period_end": False,
        "trial_end": None,
        "metadata": {"organization": f"customer-{number % ORGANIZATIONS}"},
        "items": {
            "data": [
                {
                    "price": {"id": PRICE},
                    "current_period_start": BEGAN,
                    "current_period_end": BEGAN + 30 * 86_400,
                }
            ]
        },
    }
    return {
        "id": f"evt_{number:09d}",
        "object": "event",
        "type": "customer.subscription.updated",
        "created": BEGAN + number,
        "data": {"object": subscription},
    }


def signed(payload: bytes) -> str:
    """The header `Stripe-Signature`, scheme v1."""
    at = int(time.time())
    digest = hmac.new(SECRET.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def on_both() -> list[Result]:
    return [*measured(), *on_postgres()]


def on_postgres() -> list[Result]:
    """The same in a process of its own, whose control data are on PostgreSQL."""
    with postgres.database("the webhook storm") as url:
        if url is None:
            return []
        command = [sys.executable, "-m", "bench.webhook_storm", "--json"]
        environ = os.environ | {ground.DATABASE_URL: url}
        done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True)
    return [Result.from_json(row) for row in json.loads(done.stdout)]


if __name__ == "__main__":
    run(measured if ground.DATABASE_URL in os.environ else on_both)
