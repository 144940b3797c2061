"""What can be done to the databases of a selection of organizations."""

from pulse.admin.forms import OptionalReasonForm
from rbac import schema
from tenants.admin.bulk import PURGED, Offer, offer
from tenants.models import Organization, Status


def _is_current(organization: Organization) -> str:
    if organization.status == Status.PURGED:
        return PURGED
    return "Its database is current." if organization.schema_version >= schema.current() else ""


offer("back_up", Offer("Back up", ("A backup of each is made while it is in use.",), form=OptionalReasonForm))
offer(
    "migrate",
    Offer(
        "Migrate",
        ("The database of each is brought to the current schema.",),
        form=OptionalReasonForm,
        skipped=_is_current,
    ),
)
