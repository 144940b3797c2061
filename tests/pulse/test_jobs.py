"""The job queue: what a dead worker leaves is put back, what a live one works on is left alone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from pulse import jobs
from pulse.management.commands.scheduler import look
from pulse.models import Heartbeat
from pulse.tasks import tidy

pytestmark = pytest.mark.usefixtures("database")

NOW = timezone.now()
LONG_AGO = NOW - timedelta(seconds=61)


def running_by(*workers: str) -> DBTaskResult:
    """A task that these workers have begun, one after the other, and none has ended."""
    tidy.enqueue()
    task = DBTaskResult.objects.get(status=TaskResultStatus.READY)
    for worker in workers:
        task.claim(worker)
    return task


def status_of(task: DBTaskResult) -> str:
    return DBTaskResult.objects.get(pk=task.pk).status


def test_a_task_whose_worker_died_is_put_back() -> None:
    jobs.beat(name="one", role="worker", now=LONG_AGO)
    task = running_by("one")
    assert jobs.requeue_abandoned(now=NOW) == 1
    assert status_of(task) == TaskResultStatus.READY
    assert DBTaskResult.objects.get().started_at is None


def test_a_task_whose_worker_lives_is_left_alone() -> None:
    jobs.beat(name="one", role="worker", now=NOW - timedelta(seconds=59))
    task = running_by("one")
    assert jobs.requeue_abandoned(now=NOW) == 0
    assert status_of(task) == TaskResultStatus.RUNNING


def test_a_task_whose_worker_was_never_seen_is_put_back() -> None:
    running_by("one")
    assert jobs.requeue_abandoned(now=NOW) == 1


def test_the_worker_that_has_it_now_decides() -> None:
    jobs.beat(name="second", role="worker", now=NOW)
    running_by("first", "second")
    assert jobs.requeue_abandoned(now=NOW) == 0


def test_an_earlier_worker_that_lives_does_not_keep_it() -> None:
    jobs.beat(name="first", role="worker", now=NOW)
    running_by("first", "second")
    assert jobs.requeue_abandoned(now=NOW) == 1


def test_a_task_that_killed_its_workers_is_put_back_three_times_and_then_has_failed(caplog) -> None:
    task = running_by("one", "two", "three")
    assert jobs.requeue_abandoned(now=NOW) == 1
    task.claim("four")
    assert jobs.requeue_abandoned(now=NOW) == 0
    task.refresh_from_db()
    assert (task.status, task.finished_at is not None) == (TaskResultStatus.FAILED, True)
    assert "4 workers died of it" in task.traceback
    assert "job given up" in caplog.text


@pytest.mark.parametrize("ended", [TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED])
def test_a_task_that_ended_is_left_alone(ended: TaskResultStatus) -> None:
    task = running_by("one")
    DBTaskResult.objects.update(status=ended)
    assert jobs.requeue_abandoned(now=NOW) == 0
    assert status_of(task) == ended


def test_a_waiting_task_is_left_alone() -> None:
    tidy.enqueue()
    assert jobs.requeue_abandoned(now=NOW) == 0


def test_only_the_role_that_beats_is_alive() -> None:
    jobs.beat(name="one", role="worker", now=NOW)
    assert jobs.is_alive("worker", now=NOW)
    assert not jobs.is_alive("scheduler", now=NOW)


def test_a_heart_that_stopped_is_dead_after_a_minute() -> None:
    jobs.beat(name="one", role="worker", now=NOW)
    assert jobs.is_alive("worker", now=NOW + timedelta(seconds=59))
    assert not jobs.is_alive("worker", now=NOW + timedelta(seconds=60))


def test_beating_again_keeps_one_row_a_process() -> None:
    jobs.beat(name="one", role="worker", now=LONG_AGO)
    jobs.beat(name="one", role="worker", now=NOW)
    assert Heartbeat.objects.get().at == NOW


def test_the_dead_are_forgotten_after_ten_minutes() -> None:
    jobs.beat(name="dead", role="worker", now=NOW - timedelta(minutes=11))
    jobs.beat(name="stopped", role="worker", now=NOW - timedelta(minutes=9))
    jobs.forget_dead_processes(now=NOW)
    assert Heartbeat.objects.get().name == "stopped"


def test_an_empty_queue_waits_for_nothing() -> None:
    assert jobs.oldest_waiting_seconds(now=NOW) == 0


def test_the_oldest_waiting_task_counts_from_when_it_was_enqueued() -> None:
    tidy.enqueue()
    oldest = DBTaskResult.objects.get()
    tidy.enqueue()
    now = oldest.enqueued_at + timedelta(seconds=90)
    assert jobs.oldest_waiting_seconds(now=now) == 90


def test_a_postponed_task_counts_from_when_it_falls_due() -> None:
    due = NOW + timedelta(hours=1)
    tidy.using(run_after=due).enqueue()
    assert jobs.oldest_waiting_seconds(now=NOW) == 0
    assert jobs.oldest_waiting_seconds(now=due + timedelta(seconds=5)) == 5


def test_a_task_under_way_does_not_wait() -> None:
    running_by("one")
    assert jobs.oldest_waiting_seconds(now=NOW + timedelta(hours=1)) == 0


def test_a_clock_that_was_set_back_makes_no_negative_age() -> None:
    tidy.enqueue()
    assert jobs.oldest_waiting_seconds(now=NOW - timedelta(hours=1)) == 0


def test_a_look_without_a_database_is_survived() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pulse_heartbeat RENAME TO lost_heartbeat")
    look("scheduler-1")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE lost_heartbeat RENAME TO pulse_heartbeat")
    look("scheduler-1")
    assert Heartbeat.objects.get().name == "scheduler-1"


def test_a_look_of_the_scheduler_beats_fires_and_puts_back() -> None:
    task = running_by("dead")
    look("scheduler-1")
    assert Heartbeat.objects.get().role == "scheduler"
    assert status_of(task) == TaskResultStatus.READY
    assert DBTaskResult.objects.count() > 1
