"""Plans and their versions: published, kept, and moved to."""

from typing import Any

import pytest

from billing import entitlements, overrides, plans, subscriptions
from billing.models import PlanVersion
from pulse.models import AuditEvent
from pulse.problems import PermissionRefused, Problem
from tests.factories import SYSTEM, acting, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")

WHOLE: dict[str, Any] = {"capabilities": ["api"], "limits": {"seats": 7}, "meters": ["api_requests"]}


def publish(plan: str = "team", **changes: Any) -> PlanVersion:
    return plans.publish(plan, **({"actor": SYSTEM} | WHOLE | changes))


def seats(organization_id: str) -> tuple[str, int | None]:
    effective = entitlements.for_organization(organization_id)
    return effective.plan_version, effective.limit("seats")


def subscribe(organization_id: str) -> None:
    make_organization(organization_id)
    subscriptions.set_state(organization_id, state="active", plan="team", actor=SYSTEM)


def test_the_plans_that_ship_have_their_first_version() -> None:
    first = PlanVersion.objects.filter(number=1).values_list("plan", flat=True)
    assert set(first) == {"trial", "starter", "team", "business"}


def test_a_subscriber_keeps_their_version_until_moved_and_a_new_one_gets_the_newest() -> None:
    subscribe("acme")
    publish(limits={"seats": 7})
    subscribe("globex")
    assert (seats("acme"), seats("globex")) == (("team v1", 50), ("team v2", 7))
    overrides.move_plan("acme", plan="team", actor=SYSTEM, reason="asked")
    assert seats("acme") == ("team v2", 7)


def test_a_new_version_leaves_the_ones_before_as_they_were() -> None:
    before = PlanVersion.objects.filter(plan="team").values().get()
    publish()
    assert PlanVersion.objects.filter(plan="team", number=1).values().get() == before


def test_an_earlier_version_can_be_given_by_its_number() -> None:
    publish(limits={"seats": 7})
    make_organization("acme")
    overrides.move_plan("acme", plan="team v1", actor=SYSTEM, reason="promised")
    assert seats("acme") == ("team v1", 50)


def test_a_plan_is_made_with_its_first_version_and_audited() -> None:
    assert str(publish("enterprise", name="Enterprise")) == "enterprise v1"
    event = AuditEvent.objects.get(verb="plan.publish")
    assert event.after["plan"] == "enterprise v1"
    assert event.after["limits"] == {"seats": 7}


@pytest.mark.parametrize(
    ("plan", "changes", "refusal"),
    [
        ("team v2", {}, "invalid_plan"),
        ("Team", {}, "invalid_plan"),
        ("", {}, "invalid_plan"),
        ("p" * 33, {}, "invalid_plan"),
        ("team", {"capabilities": ["flying"]}, "unknown_capability"),
        ("team", {"meters": ["flights"]}, "unknown_meter"),
        ("team", {"limits": {"wings": 2}}, "invalid_limit"),
        ("team", {"limits": {"seats": -1}}, "invalid_limit"),
    ],
)
def test_what_is_not_in_the_catalogue_is_not_published(
    plan: str, changes: dict[str, Any], refusal: str
) -> None:
    before = PlanVersion.objects.count()
    with pytest.raises(Problem) as refused:
        publish(plan, **changes)
    assert refused.value.code == refusal
    assert PlanVersion.objects.count() == before


@pytest.mark.parametrize("group", ["billing", "admin"])
def test_billing_and_admin_may_publish(group: str) -> None:
    assert str(publish(actor=acting(make_operator(group)))) == "team v2"


@pytest.mark.parametrize("group", ["support", "operator"])
def test_others_may_not_publish(group: str) -> None:
    with pytest.raises(PermissionRefused):
        publish(actor=acting(make_operator(group)))


def test_in_process_the_code_asks_by_name() -> None:
    subscribe("acme")
    effective = entitlements.for_organization("acme")
    assert effective.has("audit_export")
    assert not effective.has("sso")
    assert (effective.limit("seats"), effective.limit("nothing")) == (50, None)
