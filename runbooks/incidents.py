"""Incidents: opened by hand, by a failed drill or by an alert; `runbooks.handling` has what comes then.

Every verb writes the change, a line of the incident's timeline and an audit event in one transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from pulse import audit, faults
from pulse.actors import Actor
from pulse.problems import Unavailable
from pulse.text import is_one_line
from runbooks import clocks, errors, incident_mails, playbooks
from runbooks.models import DrillRun, Incident, IncidentEntry, IncidentStep, Severity
from runbooks.playbooks import Playbook
from tenants import organizations as tenants

HANDLE = "runbooks.handle_incident"
LONGEST_TITLE = 200
LONGEST_NOTE = 10_000
MOST_ORGANIZATIONS = 200
# A failed drill whose name no playbook has.
DRILLS_SEVERITY = Severity.P3
# How often two that open the same incident may lose to a third that resolves it.
ATTEMPTS = 3

Kind = IncidentEntry.Kind


def open_by_hand(
    *,
    title: str,
    playbook: str,
    actor: Actor,
    severity: str = "",
    organizations: Sequence[str] = (),
    note: str = "",
) -> Incident:
    """An incident that a person has noticed; the playbook's severity unless another is given.

    Raises `InvalidTitle`, `UnknownPlaybook`, `InvalidSeverity`, `OrganizationNotFound`.
    """
    actor.require(HANDLE)
    followed = playbooks.named(playbook)
    return _open(
        Incident(
            title=checked_title(title),
            playbook=followed.id,
            severity=checked_severity(severity or followed.severity),
            source=Incident.Source.HAND,
            organizations=checked_organizations(organizations),
        ),
        followed,
        actor=actor,
        text=checked_note(note),
    )


def open_from_drill(run: DrillRun, *, actor: Actor, detail: str = "") -> Incident:
    """The incident of a failed drill: a new one, or another line of the one that its last failure opened.

    The playbook is the one that names the drill. `detail` says what was expected and what was seen.
    """
    actor.require(HANDLE)
    followed = playbooks.of_drill(run.drill) or playbooks.of_severity(DRILLS_SEVERITY)
    text = f"The drill {run.drill} failed in run {run.pk}. {detail}".strip()[:LONGEST_NOTE]
    incident = Incident(
        title=f"The drill {run.drill} failed"[:LONGEST_TITLE],
        playbook=followed.id,
        severity=followed.severity,
        source=Incident.Source.DRILL,
        fingerprint=f"drill:{run.drill}"[:64],
        drill_run=run,
    )
    return open_or_add(
        incident.fingerprint,
        opening=lambda: _open(incident, followed, actor=actor, text=text),
        adding=lambda known: enter(known, Kind.ALERT, text, actor=actor, details={"drill_run": run.pk}),
    )


def open_from_alert(
    *,
    fingerprint: str,
    title: str,
    playbook: Playbook,
    severity: str,
    organizations: Sequence[str],
    text: str,
    details: Mapping[str, Any],
    actor: Actor,
) -> Incident:
    """The incident of a group of alerts: a new one, or another line of the one that is open.

    A more severe alert raises the severity of an open incident; nothing lowers it but a person.
    """
    actor.require(HANDLE)
    incident = Incident(
        title=title[:LONGEST_TITLE],
        playbook=playbook.id,
        severity=severity,
        source=Incident.Source.ALERT,
        fingerprint=fingerprint,
        organizations=list(organizations)[:MOST_ORGANIZATIONS],
    )

    def adding(known: Incident) -> None:
        if not was_told(known, details):
            enter(known, Kind.ALERT, text, actor=actor, details=details)
        if severity < known.severity:
            set_severity(known, severity, f"An alert of severity {severity} joined it.", actor)

    def opening() -> Incident:
        opened = _open(incident, playbook, actor=actor, text="")
        enter(opened, Kind.ALERT, text, actor=actor, details=details)
        return opened

    return open_or_add(fingerprint, opening=opening, adding=adding)


def was_told(incident: Incident, details: Mapping[str, Any]) -> bool:
    """Whether the last that was heard of its alerts is this very notification."""
    latest = incident.entries.filter(kind=Kind.ALERT).last()
    return latest is not None and latest.details.get("notification") == details["notification"]


def open_or_add(
    fingerprint: str, *, opening: Callable[[], Incident], adding: Callable[[Incident], object]
) -> Incident:
    """Add to the unresolved incident with the fingerprint, or open it: of any number at once, one opens."""
    for _ in range(ATTEMPTS):
        with transaction.atomic():
            known = Incident.objects.unresolved().select_for_update().filter(fingerprint=fingerprint).first()
            if known is not None:
                adding(known)
                return known
        faults.reach("incident.unknown")
        try:
            with transaction.atomic():
                return opening()
        except IntegrityError:
            continue  # Somebody else has opened it since we looked.
    raise Unavailable


@transaction.atomic
def _open(incident: Incident, playbook: Playbook, *, actor: Actor, text: str) -> Incident:
    incident.pk = None
    incident.opened_at, incident.opened_by = timezone.now(), actor.name
    clocks.start(incident)
    incident.save(force_insert=True)
    IncidentStep.objects.bulk_create(
        IncidentStep(
            incident=incident,
            number=number,
            section=step.section,
            text=step.text,
            commands=list(step.commands),
            button=step.button,
            decision=step.decision,
        )
        for number, step in enumerate(playbook.steps, start=1)
    )
    described = {
        "severity": incident.severity,
        "playbook": incident.playbook,
        "source": incident.source,
        "organizations": incident.organizations,
    }
    enter(incident, Kind.OPENED, text, actor=actor, details=described)
    record("open", incident, actor, after=described)
    incident_mails.tell(incident, "was opened", details=incident.title)
    return incident


def set_severity(incident: Incident, severity: str, reason: str, actor: Actor) -> None:
    """Of a locked incident; its running clocks follow."""
    change = {"from": incident.severity, "to": severity}
    incident.severity = severity
    clocks.start(incident)
    incident.save()
    enter(incident, Kind.SEVERITY, reason, actor=actor, details=change)
    record(
        "severity", incident, actor, before={"severity": change["from"]}, after={"severity": severity},
        reason=reason,
    )  # fmt: skip


def found(number: int) -> Incident:
    """Raises `IncidentNotFound`."""
    incident = Incident.objects.select_related("owner").filter(pk=number).first()
    if incident is None:
        raise errors.IncidentNotFound
    return incident


def locked(number: int, *, actor: Actor) -> Incident:
    """The incident with its row locked, for who may handle it."""
    actor.require(HANDLE)
    incident = Incident.objects.select_for_update(of=("self",)).filter(pk=number).first()
    if incident is None:
        raise errors.IncidentNotFound
    return incident


def enter(
    incident: Incident,
    kind: str,
    text: str,
    *,
    actor: Actor,
    details: Mapping[str, Any] | None = None,
    clock: str = "",
) -> IncidentEntry:
    """Write a line of the timeline."""
    return IncidentEntry.objects.create(
        incident=incident, actor=actor.name, kind=kind, text=text, details=details or {}, clock=clock
    )


def record(verb: str, incident: Incident, actor: Actor, reason: str = "", **change: Any) -> None:
    change["after"] = {"incident": incident.pk} | change.get("after", {})
    audit.record(f"incident.{verb}", actor=actor, reason=reason, **change)


def checked_title(title: str) -> str:
    """Raises `InvalidTitle`."""
    title = title.strip()
    if not title or len(title) > LONGEST_TITLE or not is_one_line(title):
        raise errors.InvalidTitle
    return title


def checked_note(note: str) -> str:
    """Text of several lines. Raises `InvalidNote`."""
    note = note.replace("\r\n", "\n").strip()
    if len(note) > LONGEST_NOTE or not all(is_one_line(line) for line in note.replace("\t", " ").split("\n")):
        raise errors.InvalidNote
    return note


def checked_severity(severity: str) -> str:
    """Raises `InvalidSeverity`."""
    if severity not in Severity.values:
        raise errors.InvalidSeverity
    return severity


def checked_organizations(ids: Sequence[str]) -> list[str]:
    """Each once, in the order given. Raises `TooManyOrganizations`, `OrganizationNotFound`."""
    once = list(dict.fromkeys(ids))
    if len(once) > MOST_ORGANIZATIONS:
        raise errors.TooManyOrganizations
    return [tenants.living(one).id for one in once]
