"""Mails to the owners of an organization about its lifecycle."""

from django.conf import settings
from django.db import transaction

from pulse import outbox
from tenants.models import Organization, Status, User

# The states in which the mail about a verb is still true.
STILL_TRUE = {
    "suspend": {Status.SUSPENDED},
    "unsuspend": {Status.ACTIVE},
    "soft_delete": {Status.PENDING_DELETION},
    "restore": {Status.ACTIVE, Status.SUSPENDED},
}
SUBJECTS = {
    "suspend": "{name} is suspended",
    "unsuspend": "{name} is active again",
    "soft_delete": "{name} is going to be deleted",
    "restore": "{name} is restored",
}
BODIES = {
    "suspend": (
        "{name} is suspended: its people cannot use the service until the suspension is lifted. "
        "All its data is kept."
    ),
    "unsuspend": "The suspension of {name} is lifted: its people can use the service again.",
    "soft_delete": (
        "{name} is going to be deleted: its people can no longer use the service, and all its data will be "
        "erased on {purge_after:%d %B %Y}. Until then it can be restored."
    ),
    "restore": "The deletion of {name} has been called off. All its data was kept.",
}


@transaction.atomic
def tell_owners(organization_id: str, *, verb: str) -> int:
    """Mail each owner; how many. An organization that has moved on meanwhile is not written about."""
    organization = Organization.objects.filter(id=organization_id, status__in=STILL_TRUE[verb]).first()
    if organization is None:
        return 0
    words = {"name": organization.display_name, "purge_after": organization.purge_after}
    owners = User.objects.owners_of(organization.id)
    body = f"Hello,\n\n{BODIES[verb].format(**words)}\n\nOrganization: {organization.id}\n"
    if settings.PULSE_SUPPORT_CONTACT:
        body += f"Whom to ask: {settings.PULSE_SUPPORT_CONTACT}\n"
    for owner in owners:
        outbox.put(
            to=owner.email,
            subject=SUBJECTS[verb].format(**words),
            text=body,
            about=f"lifecycle/{verb}",
            organization=organization.id,
            recipient=str(owner.public_id),
        )
    return len(owners)
