"""What tenants let be done to many organizations at once."""

from pulse.actors import Actor
from tenants import bulk, errors, lifecycle, organizations, resources


def suspend(organization_id: str, *, actor: Actor, reason: str) -> str:
    lifecycle.suspend(organization_id, actor=actor, reason=reason)
    return ""


def unsuspend(organization_id: str, *, actor: Actor, reason: str) -> str:
    lifecycle.unsuspend(organization_id, actor=actor, reason=reason)
    return ""


def verify(organization_id: str, *, actor: Actor, reason: str) -> str:
    """Raises `NeedsCare` with what is wrong."""
    findings = resources.verify(organizations.living(organization_id))
    if findings:
        raise errors.NeedsCare(
            "; ".join(f"{name}: {one}" for name, found in findings.items() for one in found)
        )
    return "whole"


def register() -> None:
    run_lifecycle = lifecycle.TRANSITIONS["suspend"].permission
    bulk.register("suspend", bulk.Operation(run_lifecycle, suspend))
    bulk.register("unsuspend", bulk.Operation(run_lifecycle, unsuspend))
    bulk.register("verify", bulk.Operation("tenants.view_organization", verify))
