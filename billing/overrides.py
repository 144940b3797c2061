"""Overrides: layers that an operator lays over a subscription, with a reason, and takes away again."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from billing import entitlements, errors, plans
from billing.changing import changing, describe
from billing.entitlements import Entitlements, Layers
from billing.models import Override, PlanVersion, State
from pulse import audit, versions
from pulse.actors import Actor

PERMISSION = "billing.change_subscription"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an override shall change; what is empty it leaves alone. Instants are UTC.

    `plan` is a plan's id, or one with its version: `team`, `team v2`.
    """

    state: str = ""
    plan: str = ""
    trial_ends_at: datetime | None = None
    capabilities_added: Sequence[str] = ()
    capabilities_removed: Sequence[str] = ()
    meters_added: Sequence[str] = ()
    meters_removed: Sequence[str] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def check(self, now: datetime) -> None:
        """Raise the refusal of the first part that is not well-formed."""
        if self.state and self.state not in State.values:
            raise errors.InvalidSubscriptionState
        plans.check_capabilities({*self.capabilities_added, *self.capabilities_removed})
        plans.check_meters({*self.meters_added, *self.meters_removed})
        plans.check_limits(self.limits)
        if self.valid_until is not None and self.valid_until <= max(now, self.valid_from or now):
            raise errors.InvalidPeriod

    def is_empty(self) -> bool:
        return not any(
            (self.state, self.plan, self.trial_ends_at, self.limits, self.capabilities_added,
             self.capabilities_removed, self.meters_added, self.meters_removed)
        )  # fmt: skip


def add(
    organization_id: str,
    wanted: Wanted,
    *,
    actor: Actor,
    reason: str,
    kind: str = Override.Kind.OVERRIDE,
    seen: Collection[str] = (),
) -> Override:
    """Lay an override over what the organization has, in force at the next request in every process.

    Raises `ReasonRequired`, `EmptyOverride`, `OrganizationNotFound`, the refusals of its parts, and
    `StaleVersion` when the present state's version is not among those `seen`.
    """
    actor.require(PERMISSION)
    actor.require_recent()
    audit.required_reason(reason)
    if wanted.is_empty():
        raise errors.EmptyOverride
    wanted.check(timezone.now())
    with changing(organization_id, verb=kind, actor=actor, reason=reason):
        versions.require(describe(entitlements.for_organization(organization_id)), seen)
        return _create(organization_id, wanted, kind, actor, reason)


def extend_trial(organization_id: str, *, until: datetime, actor: Actor, reason: str) -> Override:
    """Let the trial go on until then, UTC, whatever has become of the subscription.

    From then on the subscription counts again: who pays by that time keeps the service.
    """
    if until <= timezone.now():
        raise errors.InvalidPeriod
    wanted = Wanted(state=State.TRIAL, trial_ends_at=until, valid_until=until)
    return add(organization_id, wanted, actor=actor, reason=reason, kind=Override.Kind.TRIAL_EXTENSION)


def grant_grace(organization_id: str, *, until: datetime, actor: Actor, reason: str) -> Override:
    """Let the organization use the service until then, UTC, though it has not paid."""
    wanted = Wanted(state=State.GRACE, valid_until=until)
    return add(organization_id, wanted, actor=actor, reason=reason, kind=Override.Kind.GRACE)


def move_plan(organization_id: str, *, plan: str, actor: Actor, reason: str) -> Override:
    """Give the organization what another plan holds, whatever it pays for."""
    return add(organization_id, Wanted(plan=plan), actor=actor, reason=reason, kind=Override.Kind.PLAN)


def revoke(
    override_id: int, *, actor: Actor, reason: str = "", organization_id: str | None = None
) -> Override:
    """Take the layer away: the one below is back from the next request on.

    Raises `OverrideNotFound`, also for another organization's when one is named, and `AlreadyRevoked`.
    """
    actor.require(PERMISSION)
    actor.require_recent()
    audit.checked_reason(reason)
    found = Override.objects.filter(pk=override_id).first()
    if found is None or organization_id not in (None, found.organization_id):
        raise errors.OverrideNotFound
    with changing(found.organization_id, verb="revoke", actor=actor, reason=reason):
        override = Override.objects.select_for_update().get(pk=override_id)
        if override.revoked_at is not None:
            raise errors.AlreadyRevoked
        _revoke(override, actor)
    return override


