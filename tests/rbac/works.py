"""What tests have other processes do with a tenant's database."""

from rbac import access, assignments, backups, fleet, restoring, roles
from rbac.drafts import Draft, Grant
from tenants import context
from tests.factories import SYSTEM


def check(user: str) -> bool:
    with context.organization("acme"):
        return access.check(user, "read", "nodes")


def assign(user: str, given: list[str]) -> list[str]:
    with context.organization("acme"):
        return assignments.assign(user, roles=given, actor=SYSTEM)


def backup() -> None:
    backups.make("acme", actor=SYSTEM)


def restore() -> None:
    """From the oldest backup."""
    restoring.restore("acme", backups.of_organization("acme")[-1].name, actor=SYSTEM)


def write_roles() -> None:
    """A hundred roles, with two permissions each."""
    with context.organization("acme"):
        for number in range(100):
            grants = (Grant("write", "vms"), Grant("write", "nodes", "deny"))
            draft = Draft(name="X", parent="viewer", permissions=grants)
            roles.create(f"role-{number}", draft, actor=SYSTEM)


def migrate() -> None:
    behind = list(fleet.behind().values_list("id", flat=True))
    list(fleet.migrate(behind, actor=SYSTEM, workers=1))
