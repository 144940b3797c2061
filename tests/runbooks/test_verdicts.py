"""Verdicts: signed for a stage, and standing until they are superseded, revoked, lapse or expire."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import time_machine
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pulse import hosted_mode
from pulse.models import AuditEvent
from pulse.problems import PermissionRefused, ReasonRequired, ReauthenticationRequired
from runbooks import errors, readiness, tasks, verdicts
from runbooks.models import DrillRun, Outcome, Verdict, VerdictEnd
from tests.api import Caller, code
from tests.factories import SYSTEM, acting, make_operator, operator_token
from tests.processes import bearer, web_server
from tests.runbooks.tampering import sql
from tests.runbooks.world import Repository, ready

pytestmark = pytest.mark.usefixtures("database")

STAGE = "private_beta"
SHUT = (404, "not_found")


@pytest.fixture
def go(repository: Repository) -> Repository:
    ready()
    return repository


@pytest.fixture
def at_stage(settings) -> None:
    settings.PULSE_STAGE = STAGE


def sign(stage: str = STAGE, **changes: str) -> Verdict:
    return verdicts.sign(stage, actor=SYSTEM, **({"reason": "all is proved"} | changes))


def ended_how(verdict: Verdict) -> str:
    return VerdictEnd.objects.get(verdict=verdict).how


def test_no_verdict_stands_that_nobody_signed(go: Repository) -> None:
    assert not verdicts.stands(STAGE)


def test_a_signed_verdict_stands_for_its_stage_alone(go: Repository) -> None:
    signed = sign()
    assert (signed.outcome, signed.signed_by) == (Outcome.GO_WITH_CONDITIONS, "job:test")
    assert verdicts.stands(STAGE)
    assert not verdicts.stands("public_beta")
    assert not verdicts.stands("ga")


def test_it_keeps_the_lines_that_it_was_computed_from(go: Repository) -> None:
    signed = Verdict.objects.get(pk=sign().pk)
    kept = {reason["id"]: reason["state"] for reason in signed.reasons}
    assert (kept["HOP-02"], kept["C1"], kept["GA-4"], kept["chain"]) == ("approved", "met", "open", "whole")
    assert len(signed.version) == 40


def test_signing_is_audited(go: Repository) -> None:
    sign(reason="reviewed with the team")
    event = AuditEvent.objects.first()
    assert (event.verb, event.reason, event.after["stage"]) == (
        "verdict.sign",
        "reviewed with the team",
        STAGE,
    )


def test_what_may_not_be_run_is_not_signed(repository: Repository) -> None:
    with pytest.raises(errors.NoGo, match="packet HOP-00 is planned"):
        sign()
    assert not Verdict.objects.exists()


def test_no_go_is_signed_where_it_is_named_and_opens_nothing(repository: Repository) -> None:
    assert sign(outcome="NO_GO").outcome == Outcome.NO_GO
    assert not verdicts.stands(STAGE)


def test_a_no_go_ends_what_stood(go: Repository) -> None:
    stood = sign()
    go.commit()
    sign(outcome="NO_GO")
    assert not verdicts.stands(STAGE)
    assert ended_how(stood) == "superseded"


def test_nobody_signs_what_they_have_not_seen(go: Repository) -> None:
    go.commit()
    with pytest.raises(errors.OutcomeChanged):
        sign(outcome="GO_WITH_CONDITIONS")


def test_the_next_supersedes_the_one_before(go: Repository) -> None:
    first, second = sign(), sign()
    assert ended_how(first) == "superseded"
    assert not VerdictEnd.objects.filter(verdict=second).exists()
    assert verdicts.stands(STAGE)


def test_of_two_signers_at_once_one_supersedes_the_other(go: Repository) -> None:
    def attempt(_: int) -> None:
        try:
            sign()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(attempt, range(2)))
    assert Verdict.objects.filter(end=None).count() == 1


def test_a_revoked_verdict_stands_no_more(go: Repository) -> None:
    signed = sign()
    verdicts.revoke(signed.pk, actor=SYSTEM, reason="a leak")
    assert not verdicts.stands(STAGE)
    assert (ended_how(signed), signed.end.reason) == ("revoked", "a leak")


def test_revoking_the_newest_does_not_bring_back_the_one_before(go: Repository) -> None:
    sign()
    verdicts.revoke(sign().pk, actor=SYSTEM, reason="a leak")
    assert not verdicts.stands(STAGE)


def test_it_is_revoked_once(go: Repository) -> None:
    signed = sign()
    verdicts.revoke(signed.pk, actor=SYSTEM, reason="a leak")
    with pytest.raises(errors.VerdictEnded):
        verdicts.revoke(signed.pk, actor=SYSTEM, reason="again")
    with pytest.raises(errors.VerdictNotFound):
        verdicts.revoke(999, actor=SYSTEM, reason="none")


def test_it_lapses_with_a_drill_that_blocks_its_stage(go: Repository) -> None:
    signed = sign()
    assert verdicts.lapse(drill="gate-closing", stages=("public_beta",), actor=SYSTEM) == []
    assert verdicts.stands(STAGE)
    verdicts.lapse(drill="gate-closing", stages=(STAGE, "ga"), actor=SYSTEM)
    assert not verdicts.stands(STAGE)
    assert (ended_how(signed), signed.end.reason) == ("lapsed", "the drill gate-closing failed")


def test_it_expires(go: Repository, settings) -> None:
    settings.PULSE_VERDICT_DAYS = 3
    sign()
    with time_machine.travel(timezone.now() + timedelta(days=2.9)):
        assert verdicts.stands(STAGE)
    with time_machine.travel(timezone.now() + timedelta(days=3.1)):
        assert not verdicts.stands(STAGE)


def test_a_clock_that_is_set_back_does_not_open_what_was_not_signed_yet(go: Repository) -> None:
    signed = sign()
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        assert not verdicts.stands(STAGE)
        assert verdicts.state_of(signed) == "not yet"


def test_a_clock_that_is_set_back_revives_no_expired_verdict(go: Repository) -> None:
    signed = sign()
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        tasks.tidy_readiness.call()
    assert ended_how(signed) == "expired"
    assert not verdicts.stands(STAGE)


def test_whoever_is_first_to_find_it_expired_puts_it_on_record(go: Repository) -> None:
    signed = sign()
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert not verdicts.stands(STAGE)
    assert not verdicts.stands(STAGE)
    assert ended_how(signed) == "expired"
    assert AuditEvent.objects.filter(verb="verdict.expired").count() == 1


def test_signing_takes_the_permission(go: Repository) -> None:
    operator = acting(make_operator("operator"))
    with pytest.raises(PermissionRefused):
        verdicts.sign(STAGE, actor=operator, reason="let me")
    with pytest.raises(PermissionRefused):
        verdicts.revoke(sign().pk, actor=operator, reason="let me")


def test_signing_and_revoking_take_recent_authentication(go: Repository) -> None:
    old = replace(acting(make_operator("admin")), recent=False)
    with pytest.raises(ReauthenticationRequired):
        verdicts.sign(STAGE, actor=old, reason="let me")
    with pytest.raises(ReauthenticationRequired):
        verdicts.revoke(sign().pk, actor=old, reason="let me")


def test_signing_says_why(go: Repository) -> None:
    with pytest.raises(ReasonRequired):
        sign(reason="  ")


def test_there_is_no_other_stage(go: Repository) -> None:
    with pytest.raises(errors.UnknownStage):
        sign("beta")


@pytest.mark.parametrize("statement", [
    "UPDATE runbooks_verdict SET outcome = 'GO'",
    "UPDATE runbooks_verdict SET expires_at = '2099-01-01'",
    "DELETE FROM runbooks_verdict",
    "DELETE FROM runbooks_verdictend",
])  # fmt: skip
def test_the_database_refuses_to_edit_a_verdict_or_its_end(go: Repository, statement: str) -> None:
    verdicts.revoke(sign().pk, actor=SYSTEM, reason="a leak")
    with pytest.raises(DatabaseError):
        sql(statement)


def test_the_gate_asks_one_query_by_an_index(go: Repository) -> None:
    sign()
    with CaptureQueriesContext(connection) as queries:
        assert verdicts.stands(STAGE)
    assert len(queries) == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            now = timezone.now().isoformat()
            cursor.execute("EXPLAIN QUERY PLAN " + verdicts.LATEST, (now, now, STAGE))
            plan = [row[3] for row in cursor.fetchall()]
        assert plan[0].startswith("SEARCH verdict USING INDEX verdict_of_stage")
        assert not any("SCAN" in step or "TEMP" in step for step in plan)


def test_the_gate_opens_with_a_verdict_and_says_why_not_without(
    go: Repository, at_stage, nobody: Caller
) -> None:
    assert code(nobody.post("/api/public/signup")) == SHUT
    assert hosted_mode.state().reasons == (f"no standing verdict covers the stage {STAGE}",)
    signed = sign()
    assert code(nobody.post("/api/public/signup"))[0] == 400
    verdicts.revoke(signed.pk, actor=SYSTEM, reason="a leak")
    assert code(nobody.post("/api/public/signup")) == SHUT


def test_readyz_tells_of_the_missing_verdict(at_stage, nobody: Caller) -> None:
    gate = nobody.get("/readyz").json()["gate"]
    assert gate == {
        "open": False,
        "stage": STAGE,
        "reasons": [f"no standing verdict covers the stage {STAGE}"],
    }


def test_a_check_warns_until_a_verdict_stands(go: Repository, at_stage, settings) -> None:
    [warning] = [found for found in run_checks() if found.id == "runbooks.W001"]
    assert "manage.py readiness" in warning.hint
    sign()
    assert "runbooks.W001" not in [found.id for found in run_checks()]


def test_nobody_is_warned_in_development() -> None:
    assert "runbooks.W001" not in [found.id for found in run_checks()]


def test_the_commands_sign_list_and_revoke(go: Repository, capsys) -> None:
    call_command("verdict", "compute", "--stage", STAGE)
    assert "open   condition GA-4 is open: HOP-09 is planned (Load testing)" in capsys.readouterr().out
    call_command("verdict", "sign", "--stage", STAGE, "--reason", "all is proved")
    assert "GO_WITH_CONDITIONS" in capsys.readouterr().out
    call_command("verdict", "revoke", str(Verdict.objects.get().pk), "--reason", "a leak")
    call_command("verdict", "list")
    assert "revoked" in capsys.readouterr().out


def test_with_two_workers_the_gate_follows_the_verdict_at_the_next_request(
    go: Repository, tmp_path: Path
) -> None:
    token = operator_token()
    with web_server(tmp_path, workers=2, PULSE_STAGE=STAGE, PULSE_SECRET_KEY="k" * 60, **HOSTS) as base:
        unknown = requests.get(base + "/there-is-nothing-here", **bearer(token))

        def asked(path: str = "/api/admin/orgs") -> list[tuple[int, str]]:
            """Ten times, on connections of their own, so that both workers are asked."""
            answers = [requests.get(base + path, **bearer(token)) for _ in range(10)]
            return sorted({(answer.status_code, answer.text if not answer.ok else "") for answer in answers})

        hidden = [(404, unknown.text)]
        for path in ("/api/admin/orgs", "/api/org", "/edge/check", "/api/public/signup"):
            assert asked(path) == hidden
        signed = sign()
        assert asked() == [(200, "")]
        verdicts.revoke(signed.pk, actor=SYSTEM, reason="a leak")
        assert asked() == hidden
        sign()
        assert asked() == [(200, "")]
        verdicts.lapse(drill="gate-closing", stages=(STAGE,), actor=SYSTEM)
        assert asked() == hidden


# Plain HTTP on loopback is what the test speaks.
HOSTS = {"PULSE_ALLOWED_HOSTS": "127.0.0.1", "PULSE_SSL_REDIRECT": "false"}


def test_a_drill_that_was_held_makes_no_difference_to_what_was_signed(go: Repository) -> None:
    signed = sign()
    DrillRun.objects.all().delete()
    assert readiness.compute(STAGE).outcome == Outcome.NO_GO
    assert verdicts.state_of(signed) == "standing"
