"""Tenant resources: what other apps make, check, export and erase for each organization.

An app registers one object in its `AppConfig.ready`. Provisioning walks the list in order, and undoes it
and purges in reverse.
"""

from pathlib import Path
from typing import Protocol

from tenants.models import Organization, User


class TenantResource(Protocol):
    name: str

    def provision(self, organization: Organization, *, owner: User | None) -> None:
        """Make this part of the tenant. Runs in the transaction that makes the organization."""

    def undo(self, organization_id: str) -> None:
        """Remove what `provision` left outside the database, after its transaction was rolled back."""

    def missing(self, organization: Organization) -> bool:
        """Whether this part was never made."""

    def verify(self, organization: Organization) -> list[str]:
        """What is wrong with this part of the tenant; empty when it is whole."""

    def export(self, organization: Organization, into: Path) -> None:
        """Write everything that this part holds on the tenant into the folder."""

    def before_purge(self, organization: Organization) -> None:
        """Raise `PurgeRefused` to keep the organization."""

    def purge(self, organization: Organization) -> None:
        """Erase this part: rows at once, anything outside the database on commit."""

    def orphans(self) -> list[str]:
        """What this part holds outside the database for no living organization."""

    def clear(self, orphan: str) -> None:
        """Remove one of `orphans`."""


_registered: list[TenantResource] = []


def register(resource: TenantResource) -> None:
    _registered.append(resource)


def registered() -> tuple[TenantResource, ...]:
    return tuple(_registered)


def verify(organization: Organization) -> dict[str, list[str]]:
    """The findings by resource; empty when the tenant is whole."""
    findings = {resource.name: resource.verify(organization) for resource in _registered}
    return {name: found for name, found in findings.items() if found}
