"""What every operator's command does alike: JSON, tables, refusals, exit codes, progress, who acted."""

import json
import os
import pty
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection

from pulse.commands import OperatorCommand
from pulse.models import AuditEvent
from tenants.models import Organization
from tests.factories import make_operator, make_organization
from tests.processes import ROOT, environment

pytestmark = pytest.mark.usefixtures("database")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Probe(OperatorCommand):
    """Prints the rows that it is given, or fails as it is told to."""

    stealth_options = ("rows", "failure")

    def run(self, *, rows: list[dict[str, object]] = (), failure: Exception | None = None, **rest) -> None:
        if failure is not None:
            raise failure
        self.print_rows(rows)


def output(command: object, *arguments: str, stdout: StringIO | None = None, **options: object) -> str:
    stdout = stdout or StringIO()
    call_command(command, *arguments, stdout=stdout, **options)
    return stdout.getvalue()


def refused(*arguments: str) -> int:
    """The exit code of a command that is refused."""
    with pytest.raises(SystemExit) as ended:
        call_command(*arguments)
    return ended.value.code


def test_json_is_one_document(capsys) -> None:
    make_organization("acme")
    call_command("organizations", "--json")
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == ["acme", "default"]


def test_json_of_nothing_is_an_empty_list() -> None:
    assert json.loads(output("organizations", "--search", "nothing", "--json")) == []


def test_without_rows_a_line_says_so() -> None:
    assert output("organizations", "--search", "nothing") == "No organizations.\n"


def test_in_a_pipe_rows_are_separated_by_tabs() -> None:
    rows = [{"id": "a", "count": 0, "done": False, "end": None}, {"id": "b", "more": "x"}]
    assert output(Probe(), rows=rows) == "id\tcount\tdone\tend\tmore\na\t0\tFalse\t\t\nb\t\t\t\tx\n"


def test_on_a_terminal_rows_are_a_table() -> None:
    make_organization("acme", name="Acme Ltd")
    shown = output("organizations", stdout=Terminal())
    assert "\t" not in shown
    assert "━" in shown
    assert "Acme Ltd" in shown


@pytest.mark.parametrize("name", ["[red]Acme[/red]", "[/b] Acme", "[link=http://x]Acme", ":smile: Acme"])
def test_a_table_shows_what_looks_like_markup_as_it_is(name: str) -> None:
    assert name in output(Probe(), stdout=Terminal(), rows=[{"name": name}])


def test_several_ids_at_once_are_each_told(capsys) -> None:
    make_organization("acme")
    make_organization("other")
    call_command("suspend", "acme", "other", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told == [
        {"id": "acme", "result": "done", "status": "suspended"},
        {"id": "other", "result": "done", "status": "suspended"},
    ]


def test_one_refusal_among_several_stops_no_other_and_ends_with_1(capsys) -> None:
    make_organization("acme")
    assert refused("suspend", "nothing", "default", "acme", "--json") == 1
    results = {row["id"]: row["result"] for row in json.loads(capsys.readouterr().out)}
    assert results == {"nothing": "not_found", "default": "default_org_immutable", "acme": "done"}


def test_a_lost_database_is_told_for_each_id(capsys) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_organization RENAME TO lost_organization")
    assert refused("suspend", "acme", "other", "--json") == 1
    assert [row["result"] for row in json.loads(capsys.readouterr().out)] == ["unavailable"] * 2


def test_a_refusal_prints_its_code_and_ends_with_1(capsys) -> None:
    assert refused("provision", "--email", "nobody", "--name", "Acme") == 1
    assert capsys.readouterr().err == "invalid_email: This is not a valid e-mail address.\n"


def test_a_refusal_in_json_is_the_problem(capsys) -> None:
    assert refused("provision", "--email", "nobody", "--name", "Acme", "--json") == 1
    assert json.loads(capsys.readouterr().out)["code"] == "invalid_email"


def test_a_lost_database_is_a_refusal(capsys) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pulse_killswitch RENAME TO lost_killswitch")
    assert refused("hosted_mode", "status") == 1
    assert "unavailable: Pulse cannot answer this just now." in capsys.readouterr().err


@pytest.mark.parametrize("failure", [IntegrityError("duplicate"), RuntimeError("nobody foresaw this")])
def test_a_defect_is_not_taken_for_a_refusal(failure: Exception) -> None:
    with pytest.raises(type(failure)):
        output(Probe(), failure=failure)


def test_wrong_usage_is_no_refusal() -> None:
    with pytest.raises(CommandError):
        call_command("suspend")


def test_without_an_actor_the_shell_is_recorded() -> None:
    make_organization("acme")
    output("suspend", "acme")
    event = AuditEvent.objects.get(verb="organization.suspend")
    assert (event.actor_kind, event.door) == ("shell", "command")
    assert event.actor.startswith("os:")


def test_with_an_actor_the_operator_is_recorded() -> None:
    make_organization("acme")
    operator = make_operator("operator", email="ann@example.com")
    output("suspend", "acme", "--actor", " Ann@Example.com ")
    event = AuditEvent.objects.get(verb="organization.suspend")
    assert (event.actor, event.door) == (str(operator.public_id), "command")


def test_an_actor_is_held_to_their_permissions() -> None:
    make_organization("acme")
    support = make_operator("support")
    assert refused("suspend", "acme", "--actor", support.email) == 1
    assert Organization.objects.get(id="acme").status == "active"


@pytest.mark.parametrize("actor", ["nobody@example.com", "owner@acme.example", ""])
def test_an_actor_who_is_no_operator_is_refused(actor: str) -> None:
    make_organization("acme")
    with pytest.raises(CommandError, match="no operator"):
        call_command("suspend", "acme", "--actor", actor)
    assert Organization.objects.get(id="acme").status == "active"


def test_long_work_shows_its_progress_on_a_terminal_and_keeps_it_out_of_the_output() -> None:
    for organization_id in ("acme", "other"):
        make_organization(organization_id)
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "manage.py", "suspend", "acme", "other", "--json"],
        cwd=ROOT,
        env=environment(TERM="xterm"),
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert "suspend" in shown
    assert "100%" in shown
    assert [row["result"] for row in json.loads(done.stdout)] == ["done", "done"]
