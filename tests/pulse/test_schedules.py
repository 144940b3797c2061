"""Schedules: each firing is enqueued once, whatever the schedulers, the clock and the rows do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from croniter import croniter
from django.db import connection
from django.utils.module_loading import import_string
from django_tasks_db.models import DBTaskResult

from pulse import schedules
from pulse.models import AuditEvent, Schedule
from pulse.problems import NotFound, PermissionRefused
from tests.factories import SYSTEM, acting, make_operator

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEDULERS = 3


@pytest.fixture
def hourly(database: None) -> Schedule:
    """The only schedule: each hour at a quarter past, next at 12:15."""
    Schedule.objects.all().delete()
    return Schedule.objects.create(
        name="hourly", task="pulse.tasks.tidy", cron="15 * * * *", next_run_at=NOON + timedelta(minutes=15)
    )


def fired(now: datetime) -> list[str]:
    return schedules.fire_due(now=now)


def enqueued() -> int:
    return DBTaskResult.objects.filter(task_path="pulse.tasks.tidy").count()


def next_run() -> datetime | None:
    return Schedule.objects.get(name="hourly").next_run_at


@pytest.mark.usefixtures("hourly")
def test_nothing_fires_before_its_time() -> None:
    assert fired(NOON) == []
    assert enqueued() == 0


@pytest.mark.usefixtures("hourly")
def test_it_fires_at_its_time_and_then_waits_for_the_next() -> None:
    assert fired(NOON + timedelta(minutes=15)) == ["hourly"]
    assert fired(NOON + timedelta(minutes=15, seconds=2)) == []
    assert enqueued() == 1
    assert next_run() == NOON + timedelta(minutes=75)
    assert Schedule.objects.get().last_run_at == NOON + timedelta(minutes=15)


def test_a_new_schedule_fires_at_once(hourly: Schedule) -> None:
    Schedule.objects.update(next_run_at=None)
    assert fired(NOON) == ["hourly"]
    assert next_run() == NOON + timedelta(minutes=15)


@pytest.mark.usefixtures("hourly")
def test_missed_firings_are_caught_up_once() -> None:
    later = NOON + timedelta(days=2)
    assert fired(later) == ["hourly"]
    assert fired(later) == []
    assert enqueued() == 1
    assert next_run() == later + timedelta(minutes=15)


@pytest.mark.usefixtures("hourly")
def test_a_clock_that_was_set_back_does_not_silence_it() -> None:
    """It fired in a future that is not to come; it fires in the hour that is."""
    fired(NOON + timedelta(days=365))
    assert fired(NOON) == []
    assert next_run() == NOON + timedelta(minutes=15)
    assert fired(NOON + timedelta(minutes=15)) == ["hourly"]


@pytest.mark.usefixtures("hourly")
def test_a_disabled_schedule_does_not_fire() -> None:
    Schedule.objects.update(enabled=False)
    assert fired(NOON + timedelta(days=1)) == []


@pytest.mark.parametrize("first", [None, NOON])
def test_three_schedulers_fire_once(hourly: Schedule, first: datetime | None) -> None:
    Schedule.objects.update(next_run_at=first)
    together = Barrier(SCHEDULERS)

    def look(_: int) -> list[str]:
        try:
            together.wait()
            return fired(NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(SCHEDULERS) as threads:
        winners = [names for names in threads.map(look, range(SCHEDULERS)) if names]
    assert winners == [["hourly"]]
    assert enqueued() == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"cron": "every day"},
        {"cron": ""},
        {"cron": "61 * * * *"},
        {"cron": "0 0 30 2 *"},
        {"task": "pulse.tasks.gone"},
        {"task": "pulse.gone.tidy"},
        {"task": "nonsense"},
        {"task": "pulse.tasks.idempotency"},
    ],
)
def test_a_row_that_means_nothing_keeps_no_other_from_firing(
    hourly: Schedule, broken: dict[str, str], caplog
) -> None:
    Schedule.objects.create(**({"name": "broken", "task": "pulse.tasks.tidy", "cron": "* * * * *"} | broken))
    assert fired(NOON + timedelta(minutes=15)) == ["hourly"]
    assert "schedule cannot be fired" in caplog.text


def test_every_shipped_schedule_names_a_task_and_a_time() -> None:
    assert Schedule.objects.exists()
    for schedule in Schedule.objects.all():
        assert croniter.is_valid(schedule.cron)
        assert callable(import_string(schedule.task).enqueue)


@pytest.mark.usefixtures("hourly")
def test_pause_and_resume_are_recorded_and_miss_nothing_twice() -> None:
    schedules.pause("hourly", actor=SYSTEM)
    schedules.pause("hourly", actor=SYSTEM)
    assert fired(NOON + timedelta(days=1)) == []
    schedules.resume("hourly", actor=SYSTEM)
    schedules.resume("hourly", actor=SYSTEM)
    verbs = AuditEvent.objects.order_by("sequence").values_list("verb", flat=True)
    assert list(verbs) == ["schedule.pause", "schedule.resume"]
    assert Schedule.objects.get().enabled


def test_run_now_enqueues_and_leaves_the_next_time(hourly: Schedule) -> None:
    schedules.run_now("hourly", actor=SYSTEM)
    assert enqueued() == 1
    assert next_run() == hourly.next_run_at


@pytest.mark.usefixtures("hourly")
def test_run_now_of_a_job_that_is_no_more_is_refused() -> None:
    Schedule.objects.update(task="pulse.tasks.gone")
    with pytest.raises(NotFound):
        schedules.run_now("hourly", actor=SYSTEM)
    assert not AuditEvent.objects.exists()


def test_an_unknown_schedule_is_not_found() -> None:
    with pytest.raises(NotFound):
        schedules.pause("nothing", actor=SYSTEM)


@pytest.mark.parametrize("group", ["support", "operator", "billing"])
def test_only_admins_change_schedules(hourly: Schedule, group: str) -> None:
    with pytest.raises(PermissionRefused):
        schedules.pause("hourly", actor=acting(make_operator(group)))
    assert Schedule.objects.get().enabled
