"""Runs of evidence: what a command did is kept as it was, and whatever is not proof counts as failed."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, connections

from pulse import faults
from pulse.problems import Problem
from runbooks import commands, evidence, lanes, release, runs
from runbooks.models import DrillRun, EvidenceRun, Role
from tests.factories import SYSTEM
from tests.processes import ROOT, environment, wait_for
from tests.runbooks.world import (
    OK,
    Repository,
    implement,
    kept_state,
    last_record,
    review,
    reviewer,
    state,
)

pytestmark = pytest.mark.usefixtures("database")

JUNIT = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2]); print('tested')"


def python(code: str, *arguments: str) -> list[str]:
    return ["python", "-c", code, *arguments]


def suite(**counts: int) -> str:
    told = {"tests": 5, "failures": 0, "errors": 0, "skipped": 0, "time": 1.25} | counts
    return f"<testsuites><testsuite {' '.join(f'{k}={str(v)!r}' for k, v in told.items())}/></testsuites>"


def test_a_record_tells_what_was_run_where_by_whom_and_on_what(repository: Repository) -> None:
    done = implement(repository.packet(python("print('fine')")))
    kept = last_record()
    assert (kept.argv, kept.exit_code, kept.passed, kept.failure) == (
        ["python", "-c", "print('fine')"],
        0,
        True,
        "",
    )
    assert evidence.output_of(kept) == "fine\n"
    assert len(kept.version) == 40
    assert not kept.is_dirty
    assert (kept.actor, kept.host) == (done.actor, os.uname().nodename)
    assert kept.started_at < kept.ended_at
    assert kept.seconds > 0
    assert evidence.verify() is None


@pytest.mark.parametrize(("command", "failure", "exit_code"), [
    (python("print('no'); exit(3)"), "exit_code", 3),
    (python("import os; print('a', flush=True); os.kill(os.getpid(), 9)"), "killed", -9),
    (python("pass"), "empty_output", 0),
    (python("print('x' * 5_000_000)"), "truncated_output", 0),
    (python(JUNIT, "{junit}", suite(failures=1)), "tests_failed", 0),
    (python(JUNIT, "{junit}", suite(errors=1)), "tests_failed", 0),
    (python(JUNIT, "{junit}", suite(skipped=1)), "tests_skipped", 0),
    (python(JUNIT, "{junit}", suite(tests=0)), "no_tests", 0),
    (python(JUNIT, "{junit}", "<testsuites"), "no_junit", 0),
    (python("print('no report')", "{junit}"), "no_junit", 0),
])  # fmt: skip
def test_what_is_no_proof_has_failed(
    repository: Repository, command: list[str], failure: str, exit_code: int
) -> None:
    one = repository.packet(command)
    assert implement(one).passed is False
    kept = last_record()
    assert (kept.passed, kept.failure, kept.exit_code) == (False, failure, exit_code)
    assert state(one) == "planned"


def test_a_command_whose_time_is_over_has_failed_and_has_no_exit_code(repository: Repository) -> None:
    one = repository.packet(python("import time; print('waits', flush=True); time.sleep(60)"), minutes=0.005)
    implement(one)
    kept = last_record()
    assert (kept.passed, kept.failure, kept.exit_code) == (False, "timed_out", None)
    assert evidence.output_of(kept) == "waits\n"


def test_the_tests_results_are_kept(repository: Repository) -> None:
    implement(repository.packet(python(JUNIT, "{junit}", suite())))
    assert last_record().junit == {"tests": 5, "failures": 0, "errors": 0, "skipped": 0, "seconds": 1.25}
    assert last_record().argv[-2] == "{junit}"


def test_all_commands_are_run_also_after_one_that_failed(repository: Repository) -> None:
    done = implement(repository.packet(python("print(1); exit(1)"), OK))
    assert [record.passed for record in done.records.all()] == [False, True]
    assert (done.passed, done.failure) == (False, "commands_failed")


def test_200_megabytes_of_output_are_cut_in_bounded_memory(repository: Repository) -> None:
    flood = "import os\nfor _ in range(3200): os.write(1, b'x' * 65536)\nos.write(1, b'the end')"
    implement(repository.packet(python(flood)))
    kept = last_record()
    assert kept.failure == "truncated_output"
    assert kept.output_bytes == 3200 * 65536 + 7
    output = evidence.output_of(kept)
    assert len(output) < 2 * commands.KEPT_AT_EACH_END + 100
    assert output.startswith("xxx")
    assert output.endswith("the end")
    assert "bytes were not kept" in output


def test_a_command_knows_little_of_its_surroundings(repository: Repository, monkeypatch) -> None:
    for name in (
        "PYTHONPATH",
        "PYTEST_ADDOPTS",
        "STRIPE_SECRET_KEY",
        "PULSE_OPERATOR_PASSWORD",
        "LD_PRELOAD_X",
    ):
        monkeypatch.setenv(name, "/from-outside")
    monkeypatch.setenv("PULSE_TENANT_CAP", "7")
    implement(repository.packet(python("import os, json; print(json.dumps(dict(os.environ)))")))
    seen = json.loads(evidence.output_of(last_record()))
    assert "/from-outside" not in seen.values()
    assert seen["PULSE_TENANT_CAP"] == "7"


def test_a_drill_is_held_by_whoever_runs_the_evidence(repository: Repository, monkeypatch) -> None:
    for name in ("DATABASE_URL", "PULSE_DATA_DIR"):
        monkeypatch.setenv(name, environment()[name])
    monkeypatch.setenv("PULSE_HOSTED_MODE", "false")  # It is not applicable, and in the journal all the same.
    drill, ann = ["manage.py", "drill", "run", "lifecycle-round-trip"], reviewer()
    done = runs.run_check("drills", [lanes.Command(tuple(drill), 1)], actor=ann)
    assert (DrillRun.objects.get().actor, last_record().argv, done.passed) == (ann.name, drill, False)


def test_nothing_that_a_command_left_behind_lives_on(repository: Repository) -> None:
    leaves = (
        "import subprocess, sys; "
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True)"
    )
    implement(repository.packet(python(leaves)))
    assert last_record().passed
    left = int(evidence.output_of(last_record()))
    wait_for(lambda: not Path(f"/proc/{left}").exists() or _is_zombie(left), what="the process' end")


def _is_zombie(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_code_that_changes_under_a_run_fails_it(repository: Repository) -> None:
    file = repository.folder / "code.txt"
    done = implement(repository.packet(python(f"open({str(file)!r}, 'a').write('x'); print('fine')")))
    assert (done.passed, done.failure) == (False, "code_changed")


def test_a_program_that_goes_missing_after_the_lane_was_read_has_failed(repository: Repository) -> None:
    program = repository.folder / ".git" / "program"
    program.write_text("#!/bin/sh\necho fine\n")
    program.chmod(0o755)
    one = repository.packet([str(program)])
    program.unlink()
    runs.run(one, role=Role.IMPLEMENTER, actor=SYSTEM, show=lambda chunk: None)
    assert (last_record().failure, last_record().exit_code) == ("could_not_start", None)


def test_of_two_reviewers_at_once_one_wins(repository: Repository) -> None:
    one = repository.packet(python("import time; time.sleep(0.3); print('fine')"))
    implement(one)

    def attempt(actor) -> str:
        try:
            review(one, actor)
        except Problem as problem:
            return problem.code
        finally:
            connections.close_all()
        return "approved"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, [reviewer(), reviewer()]))
    assert sorted(outcomes) in (["approved", "evidence_runs"], ["approved", "packet_state"])
    assert EvidenceRun.objects.filter(role=Role.REVIEWER).count() == 1


def test_a_killed_run_is_failed_by_the_next(repository: Repository, tmp_path: Path) -> None:
    one = repository.packet(python("import time; print('on', flush=True); time.sleep(600)"))
    argv = [sys.executable, str(ROOT / "manage.py"), "evidence", "run", "ONE", "--as", "implementer"]
    env = environment(PULSE_LANES_DIR=str(repository.lanes))
    with (tmp_path / "log").open("wb") as log:
        runner = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        wait_for(lambda: b"on\n" in (tmp_path / "log").read_bytes(), what="the command")
    finally:
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
    killed = EvidenceRun.objects.get()
    assert killed.ended_at is None
    repository.packet(OK)
    again = implement(lanes.find_packet("ONE"))
    killed.refresh_from_db()
    assert (killed.passed, killed.failure, again.passed) == (False, "abandoned", True)
    assert kept_state(one) == "implemented"


def test_a_live_run_is_not_buried(repository: Repository) -> None:
    opened = runs._unsaved("suite", lane="", role=Role.SCHEDULE, actor=SYSTEM)
    opened.save()
    assert runs.bury_dead() == 0
    with pytest.raises(Problem, match="being run already"):
        runs.run_check("suite", [], actor=SYSTEM)


def test_a_reviewers_run_that_died_found_nothing_out(repository: Repository) -> None:
    one = repository.packet()
    implement(one)
    faults.arm("evidence.proved", lambda: (_ for _ in ()).throw(SystemExit(1)))
    with pytest.raises(SystemExit):
        review(one)
    run = EvidenceRun.objects.first()
    assert (run.passed, run.failure) == (False, "interrupted")


# SQLite can be told how large its file may grow; a PostgreSQL would need a disk of its own.
if connection.vendor == "sqlite":

    def test_a_full_disk_fails_the_run_and_keeps_the_chain_whole(repository: Repository) -> None:
        one = repository.packet(python("import os; print(os.urandom(3_000_000).hex()[:4_000_000])"))
        with connection.cursor() as cursor:
            pages = cursor.execute("PRAGMA page_count").fetchone()[0]
            cursor.execute(f"PRAGMA max_page_count = {pages + 40}")
        with pytest.raises((Problem, Exception)) as refused:
            implement(one)
        assert "full" in str(refused.value)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")
        run = EvidenceRun.objects.get()
        assert (run.passed, run.failure, run.records.count()) == (False, "could_not_be_kept", 0)
        assert state(one) == "planned"
        assert evidence.verify() is None


def test_a_check_of_no_packet_is_evidence_too(repository: Repository) -> None:
    done = runs.run_check("test-suite", [lanes.Command(tuple(OK), 1)], actor=SYSTEM)
    assert (done.passed, done.subject, done.role) == (True, "test-suite", Role.SCHEDULE)


def test_without_a_repository_the_version_is_of_the_files(settings, tmp_path: Path) -> None:
    settings.BASE_DIR = tmp_path
    (tmp_path / "pulse").mkdir()
    (tmp_path / "pulse" / "one.py").write_text("1")
    before = release.on_disk()
    assert before.version.startswith("files:")
    assert not before.is_dirty
    (tmp_path / "pulse" / "one.py").write_text("2")
    changed = release.on_disk()
    assert changed != before
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text("what proves packets")
    assert release.on_disk() != changed


def test_a_new_file_counts_also_where_git_is_told_not_to_look_for_any(repository: Repository) -> None:
    repository.git("config", "status.showUntrackedFiles", "no")
    (repository.folder / "conftest.py").write_text("pass everything")
    assert release.on_disk().is_dirty


def test_a_repository_around_the_code_is_not_the_codes(settings, repository: Repository) -> None:
    settings.BASE_DIR = repository.folder / "inner"
    settings.BASE_DIR.mkdir()
    assert release.on_disk().version.startswith("files:")


def test_the_command_streams_and_tells_the_state(repository: Repository, capsys) -> None:
    repository.packet()
    call_command("evidence", "run", "ONE", "--as", "implementer")
    out = capsys.readouterr().out
    assert "fine\n" in out
    assert "implemented" in out


def test_the_command_ends_with_1_when_the_evidence_failed(repository: Repository, capsys) -> None:
    repository.packet(python("print('no'); exit(2)"))
    with pytest.raises(SystemExit) as ended:
        call_command("evidence", "run", "ONE", "--as", "implementer", "--json")
    assert ended.value.code == 1
    assert json.loads(capsys.readouterr().out)[0]["passed"] is False


def test_the_same_person_at_the_shell_cannot_review(repository: Repository, capsys) -> None:
    repository.packet()
    call_command("evidence", "run", "ONE", "--as", "implementer")
    with pytest.raises(SystemExit):
        call_command("evidence", "run", "ONE", "--as", "reviewer")
    assert capsys.readouterr().err.startswith("own_review")


def test_a_record_is_shown_with_its_output(repository: Repository, capsys) -> None:
    implement(repository.packet())
    call_command("evidence", "show", "1", "--json")
    assert json.loads(capsys.readouterr().out)["output"] == "fine\n"


def test_verify_names_the_first_broken_record(repository: Repository, capsys) -> None:
    from tests.runbooks.tampering import drop_triggers, set_column

    implement(repository.packet(OK, OK))
    call_command("evidence", "verify")
    assert "2 records, is whole" in capsys.readouterr().out
    drop_triggers()
    set_column("exit_code", 1, sequence=2)
    with pytest.raises(SystemExit):
        call_command("evidence", "verify", "--json")
    assert json.loads(capsys.readouterr().out)["first_broken"]["sequence"] == 2
