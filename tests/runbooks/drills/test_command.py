"""`manage.py drill`: list, run, history."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from runbooks.drills import catalogue
from tests.factories import make_operator
from tests.runbooks.drills import breaking
from tests.runbooks.drills.serving import live

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def base(database: None, settings) -> Iterator[str]:
    with live(settings) as base:
        yield base


def said(*arguments: str) -> Any:
    output = StringIO()
    call_command("drill", *arguments, "--json", stdout=output)
    return json.loads(output.getvalue())


def test_a_drill_that_was_named_and_not_held_proves_nothing(settings) -> None:
    settings.PULSE_HOSTED_MODE = "false"
    with pytest.raises(SystemExit) as ended:
        call_command("drill", "run", "lifecycle-conflicts", stdout=StringIO())
    assert ended.value.code == 1


@pytest.mark.usefixtures("base")
def test_it_holds_a_drill_and_remembers_it() -> None:
    (run,) = said("run", "lifecycle-conflicts")
    assert run["state"] == "passed"
    assert run["steps"][0]["phase"] == "probe"
    assert [one["id"] for one in said("history", "lifecycle-conflicts")] == [run["id"]]
    listed = {one["name"]: one["last_state"] for one in said("list")}
    assert listed["lifecycle-conflicts"] == "passed"
    assert set(listed) == set(catalogue.BY_NAME)


def test_it_shows_each_step_as_it_ends_and_exits_1_when_one_fails(settings, monkeypatch, capsys) -> None:
    breaking.the_default(settings, monkeypatch)
    with live(settings), pytest.raises(SystemExit) as ending:
        call_command("drill", "run", "default-organization-guard", "lifecycle-conflicts")
    assert ending.value.code == 1
    shown = capsys.readouterr()
    assert "FAILED step" in shown.err
    assert "default-organization-guard: failed" in shown.out
    assert "lifecycle-conflicts: passed" in shown.out


def test_it_says_what_it_needs_to_know() -> None:
    with pytest.raises(CommandError, match="Name drills"):
        call_command("drill", "run")
    with pytest.raises(SystemExit):
        call_command("drill", "run", "nonsense")
    with pytest.raises(SystemExit):
        call_command("drill", "run", "gate-closing", actor=make_operator("support").email)


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_no_runs_at_all_may_be_asked_for(limit: str) -> None:
    assert said("history", "--limit", limit) == []


def test_nothing_held_yet_is_said(capsys) -> None:
    call_command("drill", "history")
    assert "No drill has been held yet" in capsys.readouterr().out
