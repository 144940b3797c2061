"""What can be done to the databases of many organizations at once."""

from pulse.actors import Actor
from rbac import backups, fleet
from tenants import bulk

CARE = "tenants.care_for_databases"


def back_up(organization_id: str, *, actor: Actor, reason: str) -> str:
    return backups.make(organization_id, actor=actor, reason=reason).name


def migrate(organization_id: str, *, actor: Actor, reason: str) -> str:
    return "migrated" if fleet.migrate_one(organization_id, actor=actor) else "was current already"


def register() -> None:
    bulk.register("back_up", bulk.Operation(CARE, back_up))
    bulk.register("migrate", bulk.Operation(CARE, migrate))
