"""What billing costs in queries: bounds that a careless change would pass."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing import overrides
from billing.overrides import Wanted
from tests.api import Caller
from tests.billing.stripe_world import SECRET, deliver, event, process, subscription
from tests.factories import SYSTEM, make_organization, operator_token

pytestmark = pytest.mark.usefixtures("database")

STATE = "/api/admin/orgs/acme/billing-state"
# Savepoints cost nothing that matters.
NO_QUERY = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")


@pytest.fixture(autouse=True)
def acme(database: None, settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    make_organization("acme")


def queries(act: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return sum(not query["sql"].startswith(NO_QUERY) for query in captured)


def test_a_webhook_is_stored_in_few() -> None:
    assert queries(lambda: deliver(event(1, subscription()))) <= 6
    assert queries(lambda: deliver(event(1, subscription()))) <= 4


def test_an_event_is_processed_in_as_many_as_the_one_before() -> None:
    for number in range(1, 4):
        deliver(event(number, subscription()))
        process()
    deliver(event(4, subscription("paused")))
    assert queries(process) <= 40
    deliver(event(3, subscription("active")))
    deliver(event(2, subscription("active", id="sub_1"), created=1))
    assert queries(process) <= 14


def test_the_state_is_read_in_as_many_for_ten_overrides_as_for_none() -> None:
    caller = Caller(Client(), operator_token("billing"))
    caller.get(STATE)
    few = queries(lambda: caller.get(STATE))
    for number in range(10):
        overrides.add("acme", Wanted(plan="team", limits={"seats": number}), actor=SYSTEM, reason="x")
    assert queries(lambda: caller.get(STATE)) == few <= 9
