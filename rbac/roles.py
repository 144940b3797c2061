"""Built-in roles, and who has which role. Every change is in the tenant's changelog and in the audit."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from rbac import databases, errors, metrics
from rbac.models import Assignment, Change, Principal, Role
from tenants import context

# id: name, description, priority, rules as (action, resource)
BUILT_IN: dict[str, tuple[str, str, int, list[tuple[str, str]]]] = {
    "admin": ("Admin", "May do everything in this organization.", 100, [("admin", "*")]),
    "operator": (
        "Operator",
        "Reads everything; runs nodes, virtual machines, containers and alerts.",
        50,
        [
            ("read", "*"),
            ("write", "nodes"),
            ("write", "vms"),
            ("write", "containers"),
            ("write", "alerts"),
        ],
    ),
    "auditor": (
        "Auditor",
        "Reads the audit log, nodes, alerts and compliance.",
        20,
        [
            ("read", "audit_logs"),
            ("read", "nodes"),
            ("read", "alerts"),
            ("read", "compliance"),
        ],
    ),
    "viewer": ("Viewer", "Reads everything.", 10, [("read", "*")]),
}


def of_principal(principal_id: str) -> list[str]:
    """The ids of the roles that the principal has in the current organization, sorted."""
    assignments = Assignment.objects.filter(principal_id=principal_id)
    return sorted(assignments.values_list("role_id", flat=True))


def assign(principal_id: str, *, roles: Iterable[str], actor: Actor) -> list[str]:
    """Give the principal exactly these roles in the current organization; the ids, sorted.

    Raises `UnknownRoles`, `SelfAssignment`, `LastAdmin`; a refusal changes nothing.
    """
    if actor.kind == "user" and actor.name == principal_id:
        raise errors.SelfAssignment
    organization_id = context.current()
    wanted = set(roles)
    with (
        databases.using(organization_id) as opened,
        transaction.atomic(using=opened.connection.alias),
    ):
        _check_known(wanted)
        before = of_principal(principal_id)
        if set(before) == wanted:
            return before
        _replace(principal_id, set(before), wanted)
        if "admin" in set(before) - wanted:
            _check_an_admin_remains()
        after = sorted(wanted)
        Change.objects.create(
            at=timezone.now(),
            actor=actor.name,
            verb="roles.assign",
            subject=principal_id,
            before=before,
            after=after,
        )
        # The audit commits first: a crash between the two leaves a record of an attempt, never a change
        # without one.
        audit.record(
            "roles.assign",
            actor=actor,
            organization=organization_id,
            before={"principal": principal_id, "roles": before},
            after={"principal": principal_id, "roles": after},
        )
    metrics.role_mutations.labels(action="assign").inc()
    return after


def _check_known(wanted: set[str]) -> None:
    unknown = wanted - set(Role.objects.filter(id__in=wanted).values_list("id", flat=True))
    if unknown:
        raise errors.UnknownRoles(errors={"roles": [f"unknown: {role}" for role in sorted(unknown)]})


def _replace(principal_id: str, before: set[str], wanted: set[str]) -> None:
    Principal.objects.get_or_create(id=principal_id)
    Assignment.objects.filter(principal_id=principal_id, role_id__in=before - wanted).delete()
    Assignment.objects.bulk_create(
        Assignment(principal_id=principal_id, role_id=role) for role in sorted(wanted - before)
    )


def _check_an_admin_remains() -> None:
    if not Assignment.objects.filter(role_id="admin").exists():
        raise errors.LastAdmin
