"""Who has which role in the current organization, and what that lets them do."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from pulse import versions
from pulse.actors import Actor
from pulse.text import is_one_line
from rbac import access, changelog, databases, errors
from rbac.models import Assignment, Principal, Role
from tenants import context, organizations
from tenants.errors import NotAMember
from tenants.models import User


@dataclass(frozen=True, slots=True)
class Effective:
    """One rule that counts for a principal: `role` says it, `through` is the assigned role it came by."""

    role: str
    through: str
    action: str
    resource: str
    effect: str
    conditions: dict[str, Any]


def of_principal(principal_id: str) -> list[str]:
    """The ids of the roles that the principal has, sorted."""
    assignments = Assignment.objects.filter(principal_id=principal_id)
    return sorted(assignments.values_list("role_id", flat=True))


def effective(principal_id: str) -> list[Effective]:
    """Every rule of the principal's roles and their ancestors, as the next decision would read them."""
    with databases.using(context.current()) as opened:
        policy = access.current_policy(opened)
    found: dict[str, str] = {}
    for assigned in sorted(policy.assignments.get(principal_id, ())):
        for role in policy.lineage([assigned]):
            found.setdefault(role, assigned)
    return [
        Effective(
            role=role,
            through=through,
            action=rule.action,
            resource=rule.resource,
            effect="allow" if rule.allow else "deny",
            conditions=dict(rule.conditions),
        )
        for role, through in found.items()
        for rule in policy.roles[role].rules
    ]


def assign(
    principal_id: str,
    *,
    roles: Iterable[str],
    actor: Actor,
    seen: Collection[str] = (),
    verb: str = "roles.assign",
) -> list[str]:
    """Give the principal exactly these roles; the ids, sorted.

    Raises `InvalidPrincipal`, `UnknownRoles`, `SelfAssignment`, `LastAdmin`, `NotAMember` as
    `require_member` does, and `StaleVersion` when the present list's version is not among those `seen`. A
    refusal changes nothing.
    """
    if not is_one_line(principal_id) or not 1 <= len(principal_id) <= 128:
        raise errors.InvalidPrincipal
    if actor.kind == "user" and actor.name == principal_id:
        raise errors.SelfAssignment
    wanted = set(roles)
    with changelog.changing(actor):
        before = of_principal(principal_id)
        versions.require(before, seen)
        check_known(wanted)
        if set(before) == wanted:
            return before
        if wanted - set(before):
            require_member(principal_id)
        _replace(principal_id, set(before), wanted)
        if "admin" in set(before) - wanted:
            _check_an_admin_remains()
        after = sorted(wanted)
        changelog.record(verb, subject=principal_id, actor=actor, before=before, after=after)
    return after


def withdraw(principal_id: str, *, actor: Actor) -> None:
    """Take all roles from one who leaves the organization; whether they may go is the caller's to ask.

    Raises `LastAdmin`.
    """
    with databases.writing(context.current()):
        before = of_principal(principal_id)
        if not before:
            return
        _replace(principal_id, set(before), set())
        if "admin" in before:
            _check_an_admin_remains()
        changelog.record("roles.withdraw", subject=principal_id, actor=actor, before=before, after=[])


def require_member(principal_id: str) -> None:
    """Raise `NotAMember` for a person of Pulse's who is none of the current organization's; others may be.

    Asked with its roles open to be changed, where nobody begins to remove the person; whoever has begun
    holds the organization's row, for which this waits.
    """
    with transaction.atomic():
        organization = organizations.locked(context.current())
        person = _person(principal_id)
        if person is not None and not organization.memberships.filter(user=person).exists():
            raise NotAMember


def _person(principal_id: str) -> User | None:
    try:
        public_id = UUID(principal_id)
    except ValueError:
        return None
    # In another spelling it is another principal.
    return User.objects.filter(public_id=public_id).first() if str(public_id) == principal_id else None


def check_known(wanted: set[str]) -> None:
    """Raise `UnknownRoles` unless each of them exists."""
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