def put(
    organization_id: str,
    billing_state: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    seen: Collection[str] = (),
) -> Override | None:
    """Make the effective state what `billing_state` says, by one override in the place of the earlier ones.

    Only what the layers below do not say already is laid; None when that is nothing. The fields are those of
    `describe`, each optional; lists are whole. `seen` are the versions that the caller has read:
    `StaleVersion` when the present one is not among them.
    """
    actor.require(PERMISSION)
    actor.require_recent()
    audit.required_reason(reason)
    with changing(organization_id, verb="override", actor=actor, reason=reason):
        present = entitlements.for_organization(organization_id)
        versions.require(describe(present), seen)
        earlier = Override.objects.standing().filter(
            organization=organization_id, kind=Override.Kind.OVERRIDE
        )
        for override in earlier.select_for_update():
            _revoke(override, actor)
        wanted = _difference(organization_id, billing_state)
        wanted.check(timezone.now())
        if wanted.is_empty():
            return None
        return _create(organization_id, wanted, Override.Kind.OVERRIDE, actor, reason)


def _difference(organization_id: str, billing_state: Mapping[str, Any]) -> Wanted:
    """What has to be laid over the layers below to come to the wanted state.

    What they say already is not: it would hide from then on what they come to say.
    """
    state, limits = billing_state.get("subscription_state") or "", billing_state.get("limits") or {}
    if state and state not in State.values:
        raise errors.InvalidSubscriptionState
    plans.check_limits(limits)
    below, now = entitlements.layers_of(organization_id), timezone.now()
    shown = entitlements.effective(below, at=now)
    plan = _other_plan(billing_state.get("plan_version") or "", shown)
    trial_ends_at = _other_end(billing_state.get("trial_ends_at"), shown)
    # With the trial's end laid, because a later one can make of expired a trial.
    if state == _with(below, now, plan_version=plan, trial_ends_at=trial_ends_at).state:
        state = ""
    base = _with(below, now, state=state, plan_version=plan, trial_ends_at=trial_ends_at)
    added, removed = _parts(billing_state.get("capabilities"), base.capabilities)
    meters_added, meters_removed = _parts(billing_state.get("meters_enabled"), base.meters)
    return Wanted(
        state=state,
        plan=str(plan or ""),
        trial_ends_at=trial_ends_at,
        capabilities_added=added,
        capabilities_removed=removed,
        meters_added=meters_added,
        meters_removed=meters_removed,
        limits={name: value for name, value in limits.items() if base.limit(name) != value},
    )


def _with(below: Layers, at: datetime, **laid: Any) -> Entitlements:
    """What the layers come to with one more over them."""
    first = Override(valid_from=at, **laid)
    return entitlements.effective(Layers(below.subscription, (*below.overrides, first)), at=at)


def _other_plan(wanted: str, shown: Entitlements) -> PlanVersion | None:
    """The wanted plan unless it is shown already, which the default's name is without a plan."""
    if not wanted or wanted == shown.plan_version:
        return None
    found = plans.find(wanted)
    return None if str(found) == shown.plan_version else found


def _other_end(wanted: datetime | None, shown: Entitlements) -> datetime | None:
    """The wanted end of the trial unless it is shown already, which is to the second."""
    present = shown.trial_ends_at
    return None if present and wanted == present.replace(microsecond=0) else wanted


def _parts(wanted: Sequence[str] | None, below: Set[str]) -> tuple[list[str], list[str]]:
    if wanted is None:
        return [], []
    return sorted(set(wanted) - below), sorted(below - set(wanted))


def _create(organization_id: str, wanted: Wanted, kind: str, actor: Actor, reason: str) -> Override:
    return Override.objects.create(
        organization_id=organization_id,
        kind=kind,
        state=wanted.state,
        plan_version=plans.find(wanted.plan) if wanted.plan else None,
        trial_ends_at=wanted.trial_ends_at,
        capabilities_added=list(wanted.capabilities_added),
        capabilities_removed=list(wanted.capabilities_removed),
        meters_added=list(wanted.meters_added),
        meters_removed=list(wanted.meters_removed),
        limits=dict(wanted.limits),
        valid_from=wanted.valid_from or timezone.now(),
        valid_until=wanted.valid_until,
        reason=reason,
        author=actor.name,
    )


def _revoke(override: Override, actor: Actor) -> None:
    override.revoked_at, override.revoked_by = timezone.now(), actor.name
    override.save(update_fields=("revoked_at", "revoked_by"))
