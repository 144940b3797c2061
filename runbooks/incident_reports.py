"""An incident as others read it: as JSON for scripts, and as Markdown for the review."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from pulse.admin.actors import names_of
from runbooks import clocks
from runbooks.clocks import Clock
from runbooks.handling import status_of
from runbooks.models import Incident, IncidentEntry, IncidentStep

Kind = IncidentEntry.Kind
WHEN = "%Y-%m-%d %H:%M:%S"
# What stands for an incident's organizations while it names none.
NOBODY = "ORGANIZATION"


def summary(incident: Incident) -> dict[str, Any]:
    """One line of a list; with the clocks, as of now."""
    now = timezone.now()
    return {
        "number": incident.pk,
        "title": incident.title,
        "severity": incident.severity,
        "status": str(status_of(incident)),
        "playbook": incident.playbook,
        "source": incident.source,
        "owner": str(incident.owner.public_id) if incident.owner else None,
        "organizations": incident.organizations,
        "opened_at": incident.opened_at,
        "opened_by": incident.opened_by,
        "clocks": [_clock(clock, now) for clock in clocks.of(incident)],
    }


def detail(incident: Incident) -> dict[str, Any]:
    """All of it."""
    return {
        **summary(incident),
        "steps": [_step(incident, step) for step in incident.steps.all()],
        "timeline": [
            {
                "at": entry.at,
                "actor": entry.actor,
                "kind": entry.kind,
                "text": told(entry, {}),
                "details": entry.details,
            }
            for entry in incident.entries.all()
        ],
    }


def filled_in(command: str, incident: Incident) -> str:
    """A step's command with the incident's own names in it."""
    first = incident.organizations[0] if incident.organizations else NOBODY
    return command.format(
        organizations=" ".join(incident.organizations) or NOBODY,
        organization=first,
        incident=incident.name,
        number=incident.pk,
    )


def told(entry: IncidentEntry, names: Mapping[str, str]) -> str:
    """The entry in words; people by their e-mail addresses where `names` has them."""
    details = entry.details
    match entry.kind:
        case Kind.OPENED:
            words = f"Opened as {details['severity']} with the playbook {details['playbook']}."
        case Kind.PROGRESS:
            words = f"{details['to'].capitalize()}."
        case Kind.BREACH:
            words = f"Not {clocks.DONE[entry.clock]} in time."
        case Kind.SEVERITY:
            words = f"Severity {details['from']} became {details['to']}."
        case Kind.OWNER:
            owner = details["to"]
            words = f"Owned by {names.get(owner, owner)}." if owner else "Owned by nobody."
        case Kind.STEP:
            words = f"Step {details['step']} done: {details['text']}"
        case Kind.ACTION:
            words = f"Ran {details['action']}."
        case Kind.NOTE if "organizations" in details:
            words = f"Concerns {', '.join(details['organizations'])}, too."
        case _:
            words = ""
    corrections = details.get("corrections", ())
    return "\n".join(filter(None, (words, entry.text, *corrections)))


def names_in(incident: Incident) -> dict[str, str]:
    """The e-mail addresses of all people whom the incident tells of, by their public UUIDs."""
    entries = list(incident.entries.all())
    mentioned = [entry.actor for entry in entries]
    mentioned += [str(entry.details.get("to")) for entry in entries if entry.kind == Kind.OWNER]
    mentioned += [step.done_by for step in incident.steps.all()]
    return names_of([incident.opened_by, *mentioned])


def markdown(incident: Incident) -> str:
    """For the review: facts, clocks, the steps with who did them, the timeline."""
    return "\n".join(_lines(incident)) + "\n"


def _lines(incident: Incident) -> Iterator[str]:
    names = names_in(incident)
    yield f"# {incident.name}: {_inline(incident.title)}"
    yield ""
    facts = {
        "Severity": incident.severity,
        "Status": str(status_of(incident)),
        "Playbook": incident.playbook,
        "Opened": f"{incident.opened_at.strftime(WHEN)} UTC by {_named(incident.opened_by, names)}",
        "Owner": _inline(incident.owner.email) if incident.owner else "nobody",
        "Organizations": ", ".join(incident.organizations) or "none named",
    }
    for fact, value in facts.items():
        yield f"- {fact}: {value}"
    yield ""
    yield "| clock | until (UTC) | met (UTC) | |"
    yield "|---|---|---|---|"
    now = timezone.now()
    for clock in clocks.of(incident):
        met = clock.met_at.strftime(WHEN) if clock.met_at else "-"
        yield f"| {clock.name} | {clock.due_at.strftime(WHEN)} | {met} | {in_words(clock.left(now))} |"
    yield from _steps(incident, names)
    yield ""
    yield "## Timeline"
    yield ""
    for entry in incident.entries.all():
        first, *more = told(entry, names).splitlines() or [""]
        yield f"- {entry.at.strftime(WHEN)} {_named(entry.actor, names)} ({entry.kind}): {_inline(first)}"
        for line in more:
            yield f"  {_inline(line)}  "


def _steps(incident: Incident, names: Mapping[str, str]) -> Iterator[str]:
    section = ""
    for step in incident.steps.all():
        if step.section != section:
            section = step.section
            yield ""
            yield f"## {section}"
            yield ""
        done = f" ({step.done_at.strftime(WHEN)} UTC, {_named(step.done_by, names)})" if step.done_at else ""
        yield f"- [{'x' if step.done_at else ' '}] {step.number}. {step.text}{done}"


def in_words(left: timedelta) -> str:
    """`2 h 5 min left`, or by how much it is over, in whole minutes."""
    minutes, _ = divmod(int(abs(left).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    amount = " ".join(filter(None, (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "")))
    amount = amount or "less than a minute"
    return f"{amount} {'over' if left < timedelta(0) else 'left'}"


def _named(actor: str, names: Mapping[str, str]) -> str:
    return _inline(names.get(actor, actor))


def _inline(text: str) -> str:
    """Somebody's words as text, whatever of Markdown or HTML is in them."""
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#!~&" else one for one in text)


def _clock(clock: Clock, now: Any) -> dict[str, Any]:
    return {
        "name": clock.name,
        "due_at": clock.due_at,
        "met_at": clock.met_at,
        "breached": clock.has_run_out(now) or clock.was_late,
        "seconds_left": int(clock.left(now).total_seconds()),
    }


def _step(incident: Incident, step: IncidentStep) -> dict[str, Any]:
    return {
        "number": step.number,
        "section": step.section,
        "text": step.text,
        "commands": [filled_in(command, incident) for command in step.commands],
        "button": step.button or None,
        "decision": step.decision or None,
        "done_at": step.done_at,
        "done_by": step.done_by or None,
    }
