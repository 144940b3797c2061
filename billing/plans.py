"""Plans: finding a version, and publishing a new one."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max

from billing import catalogue, errors
from billing.models import Plan, PlanVersion
from pulse import audit, versions
from pulse.actors import Actor

MOST = 2**31 - 1
# Without a space, which sets the version off.
PLAN_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def find(wanted: str) -> PlanVersion:
    """`team` is its newest version, `team v2` that one. Raises `UnknownPlan`."""
    plan, _, number = wanted.strip().partition(" v")
    found = PlanVersion.objects.filter(plan=plan)
    if number:
        found = found.filter(number=int(number)) if number.isdecimal() else found.none()
    version = found.order_by("-number").first()
    if version is None:
        raise errors.UnknownPlan
    return version


def offered(plan_id: str) -> PlanVersion:
    """The newest version of a plan that new subscribers can choose. Raises `UnknownPlan`."""
    version = PlanVersion.objects.filter(plan=plan_id, plan__is_offered=True).order_by("-number").first()
    if version is None:
        raise errors.UnknownPlan
    return version


def of_price(price_id: str) -> PlanVersion | None:
    """The newest version that a price of Stripe's stands for."""
    for version in PlanVersion.objects.order_by("-pk"):
        if price_id in version.price_ids:
            return version
    return None


@transaction.atomic
def publish(
    plan_id: str,
    *,
    actor: Actor,
    capabilities: Sequence[str],
    limits: Mapping[str, int],
    meters: Sequence[str],
    price_ids: Sequence[str] = (),
    name: str | None = None,
    reason: str = "",
    seen: Collection[str] = (),
) -> PlanVersion:
    """A new version of the plan, which is made if there is none. Subscribers keep theirs until moved.

    Raises `InvalidPlan`, `UnknownCapability`, `UnknownMeter`, `InvalidLimit`, and `StaleVersion` when the
    newest version as `present` shows it is not among those `seen`.
    """
    actor.require("billing.change_plan")
    if not PLAN_ID.fullmatch(plan_id):
        raise errors.InvalidPlan
    check_capabilities(capabilities)
    check_meters(meters)
    check_limits(limits)
    plan, _ = Plan.objects.select_for_update().get_or_create(
        id=plan_id, defaults={"name": name or plan_id.title()}
    )
    versions.require(present(plan_id), seen)
    newest = plan.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = PlanVersion.objects.create(
        plan=plan,
        number=newest + 1,
        capabilities=sorted(set(capabilities)),
        limits=dict(limits),
        meters=sorted(set(meters)),
        price_ids=list(price_ids),
    )
    after = {"plan": str(version), **describe(version)}
    audit.record("plan.publish", actor=actor, after=after, reason=reason)
    return version


def present(plan_id: str) -> dict[str, Any] | None:
    """The plan's newest version as JSON; None for a plan that has none, or is not there."""
    version = PlanVersion.objects.filter(plan=plan_id).order_by("-number").first()
    return {"number": version.number, **describe(version)} if version else None


def describe(version: PlanVersion) -> dict[str, Any]:
    return {
        "capabilities": version.capabilities,
        "limits": version.limits,
        "meters": version.meters,
        "price_ids": version.price_ids,
    }


def check_capabilities(names: Collection[str]) -> None:
    if unknown := set(names) - set(catalogue.CAPABILITIES):
        raise errors.UnknownCapability(
            errors={"capabilities": [f"unknown: {one}" for one in sorted(unknown)]}
        )


def check_meters(names: Collection[str]) -> None:
    if unknown := set(names) - set(catalogue.METERS):
        raise errors.UnknownMeter(errors={"meters_enabled": [f"unknown: {one}" for one in sorted(unknown)]})


def check_limits(limits: Mapping[str, Any]) -> None:
    for name, value in limits.items():
        if name not in catalogue.LIMITS:
            raise errors.InvalidLimit(errors={f"limits.{name}": ["unknown"]})
        if type(value) is not int or not 0 <= value <= MOST:
            raise errors.InvalidLimit(errors={f"limits.{name}": [f"a whole number from 0 to {MOST}"]})
