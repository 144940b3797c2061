"""What an organization may do, and why: the layers, and what they come to at a moment.

Pure computation over rows and a clock: a trial's end, a grace's end and an override's expiry hold at their
second, without a job.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from billing.models import Override, PlanVersion, State, Subscription

WITHOUT_SERVICE = frozenset({State.EXPIRED, State.SUSPENDED, State.CANCELED})
DEFAULT_PLAN = "trial"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Layers:
    """An organization's rows: the subscription with its plan's version, and the overrides that stand."""

    subscription: Subscription | None
    overrides: tuple[Override, ...]


@dataclass(frozen=True, slots=True)
class Entitlements:
    """The effective state and the origin of every part of it. Instants are UTC.

    `origin` names where `subscription_state`, `plan_version` and `trial_ends_at` come from, and, for
    `capabilities`, `limits` and `meters_enabled`, where each of theirs does.
    """

    state: str
    plan_version: str
    capabilities: frozenset[str]
    limits: Mapping[str, int]
    meters: frozenset[str]
    trial_ends_at: datetime | None
    grace_ends_at: datetime | None
    in_force: bool
    origin: Mapping[str, Any]

    def has(self, capability: str) -> bool:
        return capability in self.capabilities

    def limit(self, name: str) -> int | None:
        """None means that nothing says, which is the asker's to interpret."""
        return self.limits.get(name)


@dataclass(slots=True)
class _Draft:
    """What the layers have said so far, from the bottom up."""

    state: str = State.TRIAL
    plan: PlanVersion | None = None
    trial_ends_at: datetime | None = None
    grace_ends_at: datetime | None = None
    cancels_at: datetime | None = None
    capabilities: dict[str, str] = field(default_factory=dict)
    limits: dict[str, tuple[int, str]] = field(default_factory=dict)
    meters: dict[str, str] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)


def for_organization(organization_id: str) -> Entitlements:
    """What the organization may do now."""
    return effective(layers_of(organization_id), at=timezone.now())


def seats_of(organization_id: str) -> int | None:
    """How many members the organization may have; None means as many as it likes."""
    return for_organization(organization_id).limit("seats")


def layers_of(organization_id: str) -> Layers:
    subscription = (
        Subscription.objects.filter(organization=organization_id).select_related("plan_version").first()
    )
    overrides = Override.objects.standing().filter(organization=organization_id)
    return Layers(subscription, tuple(overrides.select_related("plan_version")))


def effective(layers: Layers, *, at: datetime) -> Entitlements:
    """What the layers come to at that moment."""
    draft = _Draft(origin=dict.fromkeys(("subscription_state", "plan_version", "trial_ends_at"), DEFAULT))
    if layers.subscription is not None:
        _lay_subscription(draft, layers.subscription)
    standing = [override for override in layers.overrides if is_in_force(override, at=at)]
    for override in standing:
        _lay_state(draft, override)
    _lay_plan(draft)
    for override in standing:
        _lay_parts(draft, override)
    _let_time_pass(draft, at)
    return _finished(draft, at)


def is_in_force(override: Override, *, at: datetime) -> bool:
    return override.valid_from <= at and (override.valid_until is None or at < override.valid_until)


def _lay_subscription(draft: _Draft, subscription: Subscription) -> None:
    origin = f"subscription ({subscription.source})"
    draft.state, draft.plan = subscription.state, subscription.plan_version
    draft.trial_ends_at, draft.grace_ends_at = subscription.trial_ends_at, subscription.grace_ends_at
    if subscription.cancel_at_period_end:
        draft.cancels_at = subscription.period_ends_at
    draft.origin["subscription_state"] = origin
    if subscription.plan_version is not None:
        draft.origin["plan_version"] = origin
    if subscription.trial_ends_at is not None:
        draft.origin["trial_ends_at"] = origin


def origin_of(override: Override) -> str:
    """`override #12 by … until …`, as an answer to why."""
    until = f" until {override.valid_until.isoformat()}" if override.valid_until else ""
    return f"override #{override.pk} by {override.author}{until}"


def _lay_state(draft: _Draft, override: Override) -> None:
    origin = origin_of(override)
    if override.state:
        draft.state, draft.origin["subscription_state"] = override.state, origin
        draft.grace_ends_at = override.valid_until if override.state == State.GRACE else None
        draft.cancels_at = None
    if override.trial_ends_at is not None:
        draft.trial_ends_at, draft.origin["trial_ends_at"] = override.trial_ends_at, origin
    if override.plan_version is not None:
        draft.plan, draft.origin["plan_version"] = override.plan_version, origin


def _lay_plan(draft: _Draft) -> None:
    if draft.plan is None:
        return
    origin = f"plan {draft.plan}"
    draft.capabilities = dict.fromkeys(draft.plan.capabilities, origin)
    draft.meters = dict.fromkeys(draft.plan.meters, origin)
    draft.limits = {name: (value, origin) for name, value in draft.plan.limits.items()}


def _lay_parts(draft: _Draft, override: Override) -> None:
    origin = origin_of(override)
    _change(draft.capabilities, override.capabilities_added, override.capabilities_removed, origin)
    _change(draft.meters, override.meters_added, override.meters_removed, origin)
    draft.limits |= {name: (value, origin) for name, value in override.limits.items()}


def _change(held: dict[str, str], added: Iterable[str], removed: Iterable[str], origin: str) -> None:
    for name in removed:
        held.pop(name, None)
    held.update(dict.fromkeys(added, origin))


def _let_time_pass(draft: _Draft, at: datetime) -> None:
    """The state that the clock makes of the state that was written."""
    ends = {
        State.TRIAL: (draft.trial_ends_at, State.EXPIRED, "trial ended"),
        State.GRACE: (draft.grace_ends_at, State.EXPIRED, "grace ended"),
        State.ACTIVE: (draft.cancels_at, State.CANCELED, "canceled to the end of the period"),
    }
    end, then, why = ends.get(State(draft.state), (None, draft.state, ""))
    if end is not None and at >= end:
        draft.state = then
        draft.origin["subscription_state"] = f"{why} {end.isoformat()}"


def _finished(draft: _Draft, at: datetime) -> Entitlements:
    if draft.state in WITHOUT_SERVICE:
        draft.capabilities = {}
    endless_trial = draft.state == State.TRIAL and draft.trial_ends_at is None
    return Entitlements(
        state=str(draft.state),
        plan_version=str(draft.plan) if draft.plan else DEFAULT_PLAN,
        capabilities=frozenset(draft.capabilities),
        limits={name: value for name, (value, _) in sorted(draft.limits.items())},
        meters=frozenset(draft.meters),
        trial_ends_at=draft.trial_ends_at,
        grace_ends_at=draft.grace_ends_at,
        in_force=draft.state not in WITHOUT_SERVICE and not endless_trial,
        origin={
            **draft.origin,
            "capabilities": dict(sorted(draft.capabilities.items())),
            "limits": {name: origin for name, (_, origin) in sorted(draft.limits.items())},
            "meters_enabled": dict(sorted(draft.meters.items())),
        },
    )


def instants(layers: Layers) -> list[datetime]:
    """Every moment at which the layers can come to something else."""
    found = {override.valid_from for override in layers.overrides}
    found |= {override.valid_until for override in layers.overrides if override.valid_until}
    found |= {override.trial_ends_at for override in layers.overrides if override.trial_ends_at}
    if (subscription := layers.subscription) is not None:
        ends = (subscription.trial_ends_at, subscription.grace_ends_at, subscription.period_ends_at)
        found |= {end for end in ends if end is not None}
    return sorted(found)
