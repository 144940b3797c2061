"""Callers of one organization's API: its owner, who is admin, and members with the roles of a test."""

from typing import Any

from django.test import Client

from rbac import assignments, roles
from rbac.drafts import Draft, Grant
from tenants import context
from tests.api import Caller
from tests.factories import ALL_SCOPES, SYSTEM, make_member, member_token


def owner(organization_id: str = "acme", *, scopes: list[str] = ALL_SCOPES) -> Caller:
    """The owner of an organization that exists."""
    return Caller(Client(), member_token(organization_id, scopes=scopes))


def member(
    *role_ids: str, organization_id: str = "acme", scopes: list[str] = ALL_SCOPES
) -> tuple[Caller, str]:
    """A new member with these roles, and their principal."""
    user = make_member(organization_id, roles=list(role_ids))
    return Caller(Client(), member_token(organization_id, user, scopes=scopes)), str(user.public_id)


def make_role(
    role_id: str, *grants: tuple[str, str], organization_id: str = "acme", **changes: Any
) -> dict[str, Any]:
    """A role that allows these (action, resource); its document."""
    permissions = [Grant(action, resource) for action, resource in grants]
    draft = Draft(**({"name": role_id.title(), "permissions": permissions} | changes))
    with context.organization(organization_id):
        return roles.document(roles.create(role_id, draft, actor=SYSTEM))


def assign(principal: str, *role_ids: str, organization_id: str = "acme") -> None:
    with context.organization(organization_id):
        assignments.assign(principal, roles=role_ids, actor=SYSTEM)


def role_body(**changes: Any) -> dict[str, Any]:
    """The body of a well-formed new role."""
    return {"id": "deployer", "name": "Deployer", "permissions": [allow("write", "vms")]} | changes


def allow(action: str, resource: str, **conditions: Any) -> dict[str, Any]:
    return {"action": action, "resource": resource, "effect": "allow", "conditions": conditions}
