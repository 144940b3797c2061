"""What an organization may do, and why, as an operator reads it: the effective parts, and the layers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing import catalogue, entitlements
from billing.entitlements import Entitlements, Layers
from billing.models import Override, PlanVersion, Subscription
from pulse.admin import actors, moments

PUBLIC_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00")
STATE_COLOURS = {
    "trial": "info",
    "active": "success",
    "grace": "warning",
    "expired": "danger",
    "suspended": "danger",
    "canceled": "default",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the organization has, or has not: then there is no `value`."""

    name: str
    value: str
    origin: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """An override that is not revoked, with whether it counts just now."""

    override: Override
    author: str
    says: Sequence[tuple[str, str]]
    state: str
    colour: str


def parts(effective: Entitlements, names: Mapping[str, str]) -> list[Part]:
    """All that can be had, with where each comes from."""
    origin = effective.origin
    trial_ends = effective.trial_ends_at
    found = [
        Part("State", effective.state, origin["subscription_state"]),
        Part("Plan", effective.plan_version, origin["plan_version"]),
        Part("Trial ends", moments.plain(trial_ends) if trial_ends else "", origin["trial_ends_at"]),
    ]
    for group, catalogued, held in (
        ("Capabilities", catalogue.CAPABILITIES, origin["capabilities"]),
        ("Limits", catalogue.LIMITS, origin["limits"]),
        ("Meters", catalogue.METERS, origin["meters_enabled"]),
    ):
        for name, title in catalogued.items():
            value = str(effective.limits.get(name, "")) if group == "Limits" else "yes" * (name in held)
            found.append(Part(title, value, held.get(name, ""), group))
    return [Part(one.name, one.value, readable(one.origin, names), one.group) for one in found]


def standing(layers: Layers, *, at: datetime, names: Mapping[str, str]) -> list[Standing]:
    """The overrides from the top down: the later one lies over the earlier."""
    return [
        Standing(one, names.get(one.author, one.author), list(_says(one)), *_state(one, at))
        for one in reversed(layers.overrides)
    ]


def authors(layers: Layers) -> dict[str, str]:
    """The names of those who laid the overrides."""
    return actors.names_of(one.author for one in layers.overrides)


def readable(origin: str, names: Mapping[str, str]) -> str:
    """An origin with people by their e-mail addresses, and instants as the admin writes them."""
    named = PUBLIC_ID.sub(lambda match: names.get(match[0], match[0]), origin)
    return INSTANT.sub(lambda match: moments.plain(datetime.fromisoformat(match[0])), named)


def of_subscription(subscription: Subscription) -> list[tuple[str, Any]]:
    """What the subscription says, as far as it says anything."""
    said = [
        ("Trial ends", subscription.trial_ends_at),
        ("Period ends", subscription.period_ends_at),
        ("Grace ends", subscription.grace_ends_at),
        ("Ends with the period", "yes" if subscription.cancel_at_period_end else ""),
        ("Stripe's customer", subscription.stripe_customer),
        ("Stripe's subscription", subscription.stripe_subscription),
    ]
    return [(name, moments.plain(one) if isinstance(one, datetime) else one) for name, one in said if one]


def of_plan(version: PlanVersion) -> list[tuple[str, str]]:
    return [
        ("Capabilities", ", ".join(version.capabilities) or moments.NOTHING),
        ("Limits", _limits(version.limits) or moments.NOTHING),
        ("Meters", ", ".join(version.meters) or moments.NOTHING),
    ]


def plan_below(layers: Layers, effective: Entitlements) -> PlanVersion | None:
    """The version that counts, which an override may have named."""
    named = [one.plan_version for one in layers.overrides if one.plan_version is not None]
    subscribed = layers.subscription.plan_version if layers.subscription else None
    candidates = [*named, *([subscribed] if subscribed else [])]
    return next((one for one in candidates if str(one) == effective.plan_version), None)


def _says(override: Override) -> Iterator[tuple[str, str]]:
    told = (
        ("State", override.state),
        ("Plan", str(override.plan_version or "")),
        ("Trial ends", moments.plain(override.trial_ends_at) if override.trial_ends_at else ""),
        ("Gives", ", ".join([*override.capabilities_added, *override.meters_added])),
        ("Takes away", ", ".join([*override.capabilities_removed, *override.meters_removed])),
        ("Limits", _limits(override.limits)),
    )
    return ((name, value) for name, value in told if value)


def _state(override: Override, at: datetime) -> tuple[str, str]:
    if entitlements.is_in_force(override, at=at):
        return "in force", "success"
    return ("not yet", "info") if at < override.valid_from else ("over", "default")


def _limits(limits: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(limits.items()))
