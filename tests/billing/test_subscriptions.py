"""The verbs that change a subscription: what they write, refuse, record, and tell the gate."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from billing import catalogue, entitlements, subscriptions
from billing.errors import InvalidSubscriptionState
from billing.models import State, Subscription
from pulse.models import AuditEvent
from pulse.problems import InvalidReason, PermissionRefused, Problem
from tenants.errors import OrganizationNotFound
from tenants.models import Organization
from tests.factories import SYSTEM, acting, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")

END = datetime(2030, 1, 1, tzinfo=UTC)


def effective(organization_id: str) -> tuple[str, datetime | None]:
    """The state that comes of it, and its trial's end."""
    found = entitlements.for_organization(organization_id)
    return found.state, found.trial_ends_at


def test_a_new_organization_has_a_trial_of_14_days() -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        make_organization("acme")
    assert catalogue.TRIAL_DAYS == 14
    assert effective("acme") == ("trial", now + timedelta(days=14))
    assert Subscription.objects.get(organization="acme").trial_ends_at == now + timedelta(days=14)


@pytest.mark.parametrize("state", State.values)
def test_each_state_holds(state: str) -> None:
    make_organization("acme")
    subscriptions.set_state("acme", state=state, trial_ends_at=END, actor=SYSTEM)
    assert effective("acme") == (state, END)
    assert Subscription.objects.get(organization="acme").state == state


def test_a_state_without_an_end_has_none() -> None:
    make_organization("acme")
    subscriptions.set_state("acme", state="active", actor=SYSTEM)
    assert effective("acme") == ("active", None)


def test_a_change_is_recorded_with_before_and_after() -> None:
    make_organization("acme")
    subscriptions.set_state("acme", state="canceled", actor=SYSTEM, reason="unpaid")
    event = AuditEvent.objects.get(verb="billing.set_state")
    assert (event.organization, event.reason) == ("acme", "unpaid")
    assert event.before["subscription_state"] == "trial"
    assert event.after["subscription_state"] == "canceled"
    assert event.after["trial_ends_at"] is None


@pytest.mark.parametrize("state", ["", "ACTIVE", "paid", "purged", " active"])
def test_any_other_state_is_refused(state: str) -> None:
    make_organization("acme")
    with pytest.raises(InvalidSubscriptionState):
        subscriptions.set_state("acme", state=state, actor=SYSTEM)
    assert effective("acme")[0] == "trial"


def test_a_refused_reason_changes_nothing() -> None:
    make_organization("acme")
    with pytest.raises(InvalidReason):
        subscriptions.set_state("acme", state="active", actor=SYSTEM, reason="x" * 501)
    assert effective("acme")[0] == "trial"
    assert Subscription.objects.get().state == "trial"


def test_an_unknown_organization_is_not_found() -> None:
    with pytest.raises(OrganizationNotFound):
        subscriptions.set_state("nothing", state="active", actor=SYSTEM)


def test_a_purged_organization_is_not_found() -> None:
    make_organization("acme")
    Organization.objects.filter(id="acme").update(status="purged")
    with pytest.raises(OrganizationNotFound):
        subscriptions.set_state("acme", state="active", actor=SYSTEM)


def test_an_organization_without_a_subscription_gets_one() -> None:
    subscriptions.set_state("default", state="active", actor=SYSTEM)
    assert Subscription.objects.get(organization="default").state == "active"


@pytest.mark.parametrize("group", ["billing", "admin"])
def test_billing_and_admin_may_change(group: str) -> None:
    make_organization("acme")
    subscriptions.set_state("acme", state="active", actor=acting(make_operator(group)))
    assert effective("acme")[0] == "active"


@pytest.mark.parametrize("group", ["support", "operator"])
def test_others_may_not(group: str) -> None:
    make_organization("acme")
    with pytest.raises(PermissionRefused):
        subscriptions.set_state("acme", state="active", actor=acting(make_operator(group)))
    assert effective("acme")[0] == "trial"


def test_the_refusal_of_a_state_is_a_400() -> None:
    problem: Problem = InvalidSubscriptionState()
    assert (problem.status, problem.code) == (400, "invalid_subscription_state")


def test_a_subscription_reads_as_what_it_is() -> None:
    make_organization("acme")
    assert str(Subscription.objects.get()) == "acme: trial"
