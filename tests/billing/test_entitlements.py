"""What the layers come to: tables of cases over unsaved rows, and the timeline against them at any moment."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import timeline
from billing.entitlements import Entitlements, Layers, effective
from billing.models import Override, Plan, PlanVersion, State, Subscription

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
TEAM = PlanVersion(
    plan=Plan(id="team"), number=2, capabilities=["api", "sso"], limits={"seats": 50}, meters=["api_requests"]
)
SMALL = PlanVersion(plan=Plan(id="starter"), number=1, capabilities=["api"], limits={"seats": 5})


def subscribed(state: str = State.ACTIVE, **changes: Any) -> Subscription:
    return Subscription(**({"organization_id": "acme", "state": state, "plan_version": TEAM} | changes))


def laid(**changes: Any) -> Override:
    return Override(**({"pk": 7, "author": "ann", "valid_from": NOW - DAY, "reason": "why"} | changes))


def come_to(subscription: Subscription | None, *overrides: Override, at: datetime = NOW) -> Entitlements:
    return effective(Layers(subscription, overrides), at=at)


def test_without_a_record_it_is_a_trial_that_is_over() -> None:
    found = come_to(None)
    assert (found.state, found.plan_version, found.in_force) == ("trial", "trial", False)
    assert (found.capabilities, found.limits, found.meters) == (frozenset(), {}, frozenset())
    assert found.origin["subscription_state"] == "default"


@pytest.mark.parametrize(
    ("subscription", "state", "in_force"),
    [
        (subscribed("trial", trial_ends_at=NOW + SECOND), "trial", True),
        (subscribed("trial", trial_ends_at=NOW), "expired", False),
        (subscribed("trial"), "trial", False),
        (subscribed("active"), "active", True),
        (subscribed("active", period_ends_at=NOW - DAY), "active", True),
        (subscribed("active", period_ends_at=NOW, cancel_at_period_end=True), "canceled", False),
        (subscribed("active", period_ends_at=NOW + SECOND, cancel_at_period_end=True), "active", True),
        (subscribed("grace", grace_ends_at=NOW + SECOND), "grace", True),
        (subscribed("grace", grace_ends_at=NOW), "expired", False),
        (subscribed("grace"), "grace", True),
        (subscribed("expired"), "expired", False),
        (subscribed("suspended"), "suspended", False),
        (subscribed("canceled"), "canceled", False),
    ],
)
def test_a_subscription_is_what_the_clock_makes_of_it(
    subscription: Subscription, state: str, in_force: bool
) -> None:
    found = come_to(subscription)
    assert (found.state, found.in_force) == (state, in_force)


@pytest.mark.parametrize("state", ["expired", "suspended", "canceled"])
def test_without_service_there_are_no_capabilities_and_the_limits_stay(state: str) -> None:
    found = come_to(subscribed(state))
    assert not found.capabilities
    assert found.limit("seats") == 50


def test_each_part_says_where_it_comes_from() -> None:
    override = laid(capabilities_added=["audit_export"], limits={"seats": 80}, valid_until=NOW + DAY)
    origin = come_to(subscribed(), override).origin
    by = f"override #7 by ann until {(NOW + DAY).isoformat()}"
    assert origin["subscription_state"] == "subscription (manual)"
    assert origin["capabilities"] == {"api": "plan team v2", "audit_export": by, "sso": "plan team v2"}
    assert origin["limits"] == {"seats": by}


def test_a_later_override_lies_over_an_earlier_one() -> None:
    found = come_to(subscribed(), laid(limits={"seats": 1}), laid(limits={"seats": 2}))
    assert found.limit("seats") == 2


def test_an_override_takes_a_capability_away_and_a_later_one_gives_it_back() -> None:
    without = laid(capabilities_removed=["sso"])
    assert not come_to(subscribed(), without).has("sso")
    assert come_to(subscribed(), without, laid(capabilities_added=["sso"])).has("sso")


def test_another_plan_brings_all_that_it_holds() -> None:
    found = come_to(subscribed(), laid(plan_version=SMALL))
    assert (found.plan_version, found.capabilities, found.limits) == (
        "starter v1",
        frozenset({"api"}),
        {"seats": 5},
    )


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "holds"),
    [
        (NOW, None, True),
        (NOW + SECOND, None, False),
        (NOW - DAY, NOW, False),
        (NOW - DAY, NOW + SECOND, True),
    ],
)
def test_an_override_holds_from_its_beginning_to_its_end(
    valid_from: datetime, valid_until: datetime | None, holds: bool
) -> None:
    override = laid(state="suspended", valid_from=valid_from, valid_until=valid_until)
    assert (come_to(subscribed(), override).state == "suspended") is holds


def test_an_extended_trial_revives_an_expired_one() -> None:
    ended = subscribed("trial", trial_ends_at=NOW - DAY)
    extended = laid(state="trial", trial_ends_at=NOW + DAY)
    assert come_to(ended, extended).in_force
    assert come_to(ended, extended, at=NOW + DAY).state == "expired"


def test_an_overridden_state_ignores_the_end_of_the_one_below() -> None:
    late = subscribed("grace", grace_ends_at=NOW - DAY)
    assert come_to(late, laid(state="grace", valid_until=NOW + DAY)).state == "grace"


# The timeline that the gate reads says what the layers say, at any moment.

moments = st.integers(-50, 50).map(lambda hours: NOW + timedelta(hours=hours))
states = st.sampled_from(State.values)


@st.composite
def layered(draw: st.DrawFn) -> Layers:
    maybe = st.none() | moments
    subscription = draw(
        st.none()
        | st.builds(
            subscribed,
            states,
            trial_ends_at=maybe,
            grace_ends_at=maybe,
            period_ends_at=maybe,
            cancel_at_period_end=st.booleans(),
        )
    )
    override = st.builds(
        laid,
        state=st.just("") | states,
        trial_ends_at=maybe,
        valid_from=moments,
        valid_until=maybe,
        limits=st.sampled_from(({}, {"requests_per_minute": 9000}, {"seats": 1})),
    )
    return Layers(subscription, tuple(draw(st.lists(override, max_size=4))))


@given(layered(), moments)
def test_the_timeline_agrees_with_the_layers_at_any_moment(layers: Layers, at: datetime) -> None:
    expected = effective(layers, at=at)
    segments = json.loads(timeline.render(layers))
    _, in_force, rate = next(one for one in segments if one[0] is None or at.timestamp() < one[0])
    assert bool(in_force) is expected.in_force
    assert rate == ("9000/minute" if expected.limit("requests_per_minute") else "")


@given(layered())
def test_the_timeline_says_nothing_twice(layers: Layers) -> None:
    segments = timeline.segments(layers)
    assert all(one[1:] != after[1:] for one, after in pairwise(segments))
    assert segments[-1][0] is None
