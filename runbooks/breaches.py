"""Clocks that have run out: told once each, by a job that looks for what is not told yet."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from pulse.actors import from_job
from runbooks import clocks, incident_mails
from runbooks.incidents import Kind, enter
from runbooks.models import Incident

JOB = from_job("incident-clocks")


def tell(*, now: datetime | None = None) -> list[str]:
    """Write and mail every breach that was not told yet; which. Running it twice, or at once, tells once."""
    now = now or timezone.now()
    found = []
    for name in clocks.FIELDS:
        late = Incident.objects.filter(clocks.ran_out(name, now=now)).exclude(entries__clock=name)
        found += [(number, name) for number in late.order_by("pk").values_list("pk", flat=True)]
    return [f"INC-{number} {name}" for number, name in found if _tell(number, name, now)]


@transaction.atomic
def _tell(number: int, name: str, now: datetime) -> bool:
    """With the incident locked, because another worker may have told it, or a person met the clock."""
    incident = Incident.objects.select_for_update().filter(clocks.ran_out(name, now=now), pk=number).first()
    if incident is None or incident.entries.filter(clock=name).exists():
        return False
    due_at = getattr(incident, clocks.FIELDS[name][0])
    enter(incident, Kind.BREACH, "", actor=JOB, details={"due_at": due_at.isoformat()}, clock=name)
    incident_mails.tell(
        incident,
        f"was not {clocks.DONE[name]} in time",
        details=f"It was to be {clocks.DONE[name]} by {due_at:%d %B %Y, %H:%M} UTC.",
    )
    return True
