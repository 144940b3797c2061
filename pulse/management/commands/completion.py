"""`manage.py completion bash|zsh`."""

from pathlib import Path
from typing import Any

import shtab
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandParser

# Of Django's commands, those that an operator needs.
DJANGOS = ("check", "migrate")


class Command(BaseCommand):
    help = (
        "Print a script that completes the commands, verbs, options and choices of manage.py in a shell. "
        "Example: manage.py completion bash"
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("shell", choices=("bash", "zsh"))

    def handle(self, *args: Any, shell: str, **options: Any) -> None:
        self.stdout.write(shtab.complete(whole_parser(), shell=shell))


def whole_parser() -> CommandParser:
    """One parser of the whole command line; a command's options that come with Django are left out."""
    parser = CommandParser(prog="manage.py")
    commands = parser.add_subparsers()
    for name in sorted({*our_commands(), *DJANGOS}):
        command = load_command_class(get_commands()[name], name)
        # Descriptions go into the script: a line each is what a shell shows.
        command.add_arguments(commands.add_parser(name, help=command.help.partition(" Example: ")[0]))
    return parser


def our_commands() -> list[str]:
    """The names of the commands of the apps that are beside manage.py."""
    ours = {app.name for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}
    return sorted(name for name, app in get_commands().items() if app in ours)
