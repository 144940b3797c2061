"""`manage.py drill list|run|history`."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from runbooks.drills import catalogue, history, runner
from runbooks.models import DrillRun, DrillStep

MARKS = {True: "[green]ok[/green]    ", False: "[red]FAILED[/red]"}


class Command(OperatorCommand):
    help = "Hold drills on the running system. Example: manage.py drill run lifecycle-round-trip gate-closing"

    def arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        verbs.add_parser("list", help="All drills, with their last run.")
        run = verbs.add_parser("run", help="Hold them one after another; exits 1 unless all pass.")
        run.add_argument("names", nargs="*", metavar="NAME")
        run.add_argument("--all", action="store_true", help="Hold all that can be held here.")
        past = verbs.add_parser("history", help="The latest runs, of one drill or of all.")
        past.add_argument("name", nargs="?", metavar="NAME")
        past.add_argument("--limit", type=int, default=20, help="How many; 20 when absent.")
        for one in verbs.choices.values():
            self.common(one)

    def run(self, *, actor: Actor, verb: str, **options: Any) -> None:
        getattr(self, f"do_{verb}")(actor, **options)

    def do_list(self, actor: Actor, **options: Any) -> None:
        actor.require(history.PERMISSION)
        self.print_rows([history.summary(drill) for drill in catalogue.DRILLS])

    def do_history(self, actor: Actor, *, name: str | None, limit: int, **options: Any) -> None:
        actor.require(history.PERMISSION)
        runs = history.runs_of(catalogue.find(name).name if name else None)[: max(limit, 0)]
        self.print_rows([history.described(one) for one in runs], empty="No drill has been held yet.")

    def do_run(self, actor: Actor, *, names: list[str], all: bool, **options: Any) -> None:  # noqa: A002
        if bool(names) == all:
            raise CommandError("Name drills, or say --all.")
        drills = [catalogue.find(name) for name in names] or list(catalogue.DRILLS)
        held = [self._hold(drill.name, actor) for drill in drills]
        if self.as_json:
            self.print_json([history.described(run) | {"steps": history.steps_of(run)} for run in held])
        # Who names a drill wants it held; --all leaves out what this installation does not have.
        fine = history.FINE if all else (DrillRun.State.PASSED,)
        if any(run.state not in fine for run in held):
            sys.exit(1)

    def _hold(self, name: str, actor: Actor) -> DrillRun:
        console = Console(stderr=True, highlight=False)

        def tell(step: DrillStep) -> None:
            if self.as_json:
                return
            console.print(f"  {MARKS[step.passed]} {step.phase:<8} [dim]{step.seconds:6.2f} s[/dim] ", end="")
            console.print(step.name, markup=False)
            if not step.passed:
                console.print(step.detail, markup=False, style="red")

        if not self.as_json:
            console.print(f"[bold]{name}[/bold]")
        run = runner.run(name, actor=actor, tell=tell)
        if not self.as_json:
            self.stdout.write(f"{name}: {run.get_state_display().lower()} in {run.seconds:.1f} s")
        return run
