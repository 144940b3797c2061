"""Finding, locking and renaming organizations."""

from collections.abc import Collection

from django.db import transaction

from pulse import audit, versions
from pulse.actors import Actor
from tenants import errors
from tenants.models import Organization
from tenants.provisioning import checked_name


def living(organization_id: str) -> Organization:
    """The organization, unless it is unknown or purged: `OrganizationNotFound`."""
    organization = Organization.objects.living().named(organization_id).first()
    if organization is None:
        raise errors.OrganizationNotFound
    return organization


def locked(organization_id: str) -> Organization:
    """As `living`, with its row locked until the transaction ends."""
    organization = Organization.objects.living().named(organization_id).select_for_update().first()
    if organization is None:
        raise errors.OrganizationNotFound
    return organization


@transaction.atomic
def rename(organization_id: str, *, name: str, actor: Actor, seen: Collection[str] = ()) -> Organization:
    """Change the display name; the id never changes.

    Raises `InvalidOrganizationName`, and `StaleVersion` when the version of the name is not among those
    `seen`.
    """
    actor.require("tenants.change_organization")
    name = checked_name(name)
    organization = locked(organization_id)
    versions.require(organization.display_name, seen)
    before = {"display_name": organization.display_name}
    organization.display_name = name
    organization.save(update_fields=("display_name",))
    audit.record(
        "organization.rename",
        actor=actor,
        organization=organization.id,
        before=before,
        after={"display_name": name},
    )
    return organization
