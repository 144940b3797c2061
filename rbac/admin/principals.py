"""Names for principals, which a tenant's database keeps as public UUIDs or a product's own ids."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from pulse.text import is_one_line
from rbac.models import Principal
from tenants.models import Membership, User

LONGEST = 128


@dataclass(frozen=True, slots=True)
class Named:
    """`name` is what is known of the principal, or the id; `is_member` whether it is one just now."""

    id: str
    name: str
    is_member: bool


def named(ids: Iterable[str], organization_id: str) -> list[Named]:
    """The principals in their order. Two queries, one of each database."""
    ids = list(ids)
    members = Membership.objects.filter(organization=organization_id, user=OuterRef("pk"))
    users = User.objects.filter(public_id__in=[one for one in map(_uuid, ids) if one is not None])
    found = {
        str(user.public_id): (user.email, bool(user.is_member))
        for user in users.annotate(is_member=Exists(members))
    }
    shown = Principal.objects.filter(id__in=ids).exclude(display_name="")
    called = dict(shown.values_list("id", "display_name"))
    return [Named(one, *found.get(one, (called.get(one, one), False))) for one in ids]


def id_of(words: str, organization_id: str) -> str:
    """The principal that is meant: a member's e-mail address stands for the member's public UUID."""
    if "@" in words:
        members = Membership.objects.filter(organization=organization_id, user__email=words.lower())
        found = members.values_list("user__public_id", flat=True).first()
        if found is not None:
            return str(found)
    return words


def is_well_formed(principal_id: str) -> bool:
    return is_one_line(principal_id) and 1 <= len(principal_id) <= LONGEST


def without_roles(organization_id: str, *, limit: int) -> list[Named]:
    """Members who have no role here, by their e-mail addresses; of the first so many members."""
    members = Membership.objects.filter(organization=organization_id, user__is_active=True)
    people = members.order_by("user__email").values_list("user__public_id", "user__email")[:limit]
    found = {str(public_id): email for public_id, email in people}
    having = Principal.objects.filter(id__in=found, assignments__isnull=False)
    idle = set(found) - set(having.values_list("id", flat=True))
    return [Named(one, email, is_member=True) for one, email in found.items() if one in idle]


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
