"""The RBAC database as a tenant resource: made, checked, exported and erased with its organization."""

import re
import shutil
from contextlib import suppress
from pathlib import Path

from django.db import transaction

from rbac import backups, databases, integrity, schema, strangers, template
from rbac.models import Assignment, Change, Permission, Principal, Role
from tenants import context
from tenants.exports import write_lines
from tenants.models import ORGANIZATION_ID, Organization, User


class RbacDatabase:
    """The tenant's file, and its backups."""

    name = "rbac"

    def provision(self, organization: Organization, *, owner: User | None) -> None:
        template.create(organization.id, admin=str(owner.public_id) if owner else None)
        Organization.objects.filter(pk=organization.pk).update(schema_version=schema.current())

    def undo(self, organization_id: str) -> None:
        template.discard(organization_id)

    def missing(self, organization: Organization) -> bool:
        return not databases.file_of(organization.id).exists()

    def verify(self, organization: Organization) -> list[str]:
        """Of a file that is whole, also people who have roles in it without being members."""
        return integrity.verify(organization.id) or [
            f"{principal} has roles and is not a member" for principal in strangers.found_in(organization.id)
        ]

    def export(self, organization: Organization, into: Path) -> None:
        """`roles`, `permissions`, `principals`, `assignments` and `changes`, a row each line."""
        with context.organization(organization.id):
            for model in (Role, Permission, Principal, Assignment, Change):
                file = into / f"{model._meta.model_name}s.jsonl"
                write_lines(file, model._default_manager.values().iterator())

    def before_purge(self, organization: Organization) -> None:
        """Nothing in the database keeps an organization."""

    def purge(self, organization: Organization) -> None:
        def erase() -> None:
            backups.discard_all(organization.id)
            template.discard(organization.id)

        # Robust: the purge holds by then, and `orphans` tells what is left of the files.
        transaction.on_commit(erase, robust=True)

    def orphans(self) -> list[str]:
        """Folders of no living organization, and what crashes left unfinished or half deleted."""
        kept = set(Organization.objects.living().values_list("id", flat=True))
        files = _entries(databases.folder()) - kept
        backed_up = _entries(backups.folder()) - kept
        return sorted(files) + [f"{backups.FOLDER}/{name}" for name in sorted(backed_up)]

    def clear(self, orphan: str) -> None:
        root = databases.folder()
        if orphan.startswith(f"{backups.FOLDER}/"):
            root = root.parent
        with suppress(FileNotFoundError):  # A purge may be removing it at this moment.
            shutil.rmtree(root / orphan)


def _entries(root: Path) -> set[str]:
    """The folders that may have been made for a tenant: not the template, nor a disk's `lost+found`."""
    if not root.exists():
        return set()
    return {entry.name for entry in root.iterdir() if entry.is_dir() and _is_ours(entry.name)}


def _is_ours(name: str) -> bool:
    if name.startswith("."):
        return not name.startswith(".template-")
    return re.fullmatch(ORGANIZATION_ID, name) is not None
