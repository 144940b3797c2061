"""An incident's clocks: until when it has to be acknowledged, contained, resolved and reviewed.

Each is an instant, computed from the opening once, so that a clock of the machine that jumps moves none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from runbooks import playbooks
from runbooks.models import Incident

# By the fields of an incident: until when, and when it was met.
FIELDS = {
    "acknowledge": ("acknowledge_by", "acknowledged_at"),
    "contain": ("contain_by", "contained_at"),
    "resolve": ("resolve_by", "resolved_at"),
    "review": ("review_by", "reviewed_at"),
}
DONE = {"acknowledge": "acknowledged", "contain": "contained", "resolve": "resolved", "review": "reviewed"}


@dataclass(frozen=True, slots=True)
class Clock:
    name: str
    opened_at: datetime
    due_at: datetime
    met_at: datetime | None

    def has_run_out(self, now: datetime) -> bool:
        """Whether it is past and not met, however late it will be."""
        return self.met_at is None and now > self.due_at

    @property
    def was_late(self) -> bool:
        return self.met_at is not None and self.met_at > self.due_at

    def left(self, now: datetime) -> timedelta:
        """Until it runs out; negative by how late it is. What was met in time stands still."""
        return self.due_at - (self.met_at or now)


def of(incident: Incident) -> list[Clock]:
    """The clocks that its severity sets, in the order in which they run out."""
    found = []
    for name, (due, met) in FIELDS.items():
        if (due_at := getattr(incident, due)) is not None:
            found.append(Clock(name, incident.opened_at, due_at, getattr(incident, met)))
    return sorted(found, key=lambda clock: clock.due_at)


def start(incident: Incident) -> None:
    """Set the clocks of its playbook and severity; those that were met stay as they are."""
    times = playbooks.clocks_of(incident.playbook, incident.severity)
    for name, (due, met) in FIELDS.items():
        if getattr(incident, met) is None:
            setattr(incident, due, incident.opened_at + times[name] if name in times else None)


def meet(incident: Incident, names: Iterable[str]) -> None:
    """Stop the clocks now, as far as they run; never before the opening, if the machine's clock went back."""
    now = max(timezone.now(), incident.opened_at)
    for name in names:
        _, met = FIELDS[name]
        if getattr(incident, met) is None:
            setattr(incident, met, now)


def ran_out(name: str, *, now: datetime) -> Q:
    """Incidents whose clock has run out and is not met."""
    due, met = FIELDS[name]
    return Q((f"{due}__lt", now), (f"{met}__isnull", True))
