"""The roles of the current organization, and the verbs that change those which are not built in."""

from collections.abc import Collection
from typing import Any

from pulse import versions
from pulse.actors import Actor
from rbac import access, changelog, databases, drafts, errors
from rbac.drafts import Draft
from rbac.models import Assignment, Permission, Role
from tenants import context

# How many of those who stand in the way of a deletion its refusal names.
NAMED = 20


def find(role_id: str) -> Role:
    """The role with its permissions. Raises `RoleNotFound`."""
    role = Role.objects.prefetch_related("permissions").filter(id=role_id).first()
    if role is None:
        raise errors.RoleNotFound
    return role


def document(role: Role) -> dict[str, Any]:
    """The role as JSON shows it, and as its version is made from."""
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "parent": role.parent_id,
        "built_in": role.built_in,
        "priority": role.priority,
        "permissions": [
            {
                "action": permission.action,
                "resource": permission.resource,
                "effect": str(permission.effect),
                "conditions": permission.conditions,
            }
            for permission in role.permissions.all()
        ],
    }


def create(role_id: str, draft: Draft, *, actor: Actor) -> Role:
    """Make a role. Raises `RoleExists`, `TooManyRoles`, and the draft's refusals."""
    drafts.check_id(role_id)
    draft.check()
    with changelog.changing(actor):
        if Role.objects.filter(id=role_id).exists():
            raise errors.RoleExists
        if Role.objects.count() >= drafts.MOST_ROLES:
            raise errors.TooManyRoles
        _check_parent(role_id, draft.parent)
        _write(Role(id=role_id), draft)
        role = find(role_id)
        changelog.record("roles.create", subject=role_id, actor=actor, before=None, after=document(role))
    return role


def change(role_id: str, draft: Draft, *, actor: Actor, seen: Collection[str] = ()) -> Role:
    """Make the role what the draft says, whole.

    Raises `RoleNotFound`, `RoleBuiltIn`, `SelfAssignment` for a role that the actor has, `StaleVersion`
    when the present role's version is not among those `seen`, and the draft's refusals.
    """
    draft.check()
    with changelog.changing(actor):
        role = _changeable(role_id, actor, seen)
        before = document(role)
        _check_parent(role_id, draft.parent)
        _write(role, draft)
        role = find(role_id)
        after = document(role)
        if after != before:
            changelog.record("roles.change", subject=role_id, actor=actor, before=before, after=after)
    return role


def delete(role_id: str, *, actor: Actor, seen: Collection[str] = ()) -> None:
    """Raises as `change` does, and `RoleInUse` with who has the role and which roles inherit from it."""
    with changelog.changing(actor):
        role = _changeable(role_id, actor, seen)
        check_unused(role)
        before = document(role)
        role.delete()
        changelog.record("roles.delete", subject=role_id, actor=actor, before=before, after=None)


def check_unused(role: Role) -> None:
    """Raise `RoleInUse` while somebody has the role, or another inherits from it."""
    assigned = Assignment.objects.filter(role=role).order_by("principal_id")
    principals = list(assigned.values_list("principal_id", flat=True)[:NAMED])
    children = list(Role.objects.filter(parent=role).order_by("id").values_list("id", flat=True)[:NAMED])
    if principals or children:
        raise errors.RoleInUse(principals=principals, children=children)


def copy(role_id: str, *, to: str, name: str, actor: Actor) -> Role:
    """A new role, `to`, that says what this one says. A built-in one can be copied. Raises as `create`."""
    return create(to, _draft_of(find(role_id), name=name), actor=actor)


def _draft_of(role: Role, *, name: str) -> Draft:
    grants = [
        drafts.Grant(one.action, one.resource, str(one.effect), one.conditions)
        for one in role.permissions.all()
    ]
    return Draft(
        name=name,
        description=role.description,
        parent=role.parent_id,
        priority=role.priority,
        permissions=grants,
    )


def _changeable(role_id: str, actor: Actor, seen: Collection[str]) -> Role:
    role = find(role_id)
    versions.require(document(role), seen)
    if role.built_in:
        raise errors.RoleBuiltIn
    if actor.kind == "user":
        _check_it_is_not_ones_own(role_id, actor.name)
    return role


def _check_it_is_not_ones_own(role_id: str, principal_id: str) -> None:
    """Whoever has a role, by inheritance too, may not change it, unless they may do everything anyway."""
    with databases.using(context.current()) as opened:
        policy = access.current_policy(opened)
    theirs = policy.lineage(policy.assignments.get(principal_id, ()))
    if role_id in theirs and not policy.decide(principal_id, "admin", "*").allowed:
        raise errors.SelfAssignment("Nobody changes a role that they have.")


def _check_parent(role_id: str, parent: str | None) -> None:
    """The parent exists, and the role is not among its ancestors."""
    if parent is None:
        return
    parents = dict(Role.objects.values_list("id", "parent_id"))
    if parent not in parents:
        raise errors.UnknownRoles(errors={"parent": [f"unknown: {parent}"]})
    ancestor: str | None = parent
    while ancestor is not None:
        if ancestor == role_id:
            raise errors.RoleCycle
        ancestor = parents[ancestor]


def _write(role: Role, draft: Draft) -> None:
    role.name, role.description = draft.name, draft.description
    role.parent_id, role.priority = draft.parent, draft.priority
    role.save()
    role.permissions.all().delete()
    Permission.objects.bulk_create(
        Permission(
            role=role,
            action=grant.action,
            resource=grant.resource,
            effect=grant.effect,
            conditions=dict(grant.conditions),
        )
        for grant in draft.permissions
    )
