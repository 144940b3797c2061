"""How much disk an organization's roles and their backups take."""

from collections.abc import Iterator

from django.template.defaultfilters import filesizeformat

from rbac import backups, databases
from tenants.admin import usage
from tenants.admin.usage import Use
from tenants.models import Organization


def uses(organization: Organization) -> Iterator[Use]:
    file = databases.file_of(organization.id)
    yield Use("Database of roles", filesizeformat(file.stat().st_size) if file.exists() else "no file")
    kept = backups.of_organization(organization.id)
    size = filesizeformat(sum(backup.size for backup in kept))
    yield Use("Backups", size, note=f"{len(kept)} kept.")


usage.sources.append(uses)
