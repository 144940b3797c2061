"""One face for all commands: walked from the list of commands, so that a new one is held to it too."""

import argparse
import io
import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from pulse.commands import OperatorCommand
from pulse.management.commands.completion import our_commands
from pulse.models import AuditEvent
from rbac import backups
from tenants.models import InvitationCode, Organization, User
from tests import needs
from tests.factories import SYSTEM, UserFactory, make_operator, make_organization
from tests.processes import PATIENCE_SECONDS, ROOT, environment
from tests.tenants.shell import document, run
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")

COMMANDS = our_commands()
GUIDE = ROOT / "docs" / "operating.md"
# What runs until it is stopped, or prints a script for a shell: nothing that JSON or an actor would fit.
NOT_AN_OPERATORS = ("completion", "scheduler", "serve", "worker")
# What anybody may see: it says nothing of this installation.
FREE_TO_ALL = ("slo",)
# Its other exit codes are answers.
NO_ANSWER = {"readiness": 3}
EXAMPLE = re.compile(r"Example: (manage\.py .+)$", re.DOTALL)


def command_named(name: str) -> BaseCommand:
    return load_command_class(get_commands()[name], name)


def operators_commands() -> list[str]:
    return [name for name in COMMANDS if name not in NOT_AN_OPERATORS]


def example_of(name: str) -> list[str]:
    """The arguments of the example in the command's help, after its name."""
    found = EXAMPLE.search(command_named(name).help)
    assert found, f"the help of {name} has no example"
    program, named, *arguments = shlex.split(found[1])
    assert (program, named) == ("manage.py", name)
    return arguments


def parsers_of(name: str) -> Iterator[argparse.ArgumentParser]:
    """The command's parser, or that of each of its verbs."""
    parser = command_named(name).create_parser("manage.py", name)
    verbs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    yield from verbs[0].choices.values() if verbs else [parser]


def options_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return {option: action for action in parser._actions for option in action.option_strings}


def ends_with(*argv: str) -> tuple[int, str]:
    """The exit code as of the command line, and what it says on standard error."""
    said, before = io.StringIO(), sys.stderr
    sys.stderr = said
    try:
        command_named(argv[0]).run_from_argv(["manage.py", *argv])
    except SystemExit as ended:
        return int(ended.code or 0), said.getvalue()
    finally:
        sys.stderr = before
    return 0, said.getvalue()


def at_a_terminal(*argv: str, answer: str) -> tuple[int, str, str]:
    """The exit code, standard output, and what the terminal of standard input and error shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "manage.py", *argv],
        cwd=ROOT,
        env=environment(TERM="dumb"),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as process:
        os.write(ours, answer.encode() + b"\n")
        out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    return process.returncode, out, shown


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_in_its_help_is_one_that_it_understands(name: str):
    command_named(name).create_parser("manage.py", name).parse_args(example_of(name))


@pytest.mark.parametrize("name", operators_commands())
def test_every_command_and_verb_takes_the_common_options(name: str):
    assert isinstance(command_named(name), OperatorCommand)
    for parser in parsers_of(name):
        options = options_of(parser)
        assert {"--json", "--actor"} <= options.keys(), parser.prog
        for switch in {"--json", "--yes", "--dry-run"} & options.keys():
            assert options[switch].nargs == 0, f"{parser.prog} {switch}"
        for value in {"--actor", "--reason"} & options.keys():
            assert options[value].nargs is None, f"{parser.prog} {value}"
        if "--reason" in options:
            assert "kept in the audit log" in options["--reason"].help, parser.prog


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str):
    silent = [
        option
        for parser in parsers_of(name)
        for option, action in options_of(parser).items()
        if action.help is None
    ]
    assert silent == []


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_wrong_usage(name: str):
    assert ends_with(name, *example_of(name), "--nonsense")[0] == NO_ANSWER.get(name, 2)


@pytest.mark.parametrize("name", operators_commands())
def test_an_operator_without_permissions_is_refused_in_json(name: str, tmp_path: Path):
    if name in FREE_TO_ALL:
        return
    make_organization("acme")
    nobody = make_operator("support")
    nobody.groups.clear()
    UserFactory(email="ann@example.com")
    status, answer = document(name, *_in(tmp_path, example_of(name)), "--actor", nobody.email)

    assert status == NO_ANSWER.get(name, 1)
    refusals = answer if isinstance(answer, list) else [answer]
    assert {one.get("code") or one.get("result") for one in refusals} == {"permission_denied"}


@pytest.mark.parametrize("name", operators_commands())
def test_an_unknown_actor_is_refused_in_json(name: str, tmp_path: Path):
    status, answer = document(name, *_in(tmp_path, example_of(name)), "--actor", "nobody@example.com")

    assert (status, answer["detail"]) == (
        NO_ANSWER.get(name, 1),
        "There is no operator with the e-mail address nobody@example.com.",
    )


def _in(folder: Path, arguments: list[str]) -> list[str]:
    """The example's arguments with its files in the folder."""
    return [argument.replace("/tmp", str(folder)) for argument in arguments]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_names_every_command(name: str):
    assert re.search(rf"^\| `{name}\b", GUIDE.read_text(), re.MULTILINE)


