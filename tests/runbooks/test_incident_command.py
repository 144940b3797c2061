"""`manage.py incident`: all that the other doors do."""

import json

import pytest
from django.core.management import call_command

from runbooks.models import Incident
from tests.factories import make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def run(capsys):
    """The command's standard output."""

    def call(*arguments: str) -> str:
        call_command("incident", *arguments)
        return capsys.readouterr().out

    return call


@pytest.fixture
def number(run) -> str:
    make_organization("acme")
    wanted = ("--playbook", "p1-cross-tenant-leak", "--title", "A leak", "--organization", "acme")
    return str(json.loads(run("open", *wanted, "--json"))["number"])


def test_it_opens_lists_and_shows(run, number: str) -> None:
    assert [one["title"] for one in json.loads(run("list", "--json"))] == ["A leak"]
    assert "acknowledge" in run("list")
    shown = json.loads(run("show", number, "--json"))
    assert shown["timeline"][0]["text"] == "Opened as P1 with the playbook p1-cross-tenant-leak."
    assert run("show", number) == run("export", number)


def test_it_handles_one_to_its_end(run, number: str) -> None:
    colleague = make_operator("operator")
    run("acknowledge", number)
    run("owner", number, colleague.email)
    run("severity", number, "P2", "--reason", "one name")
    run("note", number, "seen by nobody else")
    run("step", number, "1")
    assert json.loads(run("run", number, "verify_isolation", "--json")) == [
        {"subject": "acme", "outcome": "whole and without strangers"}
    ]
    run("contain", number)
    run("resolve", number, "--note", "a wrong role")
    assert run("review", number, "--note", "ask twice").endswith("is reviewed, severity P2.\n")
    assert run("list") == "No incident is open.\n"
    assert "A leak" in run("list", "--all")


def test_a_refusal_ends_with_its_code(capsys, number: str) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("incident", "review", number, "--note", "x")
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("not_resolved: ")


def test_an_actor_is_held_to_what_they_may(capsys, number: str) -> None:
    support = make_operator("support")
    with pytest.raises(SystemExit):
        call_command("incident", "acknowledge", number, "--actor", support.email)
    assert "permission_denied" in capsys.readouterr().err
    assert Incident.objects.get().acknowledged_at is None


def test_the_playbooks_are_listed(run) -> None:
    listed = json.loads(run("playbooks", "--json"))
    assert [one["severity"] for one in listed] == ["P1", "P2", "P3", "P4"]
