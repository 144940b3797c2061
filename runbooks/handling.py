"""What is done with an incident: acknowledged, contained, resolved, reviewed, and all that is told of it.

Every verb locks the incident and writes the change, a line of its timeline and an audit event in one
transaction. Unknown numbers raise `IncidentNotFound`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import models, transaction
from django.utils import timezone

from pulse import audit, versions
from pulse.actors import Actor
from pulse.problems import Problem
from runbooks import clocks, errors
from runbooks.incidents import (
    HANDLE,
    Kind,
    checked_note,
    checked_organizations,
    checked_severity,
    enter,
    locked,
    record,
    set_severity,
)
from runbooks.models import Incident
from tenants.models import User


class Status(models.TextChoices):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CONTAINED = "contained"
    RESOLVED = "resolved"
    REVIEWED = "reviewed"


@dataclass(frozen=True, slots=True)
class Transition:
    """From where a verb is allowed, which clocks it stops, and what it refuses elsewhere."""

    sources: frozenset[Status]
    meets: tuple[str, ...]
    refusals: Mapping[Status, type[Problem]]
    needs_note: bool = False


# Who contains has acknowledged, and who resolves has contained: nobody has to click through all of them.
TRANSITIONS = {
    "acknowledge": Transition(
        sources=frozenset({Status.OPEN}),
        meets=("acknowledge",),
        refusals={
            Status.ACKNOWLEDGED: errors.AlreadyAcknowledged,
            Status.CONTAINED: errors.AlreadyAcknowledged,
            Status.RESOLVED: errors.AlreadyResolved,
            Status.REVIEWED: errors.AlreadyResolved,
        },
    ),
    "contain": Transition(
        sources=frozenset({Status.OPEN, Status.ACKNOWLEDGED}),
        meets=("acknowledge", "contain"),
        refusals={
            Status.CONTAINED: errors.AlreadyContained,
            Status.RESOLVED: errors.AlreadyResolved,
            Status.REVIEWED: errors.AlreadyResolved,
        },
    ),
    "resolve": Transition(
        sources=frozenset({Status.OPEN, Status.ACKNOWLEDGED, Status.CONTAINED}),
        meets=("acknowledge", "contain", "resolve"),
        refusals={Status.RESOLVED: errors.AlreadyResolved, Status.REVIEWED: errors.AlreadyResolved},
        needs_note=True,
    ),
    "review": Transition(
        sources=frozenset({Status.RESOLVED}),
        meets=("review",),
        refusals={
            Status.OPEN: errors.NotResolved,
            Status.ACKNOWLEDGED: errors.NotResolved,
            Status.CONTAINED: errors.NotResolved,
            Status.REVIEWED: errors.AlreadyReviewed,
        },
        needs_note=True,
    ),
}


def status_of(incident: Incident) -> Status:
    """How far it has come."""
    for status, moment in (
        (Status.REVIEWED, incident.reviewed_at),
        (Status.RESOLVED, incident.resolved_at),
        (Status.CONTAINED, incident.contained_at),
        (Status.ACKNOWLEDGED, incident.acknowledged_at),
    ):
        if moment is not None:
            return status
    return Status.OPEN


def acknowledge(number: int, *, actor: Actor, note: str = "") -> Incident:
    """Somebody works on it: the actor, who becomes its owner if it has none."""
    return _apply("acknowledge", number, actor, note)


def contain(number: int, *, actor: Actor, note: str = "") -> Incident:
    """It does no more harm, whether or not its cause is known."""
    return _apply("contain", number, actor, note)


def resolve(number: int, *, actor: Actor, note: str) -> Incident:
    """It is over; the note says what it was. Raises `NoteRequired`."""
    return _apply("resolve", number, actor, note)


def review(number: int, *, actor: Actor, note: str) -> Incident:
    """It was talked over; the note says what was learned. Raises `NoteRequired`."""
    return _apply("review", number, actor, note)


@transaction.atomic
def _apply(verb: str, number: int, actor: Actor, note: str) -> Incident:
    transition = TRANSITIONS[verb]
    incident = locked(number, actor=actor)
    status = status_of(incident)
    if status not in transition.sources:
        raise transition.refusals[status]
    note = checked_note(note)
    if transition.needs_note and not note:
        raise errors.NoteRequired
    clocks.meet(incident, transition.meets)
    before, after = {"status": str(status)}, {"status": str(status_of(incident))}
    if incident.owner is None and isinstance(actor.user, User):
        incident.owner = actor.user
        after["owner"] = str(actor.user.public_id)
    incident.save()
    enter(incident, Kind.PROGRESS, note, actor=actor, details={"to": after["status"]})
    record(verb, incident, actor, before=before, after=after)
    return incident


@transaction.atomic
def change_severity(
    number: int, *, severity: str, reason: str, actor: Actor, seen: Collection[str] = ()
) -> Incident:
    """Raise or lower it; clocks that still run are set to the new severity's times, from the opening.

    Raises `InvalidSeverity`, `SameSeverity`, `AlreadyResolved`, `ReasonRequired`, and `StaleVersion` when the
    version of the severity is not among those `seen`.
    """
    incident = locked(number, actor=actor)
    audit.required_reason(reason)
    if incident.resolved_at is not None:
        raise errors.AlreadyResolved
    versions.require(incident.severity, seen)
    if checked_severity(severity) == incident.severity:
        raise errors.SameSeverity
    set_severity(incident, severity, reason, actor)
    return incident


@transaction.atomic
def set_owner(number: int, *, owner: User | None, actor: Actor, seen: Collection[str] = ()) -> Incident:
    """Who sees to it that it ends.

    Raises `OwnerRefused` for who may not handle it, and `StaleVersion` when the version of the owner's id is
    not among those `seen`.
    """
    incident = locked(number, actor=actor)
    versions.require(incident.owner_id, seen)
    if owner is not None and not (owner.is_active and owner.is_staff and owner.has_perm(HANDLE)):
        raise errors.OwnerRefused
    change = {"from": _public(incident.owner), "to": _public(owner)}
    incident.owner = owner
    incident.save(update_fields=("owner",))
    enter(incident, Kind.OWNER, "", actor=actor, details=change)
    record("owner", incident, actor, before={"owner": change["from"]}, after={"owner": change["to"]})
    return incident


@transaction.atomic
def note(number: int, *, text: str, actor: Actor) -> Incident:
    """A line of the timeline, which nobody can take back. Raises `NoteRequired`, `InvalidNote`."""
    incident = locked(number, actor=actor)
    if not checked_note(text):
        raise errors.NoteRequired
    enter(incident, Kind.NOTE, checked_note(text), actor=actor)
    record("note", incident, actor)
    return incident


@transaction.atomic
def concern(number: int, *, organizations: Sequence[str], actor: Actor) -> Incident:
    """Name organizations that it concerns, besides those that are named. Raises `OrganizationNotFound`."""
    incident = locked(number, actor=actor)
    added = [one for one in checked_organizations(organizations) if one not in incident.organizations]
    if added:
        incident.organizations = checked_organizations([*incident.organizations, *added])
        incident.save(update_fields=("organizations",))
        enter(incident, Kind.NOTE, "", actor=actor, details={"organizations": added})
        record("concern", incident, actor, after={"organizations": added})
    return incident


@transaction.atomic
def do_step(number: int, *, step: int, actor: Actor, note: str = "") -> Incident:
    """Mark the step as done. Raises `StepNotFound`, `StepDone`."""
    incident = locked(number, actor=actor)
    found = incident.steps.filter(number=step).first()
    if found is None:
        raise errors.StepNotFound
    if found.done_at is not None:
        raise errors.StepDone
    found.done_at, found.done_by = timezone.now(), actor.name
    found.save(update_fields=("done_at", "done_by"))
    enter(incident, Kind.STEP, checked_note(note), actor=actor, details={"step": step, "text": found.text})
    record("step", incident, actor, after={"step": step})
    return incident


@transaction.atomic
def tell_of_action(
    number: int, *, action: str, outcomes: Mapping[str, str], actor: Actor, step: int | None = None
) -> None:
    """Write down what came of an action that was run, and that its step is done."""
    incident = locked(number, actor=actor)
    text = "\n".join(f"{subject}: {outcome}" for subject, outcome in outcomes.items())
    enter(incident, Kind.ACTION, text, actor=actor, details={"action": action, "outcomes": dict(outcomes)})
    record("action", incident, actor, after={"action": action, "organizations": sorted(outcomes)})
    if step is not None and incident.steps.filter(number=step, done_at=None).exists():
        do_step(number, step=step, actor=actor)


def _public(user: User | None) -> str | None:
    return str(user.public_id) if user else None
