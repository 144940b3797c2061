"""An organization with a role of its own, its pages in the admin, and what a test asks of it."""

from typing import Any

from django.test import Client

from rbac import assignments, roles
from rbac.drafts import Draft, Grant
from tenants import context
from tests.factories import SYSTEM, make_organization

BASE = "/admin/tenants/organization/acme/"
ACCESS = f"{BASE}access/"
ROLE = f"{ACCESS}role/deployer/"
GRANTS = [Grant("write", "vms:*", conditions={"region": "eu"}), Grant("read", "nodes", "deny")]


def make_acme() -> None:
    make_organization("acme")
    with context.organization("acme"):
        draft = Draft("Deployer", description="Puts things up.", parent="viewer", permissions=GRANTS)
        roles.create("deployer", draft, actor=SYSTEM)


def person(principal: Any, page: str = "person") -> str:
    return f"{ACCESS}{page}/?principal={principal}"


def document(role_id: str = "deployer") -> dict[str, Any]:
    with context.organization("acme"):
        return roles.document(roles.find(role_id))


def held_by(principal: Any) -> list[str]:
    with context.organization("acme"):
        return assignments.of_principal(str(principal))


def give(principal: Any, *role_ids: str) -> None:
    with context.organization("acme"):
        assignments.assign(str(principal), roles=role_ids, actor=SYSTEM)


def sent(*rows: dict[str, str], initial: int = 0, **fields: str) -> dict[str, str]:
    """A role's form as a browser sends it."""
    form = {
        "name": "Deployer",
        "permissions-TOTAL_FORMS": str(len(rows)),
        "permissions-INITIAL_FORMS": str(initial),
    }
    for number, row in enumerate(rows):
        whole = {"action": "read", "resource": "vms", "effect": "allow", "conditions": ""} | row
        form |= {f"permissions-{number}-{name}": value for name, value in whole.items()}
    return form | fields


def seen_in(client: Client, path: str) -> str:
    """The version that the form carries when it is opened."""
    return str(client.get(path).context["form"]["seen"].value())
