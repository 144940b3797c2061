"""That an operator looked into an organization's access: kept once a visit, not for every page of it."""

from datetime import timedelta

from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from pulse.models import AuditEvent

VERB = "access.look"
VISIT = timedelta(minutes=15)


def record(organization_id: str, *, actor: Actor) -> None:
    """Audit the look, unless the actor's last one into this organization is less than a visit ago."""
    actor.require("tenants.manage_access")
    looks = AuditEvent.objects.filter(verb=VERB, organization=organization_id, actor=actor.name)
    if not looks.filter(at__gt=timezone.now() - VISIT).exists():
        audit.record(VERB, actor=actor, organization=organization_id)
