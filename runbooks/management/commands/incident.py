"""`manage.py incident`: open, list, show and handle incidents, and export them; `playbooks` lists those."""

from typing import Any

from django.core.management.base import CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from runbooks import actions, handling, incident_reports, incidents, playbooks
from runbooks.models import Incident, Severity
from tenants import people

NOTED = ("acknowledge", "contain", "resolve", "review")
HELP = {
    "acknowledge": "Somebody works on it: stop its first clock.",
    "contain": "It does no more harm.",
    "resolve": "It is over; the note says what it was.",
    "review": "It was talked over; the note says what was learned.",
}
COLUMNS = ("number", "severity", "status", "title", "opened_at", "organizations")


class Command(OperatorCommand):
    help = (
        "Open and handle incidents. Example: manage.py incident open --playbook p1-cross-tenant-leak "
        "--title 'acme sees names of beta' --organization acme --organization beta"
    )

    def arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        opening = verbs.add_parser("open", help="Open one, with its playbook's steps and clocks.")
        opening.add_argument(
            "--playbook",
            required=True,
            choices=tuple(playbooks.everything()),
            help="The one that it follows.",
        )
        opening.add_argument("--title", required=True, help="What is wrong, in one line.")
        opening.add_argument(
            "--severity", default="", choices=Severity.values, help="The playbook's when absent."
        )
        opening.add_argument(
            "--organization",
            action="append",
            default=[],
            metavar="ID",
            help="One that is concerned; may be repeated.",
        )
        opening.add_argument("--note", default="", help="Kept in the timeline.")
        listing = verbs.add_parser("list", help="Those that are not resolved, the most severe first.")
        listing.add_argument("--all", action="store_true", help="The resolved ones, too.")
        verbs.add_parser("playbooks", help="The playbooks, with their severities and times.")
        for verb in ("show", "export"):
            shown = {"show": "All of one.", "export": "One as Markdown, for the review."}[verb]
            verbs.add_parser(verb, help=shown).add_argument("number", type=int)
        for verb in NOTED:
            one = verbs.add_parser(verb, help=HELP[verb])
            one.add_argument("number", type=int)
            one.add_argument("--note", default="", help="Kept in the timeline.")
        self._arguments_of_changes(verbs)
        for one in verbs.choices.values():
            self.common(one)

    def _arguments_of_changes(self, verbs: Any) -> None:
        severity = verbs.add_parser("severity", help="Change how bad it is; its running clocks follow.")
        severity.add_argument("number", type=int)
        severity.add_argument("severity", choices=Severity.values)
        self.reason_option(severity, required=True)
        owner = verbs.add_parser("owner", help="Who sees to it that it ends.")
        owner.add_argument("number", type=int)
        owner.add_argument("email", nargs="?", help="An operator's; nobody's if left out.")
        note = verbs.add_parser("note", help="A line of the timeline.")
        note.add_argument("number", type=int)
        note.add_argument("text")
        step = verbs.add_parser("step", help="Mark a step as done.")
        step.add_argument("number", type=int)
        step.add_argument("step", type=int)
        step.add_argument("--note", default="", help="Kept in the timeline.")
        run = verbs.add_parser("run", help="Run an action and write down what came of it.")
        run.add_argument("number", type=int)
        run.add_argument("action", choices=tuple(actions.ACTIONS))
        run.add_argument(
            "--organization",
            action="append",
            default=[],
            metavar="ID",
            help="One that is concerned; may be repeated.",
        )

    def run(self, *, actor: Actor, verb: str, **options: Any) -> None:
        actor.require("runbooks.view_incident")
        getattr(self, "_" + verb, self._noted)(actor, options | {"verb": verb})

    def _open(self, actor: Actor, options: dict[str, Any]) -> None:
        opened = incidents.open_by_hand(
            title=options["title"],
            playbook=options["playbook"],
            severity=options["severity"],
            organizations=options["organization"],
            note=options["note"],
            actor=actor,
        )
        self._told(opened)

    def _list(self, actor: Actor, options: dict[str, Any]) -> None:
        found = Incident.objects.select_related("owner").order_by("severity", "opened_at")
        rows = [incident_reports.summary(one) for one in (found if options["all"] else found.unresolved())]
        if not self.as_json:
            rows = [{column: row[column] for column in COLUMNS} | _most_urgent(row) for row in rows]
        self.print_rows(rows, empty="No incident is open.")

    def _playbooks(self, actor: Actor, options: dict[str, Any]) -> None:
        rows = [
            {"id": one.id, "severity": one.severity, "title": one.title}
            | {name: str(time) for name, time in one.clocks.items()}
            for one in playbooks.everything().values()
        ]
        self.print_rows(rows)

    def _show(self, actor: Actor, options: dict[str, Any]) -> None:
        incident = incidents.found(options["number"])
        if self.as_json:
            self.print_json(incident_reports.detail(incident))
        else:
            self.stdout.write(incident_reports.markdown(incident))

    def _export(self, actor: Actor, options: dict[str, Any]) -> None:
        text = incident_reports.markdown(incidents.found(options["number"]))
        if self.as_json:
            self.print_json({"number": options["number"], "markdown": text})
        else:
            self.stdout.write(text)

    def _noted(self, actor: Actor, options: dict[str, Any]) -> None:
        verb = getattr(handling, options["verb"])
        self._told(verb(options["number"], note=options["note"], actor=actor))

    def _severity(self, actor: Actor, options: dict[str, Any]) -> None:
        changed = handling.change_severity(
            options["number"], severity=options["severity"], reason=options["reason"], actor=actor
        )
        self._told(changed)

    def _owner(self, actor: Actor, options: dict[str, Any]) -> None:
        owner = people.named(options["email"]) if options["email"] else None
        self._told(handling.set_owner(options["number"], owner=owner, actor=actor))

    def _note(self, actor: Actor, options: dict[str, Any]) -> None:
        self._told(handling.note(options["number"], text=options["text"], actor=actor))

    def _step(self, actor: Actor, options: dict[str, Any]) -> None:
        done = handling.do_step(options["number"], step=options["step"], note=options["note"], actor=actor)
        self._told(done)

    def _run(self, actor: Actor, options: dict[str, Any]) -> None:
        outcomes = actions.run(
            options["number"], action=options["action"], organizations=options["organization"], actor=actor
        )
        self.print_rows([{"subject": subject, "outcome": told} for subject, told in outcomes.items()])

    def _told(self, incident: Incident) -> None:
        told = incident_reports.summary(incident)
        if self.as_json:
            self.print_json(told)
        else:
            self.stdout.write(f"{incident} is {told['status']}, severity {told['severity']}.")


def _most_urgent(row: dict[str, Any]) -> dict[str, Any]:
    """The clock that runs out next."""
    running = [clock for clock in row["clocks"] if clock["met_at"] is None]
    if not running:
        return {"next": None, "until": None}
    return {"next": running[0]["name"], "until": running[0]["due_at"]}