def test_every_command_line_of_the_guide_is_understood():
    lines = re.findall(
        r"(?:^|[`(] ?)(?:\w+=\S+ )*manage\.py ((?:[a-z_]+)[^`\n|]*)", GUIDE.read_text(), re.MULTILINE
    )
    wrong = []
    for line in lines:
        name, *arguments = shlex.split(line.partition(" > ")[0], comments=True)
        if arguments and name in COMMANDS:
            try:
                command_named(name).create_parser("manage.py", name).parse_args(arguments)
            except (Exception, SystemExit) as error:
                wrong.append(f"manage.py {line}: {error}")
        elif name not in get_commands():
            wrong.append(f"manage.py {line}: there is no such command")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("verb", ["suspend", "soft_delete"])
def test_a_dry_run_tells_what_would_be_and_changes_nothing(verb: str):
    make_organization("acme")
    organization_in("suspended", "stopped")
    status, rows = document(verb, "acme", "nobody", "--dry-run")

    assert status == 1
    assert [row["result"] for row in rows] == ["would be done", "not_found"]
    assert Organization.objects.get(id="acme").status == "active"


def test_a_dry_run_of_an_override_tells_what_they_would_have():
    make_organization("acme")
    argv = ["billing", "override", "acme", "--state", "active", "--reason", "pays by invoice"]

    assert document(*argv, "--dry-run")[1][0]["subscription_state"] == "active"
    assert document("billing", "show", "acme")[1][0]["subscription_state"] == "trial"


def test_a_dry_run_of_provision_meets_its_refusals_and_makes_nothing(data_dir: Path):
    make_organization("acme")
    wanted = ["provision", "--name", "Beta Ltd", "--email"]

    new = {"id": "beta-ltd", "existing": False, "result": "would be done"}
    assert document(*wanted, "New@example.com", "--dry-run") == (0, new)
    assert document(*wanted, "owner@acme.example", "--dry-run")[1]["existing"] is True
    taken = document(*wanted, "new@example.com", "--id", "acme", "--dry-run")
    assert (taken[0], taken[1]["code"]) == (1, "org_id_taken")
    assert not User.objects.filter(email="new@example.com").exists()
    assert not (data_dir / "orgs" / "beta-ltd").exists()


def test_why_an_organization_was_made_and_exported_is_kept(tmp_path: Path):
    run("provision", "--email", "new@example.com", "--name", "Beta Ltd", "--reason", "sold by phone")
    run("export_tenant", "beta-ltd", "--output", str(tmp_path / "beta.zip"), "--reason", "asked by law")

    kept = dict(AuditEvent.objects.values_list("verb", "reason"))
    assert kept["organization.provision"] == "sold by phone"
    assert kept["organization.export"] == "asked by law"


def test_why_codes_and_tokens_were_made_and_taken_back_is_kept():
    make_operator("support", email="op@pulse.example")
    run("invitation", "make", "--reason", "the first wave")
    code = InvitationCode.objects.get()
    run("invitation", "revoke", code.prefix, "--reason", "it leaked")
    run("create_token", "--operator", "op@pulse.example", "--reason", "for the exporter")

    kept = dict(AuditEvent.objects.values_list("verb", "reason"))
    assert [kept[verb] for verb in ("invitation.make", "invitation.revoke", "token.create")] == [
        "the first wave", "it leaked", "for the exporter",
    ]  # fmt: skip


