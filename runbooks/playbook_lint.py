"""Whether what a playbook names is there: its commands with their options, its buttons, its alerts."""

import shlex
from collections.abc import Iterator

from django.core.management import CommandError, get_commands, load_command_class
from django.core.management.base import BaseCommand

from runbooks.actions import ACTIONS
from runbooks.alerts import ALERTS
from runbooks.drills.catalogue import DRILLS
from runbooks.playbooks import Playbook, PlaybookInvalid, Step

MANAGE = "manage.py"
# What is written into a command, in the form in which it will be.
EXAMPLE = {"organizations": "acme beta", "organization": "acme", "incident": "INC-7", "number": "7"}


def faults(playbook: Playbook) -> Iterator[PlaybookInvalid]:
    """Everything that is named and is not there, with the line of its step."""
    ours = {alert.name for alert in ALERTS if alert.playbook == playbook.id}
    for alert in sorted(ours ^ set(playbook.alerts)):
        fault = "does not exist with this playbook" if alert not in ours else "names this playbook, unlisted"
        yield PlaybookInvalid(playbook.file, 1, f"the alert {alert} {fault}")
    for drill in sorted(set(playbook.drills) - {drill.name for drill in DRILLS}):
        yield PlaybookInvalid(playbook.file, 1, f"there is no drill {drill}")
    for step in playbook.steps:
        yield from _faults_of(playbook, step)


def _faults_of(playbook: Playbook, step: Step) -> Iterator[PlaybookInvalid]:
    if step.button and step.button not in ACTIONS:
        yield PlaybookInvalid(playbook.file, step.line, f"there is no button {step.button}")
    for command in step.commands:
        if fault := _fault_of(command):
            yield PlaybookInvalid(playbook.file, step.line, f"{command}: {fault}")


def _fault_of(command: str) -> str:
    """Why the command line would be refused as wrong usage, or nothing."""
    try:
        program, name, *arguments = shlex.split(command.format(**EXAMPLE))
    except (ValueError, KeyError, IndexError) as error:
        return f"cannot be read ({error})"
    app = get_commands().get(name)
    if program != MANAGE or app is None:
        return "there is no such command"
    found = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    try:
        found.create_parser(MANAGE, name).parse_args(arguments)
    except CommandError as error:
        return str(error)
    return ""
