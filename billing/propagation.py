"""How long a change takes until another process obeys it: measured by a job, which the worker runs."""

from datetime import datetime

from django.utils import timezone

from billing import entitlements, metrics, timeline
from tenants.models import Organization


def watch(organization_id: str, *, changed_at: datetime) -> None:
    """Enqueue the measurement in the transaction of the change, so that it starts when that holds."""
    from billing.tasks import measure_propagation

    measure_propagation.enqueue(organization_id, changed_at.isoformat())


def measure(organization_id: str, *, changed_at: datetime) -> float | None:
    """Seconds from the change until now, if what the gate reads agrees with the rows; counted.

    None when the organization is gone or a drill's, or the gate would not obey, which is a defect and raises
    an alert by its absence.
    """
    organization = Organization.objects.living().customers().filter(id=organization_id).first()
    if organization is None:
        return None
    if organization.entitlement_timeline != timeline.render(entitlements.layers_of(organization_id)):
        return None
    seconds = max(0.0, (timezone.now() - changed_at).total_seconds())
    metrics.propagation_seconds.observe(seconds)
    return seconds
