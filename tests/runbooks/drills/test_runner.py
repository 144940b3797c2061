"""Holding drills: one at a time, journalled as they go, rolled back whatever becomes of their process."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from pulse import faults, first_run, freeze, hosted_mode
from pulse.models import AuditEvent, KillSwitch
from pulse.problems import PermissionRefused, Problem
from runbooks import errors, evidence, verdicts
from runbooks.drills import runner
from runbooks.drills.rollback import folder_of
from runbooks.models import DrillRun, EvidenceRecord
from tenants.models import ApiToken, Organization, Status, User
from tests.factories import SYSTEM, acting, make_operator
from tests.processes import PATIENCE_SECONDS, ROOT, environment
from tests.runbooks.drills.serving import live
from tests.runbooks.world import Repository, ready

pytestmark = pytest.mark.usefixtures("database")

ROUND_TRIP = "lifecycle-round-trip"


@pytest.fixture
def base(database: None, settings) -> Iterator[str]:
    with live(settings) as base:
        yield base


def held(base: str, name: str, step: str, number: signal.Signals) -> int:
    """The exit code of a process that holds the drill and meets the signal after the step."""
    argv = [sys.executable, "-m", "tests.runbooks.drills.child", name, step, str(int(number))]
    env = environment(PULSE_DRILL_URL=base, PULSE_HOSTED_MODE="true", PULSE_LOG_LEVEL="CRITICAL")
    done = subprocess.run(
        argv, cwd=ROOT, env=env, capture_output=True, timeout=2 * PATIENCE_SECONDS, check=False
    )
    return done.returncode


def traces() -> tuple[int, int, int, bool]:
    """Synthetic organizations, people, tokens, and whether the gate is shut."""
    killed = KillSwitch.objects.filter(killed=True).exists()
    synthetic = Organization.objects.filter(is_synthetic=True).count()
    return synthetic, User.objects.count(), ApiToken.objects.count(), killed


CLEAN = (0, 0, 0, False)


@pytest.mark.usefixtures("base")
def test_a_run_is_journalled_audited_and_evidence() -> None:
    seen = []
    run = runner.run(ROUND_TRIP, actor=SYSTEM, tell=lambda step: seen.append(step.number))
    phases = list(run.steps.values_list("phase", flat=True))
    assert phases == ["probe"] * 5 + ["step"] * 7 + ["rollback"] * 2 + ["probe"] * 2
    assert seen == list(range(1, 17))
    assert all(step.seconds >= 0 and step.passed for step in run.steps.all())
    ours = AuditEvent.objects.filter(verb__startswith="drill.").order_by("sequence")
    assert [event.verb for event in ours] == ["drill.begin", "drill.end"]
    record = EvidenceRecord.objects.get()
    assert run.evidence == record
    assert (record.passed, record.version) == (True, run.version)
    assert "Its people are refused from the next request on" in evidence.output_of(record)


def test_a_drill_killed_in_the_middle_is_rolled_back_by_the_next_start(base: str) -> None:
    """Killed while the gate is shut for everybody, which is the worst moment that there is."""
    assert held(base, "gate-closing", "shut", signal.SIGKILL) == -signal.SIGKILL
    assert KillSwitch.objects.get().killed
    first_run.prepare(say=lambda words: None)
    run = DrillRun.objects.get()
    assert (run.state, run.undo) == ("abandoned", [])
    assert run.steps.last().phase == "rollback"
    assert not KillSwitch.objects.get().killed
    assert traces()[0] == 0


def test_a_drill_that_is_stopped_is_rolled_back_before_its_process_ends(base: str) -> None:
    assert held(base, ROUND_TRIP, "suspend", signal.SIGTERM) not in (0, -signal.SIGTERM)
    run = DrillRun.objects.get()
    assert (run.state, run.undo) == ("abandoned", [])
    assert traces() == CLEAN
    assert not EvidenceRecord.objects.exists()


def half_done(**changes: object) -> DrillRun:
    """A run whose process is gone."""
    now = timezone.now()
    given = {"started_at": now, "beat_at": now, "process": 1, "host": runner.socket.gethostname()}
    return DrillRun.objects.create(drill=ROUND_TRIP, undo=[["folder", "left"]], **given | changes)


@pytest.mark.usefixtures("base")
def test_the_next_drill_rolls_back_what_a_dead_process_left() -> None:
    dead = half_done()
    folder_of("left").mkdir(parents=True)
    assert runner.run(ROUND_TRIP, actor=SYSTEM).state == "passed"
    dead.refresh_from_db()
    assert dead.state == "abandoned"
    assert not folder_of("left").exists()


def test_a_run_of_another_machine_is_left_alone_until_it_has_been_silent_for_long() -> None:
    dead = half_done(host="elsewhere")
    assert runner.recover(actor=SYSTEM) == []
    DrillRun.objects.update(beat_at=timezone.now() - timedelta(minutes=16))
    assert runner.recover(actor=SYSTEM) == [dead]


@pytest.mark.usefixtures("base")
def test_a_run_of_another_machine_keeps_a_second_from_beginning() -> None:
    half_done(host="elsewhere")
    with pytest.raises(errors.DrillRunning):
        runner.run(ROUND_TRIP, actor=SYSTEM)


def test_what_cannot_be_rolled_back_fails_the_drill_and_is_tried_again(base: str) -> None:
    faults.arm("purge.rbac", lambda: 1 / 0)
    run = runner.run(ROUND_TRIP, actor=SYSTEM)
    faults.disarm()
    assert run.state == "failed"
    assert [kind for kind, _ in run.undo] == ["organization"]
    assert traces()[0] == 1
    assert runner.recover(actor=SYSTEM) == [run]
    run.refresh_from_db()
    assert (run.state, run.undo) == ("failed", [])
    assert traces() == CLEAN


@pytest.mark.usefixtures("base")
def test_two_drills_are_not_held_at_once() -> None:
    """The second asks while the first is in the middle, and a start at that moment disturbs nothing."""
    refused = []

    def ask() -> None:
        def second() -> None:
            try:
                with pytest.raises(errors.DrillRunning) as refusal:
                    runner.run(ROUND_TRIP, actor=SYSTEM)
                refused.append(refusal.value.code)
                assert runner.recover(actor=SYSTEM) == []
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as other:
            other.submit(second).result()

    faults.arm("drill.suspend", ask)
    assert runner.run(ROUND_TRIP, actor=SYSTEM).state == "passed"
    assert refused == ["drill_running"]
    assert DrillRun.objects.count() == 1


@pytest.mark.usefixtures("base")
def test_no_drill_is_held_while_an_operator_has_shut_the_gate() -> None:
    hosted_mode.kill(actor=SYSTEM, reason="an attack")
    with pytest.raises(errors.GateKilled):
        runner.run("gate-closing", actor=SYSTEM)
    assert KillSwitch.objects.get().killed


@pytest.mark.usefixtures("base")
def test_an_operator_who_shuts_the_gate_during_the_drill_keeps_it_shut() -> None:
    faults.arm("drill.shut", lambda: hosted_mode.kill(actor=SYSTEM, reason="an attack"))
    faults.arm("drill.every_route_is_gone", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        runner.run("gate-closing", actor=SYSTEM)
    assert KillSwitch.objects.get().killed
    assert KillSwitch.objects.get().reason == "an attack"


@pytest.mark.usefixtures("base")
def test_a_switch_that_an_operator_has_flipped_meanwhile_fails_the_drill_and_stays() -> None:
    faults.arm("drill.health_still_answers", lambda: hosted_mode.kill(actor=SYSTEM, reason="an attack"))
    assert runner.run("gate-closing", actor=SYSTEM).state == "failed"
    assert (KillSwitch.objects.get().killed, KillSwitch.objects.get().reason) == (True, "an attack")


def test_a_freeze_keeps_no_failed_drill_from_its_consequences(repository: Repository, base: str) -> None:
    """Held by an operator's command, whose writes the freeze refuses."""
    ready()
    verdicts.sign("private_beta", actor=SYSTEM, reason="all is well")

    def freeze_and_let_them_in() -> None:
        freeze.begin(actor=SYSTEM, reason="an incident")
        Organization.objects.filter(is_synthetic=True).update(status=Status.ACTIVE)

    faults.arm("drill.suspend", freeze_and_let_them_in)
    operator = acting(make_operator("operator"), door="command")
    assert runner.run(ROUND_TRIP, actor=operator).state == "failed"
    assert not verdicts.stands("private_beta")


def test_holding_a_drill_takes_its_permission() -> None:
    with pytest.raises(PermissionRefused):
        runner.run(ROUND_TRIP, actor=acting(make_operator("support")))
    with pytest.raises(Problem, match="no such drill"):
        runner.run("nonsense", actor=SYSTEM)
