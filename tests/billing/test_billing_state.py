"""`billing-state` and the entitlements, over the API: overrides as layers that come and go."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from billing import subscriptions
from billing.models import Override
from pulse.models import AuditEvent
from tests.api import Caller, code
from tests.factories import SYSTEM, make_organization, member_token, operator_token

pytestmark = pytest.mark.usefixtures("database")

STATE = "/api/admin/orgs/acme/billing-state"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIELDS = {
    "subscription_state", "plan_version", "capabilities", "limits", "meters_enabled", "trial_ends_at",
    "origin",
}  # fmt: skip


@pytest.fixture
def member(database: None) -> Caller:
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


def test_a_new_organization_is_on_trial_for_fourteen_days(operator: Caller) -> None:
    with time_machine.travel(NOW, tick=False):
        make_organization("acme")
        shown = operator.get(STATE).json()
    assert set(shown) == FIELDS
    assert (shown["subscription_state"], shown["plan_version"]) == ("trial", "trial v1")
    assert shown["trial_ends_at"] == "2026-03-15T12:00:00Z"


def test_the_default_organization_has_no_record(operator: Caller) -> None:
    shown = operator.get("/api/admin/orgs/default/billing-state").json()
    assert (shown["subscription_state"], shown["plan_version"]) == ("trial", "trial")
    assert (shown["capabilities"], shown["limits"], shown["meters_enabled"]) == ([], {}, [])


@pytest.mark.usefixtures("member")
def test_put_makes_the_state_what_it_says(operator: Caller) -> None:
    wanted = {
        "subscription_state": "active",
        "plan_version": "team v1",
        "capabilities": ["api", "sso"],
        "limits": {"seats": 99},
        "meters_enabled": ["api_requests"],
    }
    shown = operator.put(STATE, wanted).json()
    limits = shown.pop("limits")
    assert {name: shown[name] for name in wanted if name != "limits"} == {
        name: value for name, value in wanted.items() if name != "limits"
    }
    assert limits["seats"] == 99
    assert limits["nodes"] == 250


def test_what_get_shows_can_be_put_back_unchanged(operator: Caller, member: Caller) -> None:
    before = operator.get(STATE).json()
    assert operator.put(STATE, before).json() == before
    assert not Override.objects.exists()


@pytest.mark.usefixtures("member")
def test_only_what_differs_is_laid_and_the_subscription_counts_on(operator: Caller) -> None:
    before = operator.get(STATE).json()
    after = operator.put(STATE, before | {"limits": before["limits"] | {"seats": 70}}).json()
    assert after["limits"]["seats"] == 70
    assert after["origin"]["limits"]["nodes"] == "plan trial v1"
    subscriptions.set_state("acme", state="active", plan="team", actor=SYSTEM)
    now = operator.get(STATE).json()
    assert (now["subscription_state"], now["plan_version"]) == ("active", "team v1")


def test_a_state_that_a_later_trial_would_end_is_laid(operator: Caller) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        make_organization("acme")
        clock.shift(timedelta(days=15))
        later = (NOW + timedelta(days=40)).isoformat()
        shown = operator.put(STATE, {"subscription_state": "expired", "trial_ends_at": later}).json()
    assert (shown["subscription_state"], shown["trial_ends_at"]) == ("expired", "2026-04-10T12:00:00Z")


def test_an_expired_state_is_felt_at_the_next_request_and_its_revocation_too(
    operator: Caller, member: Caller
) -> None:
    operator.put(STATE, {"subscription_state": "expired"})
    assert code(member.get("/api/org")) == (402, "subscription_required")
    operator.put(STATE, {"subscription_state": "active"})
    assert member.get("/api/org").status_code == 200


@pytest.mark.usefixtures("member")
def test_a_second_put_takes_the_place_of_the_first(operator: Caller) -> None:
    operator.put(STATE, {"limits": {"seats": 70}})
    shown = operator.put(STATE, {"subscription_state": "grace"}).json()
    assert shown["limits"]["seats"] == 5


@pytest.mark.usefixtures("member")
def test_the_plan_trial_is_a_plan_like_others(operator: Caller) -> None:
    subscriptions.set_state("acme", state="active", plan="team", actor=SYSTEM)
    shown = operator.put(STATE, {"plan_version": "trial"}).json()
    assert shown["plan_version"] == "trial v1"
    assert shown["origin"]["plan_version"].startswith("override #")


def test_the_default_without_a_plan_can_be_put_back(operator: Caller) -> None:
    state = "/api/admin/orgs/default/billing-state"
    before = operator.get(state).json()
    after = operator.put(state, before).json()
    assert {**after, "origin": None} == {**before, "origin": None}


@pytest.mark.usefixtures("member")
def test_a_put_that_says_nothing_takes_the_earlier_override_away_and_leaves_none(operator: Caller) -> None:
    operator.put(STATE, {"limits": {"seats": 70}})
    shown = operator.put(STATE, {}).json()
    assert shown["limits"]["seats"] == 5
    assert not Override.objects.standing().exists()


@pytest.mark.usefixtures("member")
@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ({"subscription_state": "gold"}, "invalid_subscription_state"),
        ({"subscription_state": 7}, "invalid_subscription_state"),
        ({"plan_version": "gold"}, "unknown_plan"),
        ({"plan_version": "team v9"}, "unknown_plan"),
        ({"plan_version": "team vx"}, "unknown_plan"),
        ({"capabilities": ["api", "flying"]}, "unknown_capability"),
        ({"meters_enabled": ["flights"]}, "unknown_meter"),
        ({"limits": {"wings": 2}}, "invalid_limit"),
        ({"limits": {"seats": -1}}, "invalid_limit"),
        ({"limits": {"seats": 1.5}}, "invalid_limit"),
        ({"limits": {"seats": "7"}}, "invalid_limit"),
        ({"limits": {"seats": True}}, "invalid_limit"),
        ({"limits": {"seats": 2**31}}, "invalid_limit"),
        ({"limits": [1]}, "invalid_limit"),
        ({"reason": "x" * 501, "subscription_state": "active"}, "invalid_reason"),
        ([], "invalid_request"),
    ],
)
def test_put_refuses_and_changes_nothing(operator: Caller, wanted: Any, refusal: str) -> None:
    before = operator.get(STATE).content
    assert code(operator.put(STATE, wanted)) == (400, refusal)
    assert operator.get(STATE).content == before


@pytest.mark.usefixtures("member")
def test_put_with_a_stale_etag_is_refused(operator: Caller) -> None:
    read = operator.get(STATE)["ETag"]
    assert operator.put(STATE, {"subscription_state": "grace"}, if_match=read).status_code == 200
    stale = operator.put(STATE, {"subscription_state": "expired"}, if_match=read)
    assert code(stale) == (412, "stale_version")
    assert operator.get(STATE).json()["subscription_state"] == "grace"


@pytest.mark.usefixtures("member")
def test_the_difference_is_in_the_audit(operator: Caller) -> None:
    operator.put(STATE, {"subscription_state": "grace", "reason": "invoice 12"})
    event = AuditEvent.objects.get(verb="billing.override")
    assert event.before["subscription_state"] == "trial"
    assert event.after["subscription_state"] == "grace"
    assert event.reason == "invoice 12"


@pytest.mark.usefixtures("member")
@pytest.mark.parametrize(
    ("group", "status"), [("support", 403), ("operator", 403), ("billing", 200), ("admin", 200)]
)
def test_who_may_override(group: str, status: int) -> None:
    caller = Caller(Client(), operator_token(group))
    assert caller.put(STATE, {"subscription_state": "grace"}).status_code == status
    assert caller.get(STATE).status_code == 200


def test_unknown_organizations_are_not_found(operator: Caller) -> None:
    assert code(operator.get("/api/admin/orgs/gone/billing-state")) == (404, "not_found")
    assert code(operator.put("/api/admin/orgs/gone/billing-state", {"subscription_state": "active"})) == (
        404,
        "not_found",
    )


def test_the_tenant_reads_its_entitlements(operator: Caller, member: Caller) -> None:
    operator.put(STATE, {"subscription_state": "active", "plan_version": "business"})
    shown = member.get("/api/org/entitlements").json()
    assert (shown["state"], shown["plan_version"]) == ("active", "business v1")
    assert "sso" in shown["capabilities"]


def test_a_trial_ends_at_its_second_without_a_job(database: None) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        make_organization("acme")
        member = Caller(Client(), member_token("acme"))
        clock.move_to(NOW + timedelta(days=14, seconds=-1))
        assert member.get("/api/org").status_code == 200
        clock.move_to(NOW + timedelta(days=14))
        assert code(member.get("/api/org")) == (402, "subscription_required")


def test_a_clock_that_jumps_back_makes_the_trial_go_on(database: None) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        make_organization("acme")
        member = Caller(Client(), member_token("acme"))
        clock.move_to(NOW + timedelta(days=14))
        assert member.get("/api/org").status_code == 402
        clock.move_to(NOW + timedelta(days=14, hours=-1))
        assert member.get("/api/org").status_code == 200


def test_an_entitlement_raises_the_rate_and_never_lowers_it(
    operator: Caller, member: Caller, settings
) -> None:
    settings.PULSE_TENANT_RATE = "2/minute"
    operator.put(STATE, {"limits": {"requests_per_minute": 4}})
    answers = [member.get("/api/org").status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    operator.put(STATE, {"limits": {"requests_per_minute": 1}})
    *_, refused = [member.get("/api/org") for _ in range(3)]
    assert (refused.status_code, refused["X-RateLimit-Limit"]) == (429, "2")


def test_verification_finds_a_timeline_that_does_not_match(operator: Caller, member: Caller) -> None:
    from tenants.models import Organization

    Organization.objects.filter(id="acme").update(entitlement_timeline='[[null,1,""]]')
    findings = operator.get("/api/admin/orgs/acme/verify").json()["findings"]
    assert findings == {"billing": ["the gate's timeline does not match the subscription and its overrides"]}
