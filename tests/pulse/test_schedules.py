"""Schedules: each firing is enqueued once, whatever the schedulers, the clock and the rows do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from croniter import croniter
from django.db import connection
from django.utils.module_loading import import_string
from django_tasks_db.models import DBTaskResult

from pulse import faults, offers, schedules
from pulse.cron import InvalidCron, InvalidTimeZone
from pulse.models import AuditEvent, Schedule
from pulse.offers import Offer
from pulse.problems import NotFound, PermissionRefused
from tests.admin import signed_in, text, who_may_open
from tests.children import child, killed_at
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


def make_due(*names: str) -> None:
    Schedule.objects.all().delete()
    for name in names:
        Schedule.objects.create(name=name, task="pulse.tasks.tidy", cron="* * * * *", next_run_at=NOON)


def test_three_processes_fire_each_of_many_once() -> None:
    names = [f"due-{number:02}" for number in range(20)]
    make_due(*names)
    with child() as first, child() as second, child() as third:
        schedulers = [first, second, third]
        for one in schedulers:
            one.begin(fired, NOON)
        won = [name for one in schedulers for name in one.end()]
    assert sorted(won) == names
    assert enqueued() == len(names)


def test_what_a_scheduler_was_killed_before_is_fired_by_the_next_and_nothing_twice() -> None:
    """It dies in the middle of the second of three, after the claim and before its job is in the queue."""
    make_due("a", "b", "c")
    killed_at("schedule.claimed", fired, NOON, times=2)
    assert enqueued() == 1
    assert fired(NOON) == ["b", "c"]
    assert enqueued() == 3


def test_one_that_is_paused_while_others_fire_does_not_fire() -> None:
    make_due("a", "b")
    faults.arm("schedule.claimed", lambda: schedules.pause("b", actor=SYSTEM))
    assert fired(NOON) == ["a"]
    assert enqueued() == 1


@pytest.mark.usefixtures("hourly")
def test_a_clock_that_jumps_forth_and_back_fires_each_quarter_past_once() -> None:
    steps = (15, 3 * 60, 20, 74, 75, 76, 75)
    found = [len(fired(NOON + timedelta(minutes=minutes))) for minutes in steps]
    # Forth to 15:00 catches up once; back at 12:20 the future is taken back; at 13:15 it is due again.
    assert found == [1, 1, 0, 0, 1, 0, 0]


def test_its_arguments_reach_the_job() -> None:
    Schedule.objects.all().delete()
    Schedule.objects.create(
        name="rehearsal", task="pulse.tasks.tidy", cron="* * * * *", arguments={"name": "round-trip"}
    )
    fired(NOON)
    assert DBTaskResult.objects.get().args_kwargs["kwargs"] == {"name": "round-trip"}


def test_it_fires_by_its_time_zone() -> None:
    Schedule.objects.all().delete()
    Schedule.objects.create(
        name="berlin", task="pulse.tasks.tidy", cron="30 2 * * *", time_zone="Europe/Berlin"
    )
    fired(datetime(2026, 7, 1, tzinfo=UTC))
    assert Schedule.objects.get().next_run_at == datetime(2026, 7, 1, 0, 30, tzinfo=UTC)


@pytest.fixture
def offer(database: None) -> Iterator[Offer]:
    """Something that operators may put on a schedule of their own."""
    offered = Offer("tidy:nightly", "Tidy by night", "pulse.tasks.tidy", {"how": "well"})
    source = lambda: [offered]  # noqa: E731
    offers.sources.append(source)
    yield offered
    offers.sources.remove(source)


NEW = {"job": "tidy:nightly", "expression": "30 2 * * *", "time_zone": "Europe/Berlin"}


@time_machine.travel(NOON)
@pytest.mark.usefixtures("offer")
def test_what_is_offered_is_put_on_a_schedule_moved_and_taken_off_again() -> None:
    made = schedules.create("mine", **NEW, actor=SYSTEM)
    assert (made.task, made.arguments) == ("pulse.tasks.tidy", {"how": "well"})
    assert made.next_run_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    moved = schedules.change("mine", expression="0 4 * * *", time_zone="UTC", actor=SYSTEM)
    assert moved.next_run_at == datetime(2026, 3, 2, 4, tzinfo=UTC)
    schedules.delete("mine", actor=SYSTEM)
    assert not Schedule.objects.filter(name="mine").exists()
    verbs = AuditEvent.objects.order_by("sequence").values_list("verb", flat=True)
    assert list(verbs) == ["schedule.create", "schedule.change", "schedule.delete"]


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(
    ("name", "wrong", "refusal"),
    [
        ("no spaces", {}, schedules.InvalidScheduleName),
        ("a" * 51, {}, schedules.InvalidScheduleName),
        ("mine", {"job": "pulse.tasks.tidy"}, schedules.UnknownJob),
        ("mine", {"expression": "never"}, InvalidCron),
        ("mine", {"time_zone": "Mars"}, InvalidTimeZone),
        ("tidy", {}, schedules.ScheduleExists),
    ],
)
def test_a_schedule_that_would_not_work_is_refused(name: str, wrong: dict[str, str], refusal: type) -> None:
    with pytest.raises(refusal):
        schedules.create(name, **NEW | wrong, actor=SYSTEM)


def test_the_schedules_that_pulse_needs_cannot_be_deleted() -> None:
    with pytest.raises(schedules.ScheduleBuiltIn):
        schedules.delete("reap", actor=SYSTEM)


def test_an_operator_adds_one_in_the_admin_and_sees_its_next_five_firings(offer: Offer) -> None:
    admin = signed_in("admin")
    path = "/admin/pulse/schedule/"
    preview = {"expression": "30 2 * * *", "time_zone": "Europe/Berlin"}
    assert text(admin.get(f"{path}preview/", preview)).count("02:30") == 5
    refused = text(admin.post(f"{path}add/", NEW | {"name": "mine", "expression": "61 * * * *"}))
    assert "five fields" in refused
    admin.post(f"{path}add/", NEW | {"name": "mine"})
    made = Schedule.objects.get(name="mine")
    page = text(admin.get(f"{path}{made.pk}/change/"))
    assert offer.title in page
    assert page.count("02:30") == 5
    admin.post(f"{path}{made.pk}/times/", {"expression": "0 4 * * *", "time_zone": "UTC", "seen": "*"})
    assert Schedule.objects.get(name="mine").cron == "0 4 * * *"
    admin.post(f"{path}{made.pk}/remove/", {})
    assert not Schedule.objects.filter(name="mine").exists()


def test_the_preview_says_what_is_wrong_with_an_expression() -> None:
    admin = signed_in("admin")
    assert "five fields" in text(
        admin.get("/admin/pulse/schedule/preview/", {"expression": "x", "time_zone": "UTC"})
    )
    assert who_may_open("/admin/pulse/schedule/add/") == {"admin"}


@pytest.mark.parametrize(
    "broken",
    [
        {"cron": "every day"},
        {"cron": ""},
        {"cron": "61 * * * *"},
        {"cron": "0 0 30 2 *"},
        {"time_zone": "Mars/Olympus"},
        {"arguments": ["no", "names"]},
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
