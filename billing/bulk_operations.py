"""What billing lets be done to many organizations at once."""

from datetime import datetime

from billing import overrides
from pulse.actors import Actor
from tenants import bulk


def extend_trial(organization_id: str, *, actor: Actor, reason: str, until: str) -> str:
    """`until` is an instant of ISO 8601."""
    moment = datetime.fromisoformat(until)
    return str(overrides.extend_trial(organization_id, until=moment, actor=actor, reason=reason))


def move_plan(organization_id: str, *, actor: Actor, reason: str, plan: str) -> str:
    return str(overrides.move_plan(organization_id, plan=plan, actor=actor, reason=reason))


def register() -> None:
    bulk.register("extend_trial", bulk.Operation(overrides.PERMISSION, extend_trial, takes_recent=True))
    bulk.register("move_plan", bulk.Operation(overrides.PERMISSION, move_plan, takes_recent=True))
