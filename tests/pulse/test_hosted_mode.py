"""Hosted mode: what opens the gate, what shuts it, who may flip the switch."""

import pytest
from django.core.management import call_command
from django.db import connection

from pulse import hosted_mode
from pulse.models import AuditEvent
from pulse.problems import PermissionRefused
from tests.api import Caller, code
from tests.factories import SYSTEM, acting, make_operator

pytestmark = pytest.mark.usefixtures("database")

SHUT = (404, "not_found")


def sign_up(caller: Caller) -> tuple[int, str]:
    """A hosted route's answer to an empty request, which changes nothing."""
    return code(caller.post("/api/public/signup"))


@pytest.fixture
def stage_ga(settings) -> None:
    settings.PULSE_STAGE = "ga"


@pytest.mark.parametrize(
    "word", ["", "false", "0", "1", "yes", "on", "TRUE", "True", " true", "true ", "true\n"]
)
def test_no_other_word_than_true_opens(nobody: Caller, settings, word: str) -> None:
    settings.PULSE_HOSTED_MODE = word
    assert sign_up(nobody) == SHUT
    assert hosted_mode.state().reasons == ("PULSE_HOSTED_MODE is not the word true",)


def test_the_word_true_opens(nobody: Caller, settings) -> None:
    settings.PULSE_HOSTED_MODE = "true"
    assert sign_up(nobody)[0] == 400
    assert hosted_mode.state() == hosted_mode.State(open=True, reasons=())


def test_kill_shuts_from_the_next_request_on(nobody: Caller) -> None:
    hosted_mode.kill(actor=SYSTEM)
    assert sign_up(nobody) == SHUT


def test_revive_opens_again(nobody: Caller) -> None:
    hosted_mode.kill(actor=SYSTEM)
    hosted_mode.revive(actor=SYSTEM)
    assert sign_up(nobody)[0] == 400


def test_revive_does_not_open_what_the_setting_shuts(nobody: Caller, settings) -> None:
    settings.PULSE_HOSTED_MODE = "false"
    hosted_mode.revive(actor=SYSTEM)
    assert sign_up(nobody) == SHUT


def test_killing_twice_changes_nothing_and_is_recorded_twice() -> None:
    hosted_mode.kill(actor=SYSTEM)
    hosted_mode.kill(actor=SYSTEM)
    assert hosted_mode.is_killed()
    assert [event.before for event in AuditEvent.objects.all()] == [{"killed": True}, {"killed": False}]


def test_a_flip_is_recorded_with_its_reason() -> None:
    hosted_mode.kill(actor=SYSTEM, reason="leak")
    event = AuditEvent.objects.get()
    assert (event.verb, event.actor, event.reason) == ("hosted_mode.kill", "job:test", "leak")
    assert (event.before, event.after) == ({"killed": False}, {"killed": True})


@pytest.mark.parametrize("reason", ["x" * 501, "two\nlines", "\x00", "\x1b[2J"])
def test_a_reason_that_cannot_be_kept_is_refused_and_flips_nothing(capsys, reason: str) -> None:
    with pytest.raises(SystemExit):
        call_command("hosted_mode", "kill", reason=reason)
    assert capsys.readouterr().err.startswith("invalid_reason")
    assert not hosted_mode.is_killed()


@pytest.mark.parametrize("group", ["operator", "admin"])
def test_operators_may_flip(group: str) -> None:
    hosted_mode.kill(actor=acting(make_operator(group)))
    assert hosted_mode.is_killed()


@pytest.mark.parametrize("group", ["support", "billing"])
def test_others_may_not_flip(group: str) -> None:
    with pytest.raises(PermissionRefused):
        hosted_mode.kill(actor=acting(make_operator(group)))
    assert not hosted_mode.is_killed()
    assert not AuditEvent.objects.exists()


def test_the_command_kills_and_revives(nobody: Caller, capsys) -> None:
    call_command("hosted_mode", "kill", "--reason", "leak")
    assert capsys.readouterr().out == "Hosted mode is shut: the kill switch is on.\n"
    assert sign_up(nobody) == SHUT
    call_command("hosted_mode", "revive")
    assert capsys.readouterr().out == "Hosted mode is open at stage development.\n"
    assert sign_up(nobody)[0] == 400


def test_the_commands_status_flips_nothing(capsys) -> None:
    call_command("hosted_mode", "status", "--json")
    assert '"open": true' in capsys.readouterr().out
    assert not AuditEvent.objects.exists()


def test_the_commands_status_is_for_those_who_may_read_it(capsys) -> None:
    groupless = make_operator("support")
    groupless.groups.clear()
    with pytest.raises(SystemExit):
        call_command("hosted_mode", "status", "--actor", groupless.email)
    assert "permission_denied" in capsys.readouterr().err


def test_the_command_holds_its_actor_to_their_permissions(capsys) -> None:
    support = make_operator("support")
    with pytest.raises(SystemExit) as ended:
        call_command("hosted_mode", "kill", "--actor", support.email)
    assert ended.value.code == 1
    assert "permission_denied" in capsys.readouterr().err
    assert not hosted_mode.is_killed()


@pytest.mark.usefixtures("stage_ga")
def test_outside_development_the_gate_is_shut_without_a_verdict(nobody: Caller) -> None:
    assert sign_up(nobody) == SHUT
    assert hosted_mode.state().reasons == ("no standing verdict covers the stage ga",)


@pytest.mark.usefixtures("stage_ga")
def test_outside_development_a_standing_verdict_opens(nobody: Caller, monkeypatch) -> None:
    monkeypatch.setattr(hosted_mode, "verdict_stands", lambda stage: stage == "ga")
    assert sign_up(nobody)[0] == 400


@pytest.mark.usefixtures("stage_ga")
def test_a_verdict_for_another_stage_does_not_open(nobody: Caller, monkeypatch) -> None:
    monkeypatch.setattr(hosted_mode, "verdict_stands", lambda stage: stage == "public_beta")
    assert sign_up(nobody) == SHUT


@pytest.mark.usefixtures("stage_ga")
def test_every_reason_is_told(settings) -> None:
    settings.PULSE_HOSTED_MODE = "1"
    hosted_mode.kill(actor=SYSTEM)
    assert len(hosted_mode.state().reasons) == 3


def test_a_kill_switch_that_cannot_be_read_is_a_503_and_never_a_pass(nobody: Caller) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pulse_killswitch RENAME TO pulse_lost")
    answer = nobody.post("/api/public/signup", {"email": "ann@example.com", "org_name": "Acme"})
    assert code(answer) == (503, "unavailable")
    assert answer["Retry-After"] == "1"


def test_a_gate_that_the_setting_shuts_does_not_ask_the_database(nobody: Caller, settings) -> None:
    settings.PULSE_HOSTED_MODE = "false"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pulse_killswitch RENAME TO pulse_lost")
    assert sign_up(nobody) == SHUT