def test_a_dry_run_of_a_restore_tells_what_it_would_put_back_or_why_not():
    make_organization("acme")
    backup = backups.make("acme", actor=SYSTEM)
    verbs = AuditEvent.objects.count()

    assert document("restore_tenant", "acme", backup.name, "--dry-run")[1]["name"] == backup.name
    other = document("restore_tenant", "acme", "20260101T000000.000000Z", "--dry-run")
    assert (other[0], other[1]["code"]) == (1, "not_found")
    assert AuditEvent.objects.count() == verbs


def test_a_dry_run_of_reconcile_clears_nothing(data_dir: Path):
    ghost = data_dir / "orgs" / "ghost"
    ghost.mkdir(parents=True)

    assert document("reconcile", "--dry-run") == (0, [{"result": "would be cleared", "what": "rbac: ghost"}])
    assert ghost.exists()


def test_without_a_terminal_what_scripts_rely_on_does_not_ask():
    organization_in("past its retention", "acme")
    assert document("reap", "--live")[1][0]["result"] == "purged"


def test_without_a_terminal_overwriting_demands_yes():
    make_organization("acme")
    status, said = ends_with("restore_tenant", "acme", "20261125T010000.000000Z")

    assert (status, "Add --yes" in said) == (2, True)


@pytest.mark.parametrize(("answer", "status", "left"), [("no", 1, "active"), ("acme", 0, "pending_deletion")])
def test_on_a_terminal_what_erases_asks(answer: str, status: int, left: str):
    make_organization("acme")
    code, out, shown = at_a_terminal("soft_delete", "acme", "--json", answer=answer)

    assert (code, Organization.objects.get(id="acme").status) == (status, left)
    assert "acme: all data is erased after 30 days. Type acme to go on:" in shown
    assert json.loads(out)


def test_a_line_for_a_program_is_one_line():
    make_organization("acme")
    Organization.objects.filter(id="acme").update(display_name="two\nlines\tand a tab")
    lines = run("organizations")[1].splitlines()

    assert [line.count("\t") for line in lines] == [4, 4, 4]


def test_a_reader_that_goes_away_is_no_failure_of_ours():
    for number in range(3):
        make_organization(f"acme-{number}", name="x" * 60)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "manage.py", "organizations"],
        cwd=ROOT,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, b"")


def completed_by_bash(script: str, *words: str) -> list[str]:
    """What a bash that has read the script offers for the last word."""
    ask = """
        source /dev/stdin <<< "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        completing=$(complete -p manage.py | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        "$completing" manage.py "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "-c", ask, "bash", script, "manage.py", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    return done.stdout.split()


def test_bash_completes_commands_verbs_options_and_choices():
    _, script, _ = run("completion", "bash")

    assert completed_by_bash(script, "susp") == ["suspend"]
    assert completed_by_bash(script, "hosted_mode", "") == ["status", "kill", "revive"]
    assert completed_by_bash(script, "billing", "override", "acme", "--st") == ["--state"]
    assert completed_by_bash(script, "organizations", "--status", "pu") == ["purged"]
    assert set(our_commands()) <= set(completed_by_bash(script, ""))


# A zsh at a terminal of its own, which says at ^G what stands on its line after a tab.
ASK_ZSH = r"""
    zmodload zsh/zpty
    zpty -b shell zsh -f -i
    zpty -w shell "PS1=; stty -echo; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D
    shown() { print -r -- \"<<\$BUFFER>>\" }; zle -N shown; bindkey '^G' shown; print RE''ADY"
    zpty -r -m shell line '*READY*'
    zpty -w -n shell "$2"$'\t'$'\a'
    zpty -r -m shell line '*<<*>>*'
    print -r -- "${${line##*<<}%%>>*}"
"""


@pytest.mark.drill
@needs.program("zsh", package="zsh")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("susp", "suspend "),
        ("billing override acme --st", "billing override acme --state "),
        ("organizations --status pu", "organizations --status purged "),
    ],
)
def test_zsh_completes_too(typed: str, completed: str, tmp_path: Path):
    (tmp_path / "_manage.py").write_text(run("completion", "zsh")[1])
    argv = ["zsh", "-f", "-c", ASK_ZSH, "zsh", str(tmp_path), f"manage.py {typed}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS)

    assert done.stdout.strip("\n") == f"manage.py {completed}"
