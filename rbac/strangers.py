"""People in a tenant's roles who are none of its members: where one tenant's access leaked into another's."""

import uuid

from rbac import databases
from rbac.models import Assignment
from tenants import context
from tenants.models import User


def found_in(organization_id: str) -> list[str]:
    """The principals with a role there who are people of Pulse and not members, by their public UUIDs.

    A product's own user ids are no UUIDs of people, and are not judged.
    """
    with context.organization(organization_id), databases.using(organization_id):
        assigned = set(Assignment.objects.values_list("principal_id", flat=True))
    people = User.objects.filter(public_id__in=[one for one in assigned if _is_uuid(one)])
    strangers = people.exclude(memberships__organization=organization_id)
    return sorted(str(public_id) for public_id in strangers.values_list("public_id", flat=True))


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
