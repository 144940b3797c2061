"""An organization as the API, the commands and exports show it."""

from typing import Any

from tenants.api.serializers import OrganizationSerializer
from tenants.errors import OrganizationNotFound
from tenants.models import Organization


def organization_json(organization_id: str) -> dict[str, Any]:
    """The organization with its owner's address. Raises `OrganizationNotFound`; a tombstone is shown."""
    organization = Organization.objects.with_owner().named(organization_id).first()
    if organization is None:
        raise OrganizationNotFound
    return dict(OrganizationSerializer(organization).data)
