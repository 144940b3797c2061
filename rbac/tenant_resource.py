"""The RBAC database as a tenant resource: made, checked, exported and erased with its organization."""

import shutil
from contextlib import suppress
from pathlib import Path

from django.db import transaction

from rbac import databases, integrity, template
from rbac.models import Assignment, Change, Permission, Principal, Role
from tenants import context
from tenants.exports import write_lines
from tenants.models import Organization, User


class RbacDatabase:
    name = "rbac"

    def provision(self, organization: Organization, *, owner: User | None) -> None:
        template.create(organization.id, admin=str(owner.public_id) if owner else None)

    def undo(self, organization_id: str) -> None:
        template.discard(organization_id)

    def missing(self, organization: Organization) -> bool:
        return not databases.file_of(organization.id).exists()

    def verify(self, organization: Organization) -> list[str]:
        return integrity.verify(organization.id)

    def export(self, organization: Organization, into: Path) -> None:
        """`roles`, `permissions`, `principals`, `assignments` and `changes`, a row each line."""
        with context.organization(organization.id):
            for model in (Role, Permission, Principal, Assignment, Change):
                file = into / f"{model._meta.model_name}s.jsonl"
                write_lines(file, model._default_manager.values().iterator())

    def before_purge(self, organization: Organization) -> None:
        """Nothing in the database keeps an organization."""

    def purge(self, organization: Organization) -> None:
        transaction.on_commit(lambda: template.discard(organization.id))

    def orphans(self) -> list[str]:
        """Folders of no living organization, and what crashes left unfinished or half deleted."""
        root = databases.folder()
        if not root.exists():
            return []
        names = {entry.name for entry in root.iterdir() if not entry.name.startswith(".template-")}
        living = Organization.objects.living().values_list("id", flat=True)
        return sorted(names.difference(living.iterator()))

    def clear(self, orphan: str) -> None:
        with suppress(FileNotFoundError):  # A purge may be removing it at this moment.
            shutil.rmtree(databases.folder() / orphan)
