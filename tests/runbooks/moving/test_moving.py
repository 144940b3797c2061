"""A move takes every row to PostgreSQL as it was, or leaves PostgreSQL as it was."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from pulse import faults, hosted_mode, jobs
from pulse.models import AuditEvent, Heartbeat, Mail, Schedule
from runbooks import evidence
from runbooks.models import EvidenceRecord
from tenants.models import Organization
from tenants.tasks import reap
from tests import needs, processes
from tests.factories import SYSTEM, make_organization
from tests.pulse import chain
from tests.runbooks.moving.targets import Target
from tests.tenants.shell import document, run

pytestmark = [pytest.mark.usefixtures("database"), needs.postgresql]

BEYOND_32_BITS = 2**31 + 7


def move(target: Target, *arguments: str) -> tuple[int, Any]:
    return document("move_to_postgres", "--to", target.url, "--yes", *arguments)


def refusal(target: Target, *arguments: str) -> str:
    status, problem = move(target, *arguments)
    assert status == 1
    return problem["code"]


def on_postgres(target: Target, *arguments: str) -> Any:
    done = processes.manage(*arguments, "--json", DATABASE_URL=target.url)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_row_of_a_seeded_world_arrives(target: Target):
    run("seed", "--organizations", "60", "--events", "500", "--without-databases")
    status, moved = move(target)

    assert status == 0
    assert {table["table"]: table["rows"] for table in moved["tables"]} == {
        table["table"]: target.rows(f"SELECT count(*) FROM {table['table']}")[0][0]
        for table in moved["tables"]
    }
    assert (moved["moved"], moved["broken_before"]) == (True, {})


def test_pulse_works_on_what_has_arrived(target: Target):
    make_organization("acme")
    move(target, "--reason", "outgrown")

    assert on_postgres(target, "suspend", "acme")[0]["status"] == "suspended"
    assert on_postgres(target, "audit", "verify")["whole"]
    last = target.rows("SELECT verb, reason FROM pulse_auditevent ORDER BY sequence DESC LIMIT 2")
    assert last == [("organization.suspend", ""), ("database.move", "outgrown")]


def test_values_arrive_as_they_were(target: Target):
    moment = datetime(2026, 2, 28, 23, 59, 59, 123457, tzinfo=UTC)
    arguments = {"ü": [1, 2.5, None, True, "\\u0041 '\""], "large": 2**60, "small": 1e-7}
    schedule = Schedule.objects.create(
        id=BEYOND_32_BITS, name="odd", task="x", cron="* * * * *", next_run_at=moment, arguments=arguments
    )
    hosted_mode.kill(actor=SYSTEM, reason="a tab\u2003and 'quotes' \\N")
    evidence.record_drill(
        "odd", passed=True, journal="öl\n\0" * 99, started_at=moment, seconds=0.1, actor=SYSTEM
    )
    record = EvidenceRecord.objects.get()
    move(target)

    assert target.rows(
        "SELECT next_run_at, arguments, last_run_at FROM pulse_schedule WHERE id = %s", schedule.id
    ) == [(moment, arguments, None)]
    assert target.rows("SELECT killed, reason FROM pulse_killswitch") == [
        (True, "a tab\u2003and 'quotes' \\N")
    ]
    assert target.rows("SELECT output, seconds, hash FROM runbooks_evidencerecord") == [
        (bytes(record.output), 0.1, record.hash)
    ]


def test_an_empty_value_and_a_null_in_json_stay_two_things(target: Target):
    none, null = reap.enqueue().id, reap.enqueue().id
    with connection.cursor() as cursor:
        table = "UPDATE django_tasks_database_dbtaskresult SET return_value = %s WHERE id = %s"
        cursor.execute(table, ["null", null.replace("-", "")])
    move(target)

    kept = dict(target.rows("SELECT id::text, return_value IS NULL FROM django_tasks_database_dbtaskresult"))
    assert kept == {none: True, null: False}


def test_no_number_is_given_twice_also_where_the_last_rows_were_deleted(target: Target):
    Mail.objects.create(id=BEYOND_32_BITS, to="a@b.example", subject="s", text="t").delete()
    move(target)

    assert target.rows("SELECT nextval(pg_get_serial_sequence('pulse_mail', 'id'))") == [
        (BEYOND_32_BITS + 1,)
    ]


def test_waiting_jobs_are_taken_along_and_heartbeats_are_not(target: Target):
    reap.enqueue()
    jobs.beat(name="long-gone", role="worker", now=timezone.now() - 2 * jobs.DEAD_AFTER)
    move(target)

    assert target.rows("SELECT status FROM django_tasks_database_dbtaskresult") == [("READY",)]
    assert target.rows("SELECT name FROM pulse_heartbeat") == []
    assert DBTaskResult.objects.count() == Heartbeat.objects.count() == 1


def test_append_only_rows_stay_append_only(target: Target):
    make_organization("acme")
    move(target)

    with pytest.raises(Exception, match="append-only"):
        target.run("DELETE FROM pulse_auditevent")


def test_a_rehearsal_keeps_nothing_and_disturbs_nobody(target: Target):
    make_organization("acme")
    jobs.beat(name="alive", role="worker", now=timezone.now())
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as another:
        another.execute("BEGIN IMMEDIATE")
        status, moved = move(target, "--dry-run")

    assert (status, moved["moved"]) == (0, False)
    assert {"table": "tenants_membership", "rows": 1} in [
        {name: table[name] for name in ("table", "rows")} for table in moved["tables"]
    ]
    assert target.is_untouched()
    assert not AuditEvent.objects.filter(verb="database.move").exists()


def test_a_crash_leaves_both_as_they_were_and_another_try_moves(target: Target):
    make_organization("acme")
    faults.arm("move.copied", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        move(target)
    assert target.is_untouched()
    assert not AuditEvent.objects.filter(verb="database.move").exists()

    faults.disarm()
    assert move(target)[0] == 0


def test_a_database_in_use_is_refused(target: Target):
    move(target)

    assert refusal(target) == "target_not_empty"


def test_a_database_that_pulse_runs_on_is_refused(target: Target):
    target.run("INSERT INTO pulse_heartbeat VALUES ('a', 'web', now())")

    assert refusal(target) == "target_not_empty"


def test_it_is_refused_while_pulse_beats(target: Target):
    jobs.beat(name="alive", role="scheduler", now=timezone.now())

    assert refusal(target) == "pulse_is_running"
    assert target.is_untouched()


def test_it_is_refused_while_another_process_has_the_file_open(target: Target):
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as another:
        another.execute("SELECT 1 FROM sqlite_master").fetchone()

        assert refusal(target) == "pulse_is_running"


def test_a_database_without_our_tables_is_refused(target: Target):
    target.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    assert refusal(target) == "not_migrated"


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite:////tmp/x.db", "postgres://127.0.0.1:1/nowhere", "mysql://127.0.0.1/x"]
)
def test_what_is_no_postgresql_is_refused(url: str):
    status, problem = document("move_to_postgres", "--to", url, "--yes")

    assert (status, problem["code"]) == (1, "target_unusable")


@pytest.mark.parametrize("name", ["\0", "x" * 300])
def test_a_value_that_postgresql_does_not_take_is_told_with_its_table(target: Target, name: str):
    make_organization("acme")
    Organization.objects.filter(id="acme").update(display_name=name)
    status, problem = move(target)

    assert (status, problem["code"]) == (1, "copy_differs")
    assert "tenants_organization" in problem["detail"]
    assert target.is_untouched()


def test_a_row_that_arrives_otherwise_is_noticed(target: Target):
    make_organization("acme")
    target.run(
        """CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.is_owner = false; RETURN NEW; END $$;
        CREATE TRIGGER meddle BEFORE INSERT ON tenants_membership FOR EACH ROW EXECUTE FUNCTION meddle()"""
    )
    status, problem = move(target)

    assert (status, problem["detail"]) == (1, "tenants_membership is not on PostgreSQL what it is here.")
    assert target.is_untouched()


def test_a_log_that_was_tampered_with_arrives_so_and_is_told(target: Target):
    make_organization("acme")
    chain.drop_triggers()
    AuditEvent.objects.filter(sequence=1).update(reason="nothing to see")
    status, moved = move(target)

    assert status == 0
    assert moved["broken_before"]["audit log"]["sequence"] == 1


@pytest.mark.drill
def test_an_installation_on_postgresql_is_refused(target: Target):
    done = processes.manage(
        "move_to_postgres", "--to", target.url, "--yes", "--json", DATABASE_URL=target.url
    )

    assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "not_on_sqlite")
