"""Two operators override one organization at once: nothing is lost, and the gate reads what the rows say."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from billing import entitlements, overrides
from billing.models import Override
from billing.overrides import Wanted
from billing.tenant_resource import Billing
from pulse.models import AuditEvent
from tests.api import Caller
from tests.factories import SYSTEM, make_organization, operator_token

pytestmark = pytest.mark.usefixtures("database")

STATE = "/api/admin/orgs/acme/billing-state"
ROUNDS = 5


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each answers; all start together, each on a connection of its own."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        barrier.wait(30)
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as operators:
        return list(operators.map(run, acts))


def whole() -> bool:
    organization = make_organization("acme")
    return Billing().verify(organization) == []


def put(name: str, value: int, **headers: str) -> Callable[[], HttpResponse]:
    """An operator of their own who sets one limit."""
    caller = Caller(Client(), operator_token("billing"))
    return lambda: caller.put(STATE, {"limits": {name: value}}, **headers)


def test_of_two_that_have_read_the_same_state_one_is_refused_as_stale(operator: Caller) -> None:
    make_organization("acme")
    for number in range(ROUNDS):
        read = operator.get(STATE)["ETag"]
        answers = at_once(
            put("seats", 100 + number, if_match=read), put("seats", 200 + number, if_match=read)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        [won] = [answer.json() for answer in answers if answer.status_code == 200]
        assert operator.get(STATE).json() == won
    assert whole()
    assert AuditEvent.objects.filter(verb="billing.override").count() == ROUNDS


def test_two_that_put_unconditionally_leave_the_whole_of_one() -> None:
    make_organization("acme")
    for number in range(ROUNDS):
        answers = at_once(put("seats", 100 + number), put("nodes", 200 + number))
        assert [answer.status_code for answer in answers] == [200, 200]
        [standing] = Override.objects.standing()
        assert standing.limits in ({"seats": 100 + number}, {"nodes": 200 + number})
        assert whole()
    assert Override.objects.count() == 2 * ROUNDS


def test_two_layers_laid_at_once_both_stand() -> None:
    make_organization("acme")
    at_once(
        lambda: overrides.add("acme", Wanted(limits={"seats": 70}), actor=SYSTEM, reason="one"),
        lambda: overrides.add(
            "acme", Wanted(limits={"requests_per_minute": 9000}), actor=SYSTEM, reason="two"
        ),
    )
    effective = entitlements.for_organization("acme")
    assert (effective.limit("seats"), effective.limit("requests_per_minute")) == (70, 9000)
    assert whole()


def test_of_two_that_revoke_the_same_layer_one_is_refused() -> None:
    make_organization("acme")
    laid = overrides.add("acme", Wanted(state="active"), actor=SYSTEM, reason="x")

    def revoke() -> str:
        try:
            overrides.revoke(laid.pk, actor=SYSTEM)
        except overrides.errors.AlreadyRevoked as refusal:
            return refusal.code
        return "revoked"

    assert sorted(at_once(revoke, revoke)) == ["already_revoked", "revoked"]
    assert whole()
