"""Schedules: rows with a cron expression and a time zone, each firing enqueued exactly once."""

import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from pulse import audit, cron, faults, offers, versions
from pulse.actors import Actor
from pulse.models import Schedule
from pulse.problems import InvalidRequest, NotFound, Problem

log = structlog.get_logger(__name__)

CHANGE = "pulse.change_schedule"
NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")


class ScheduleExists(Problem):
    status = 409
    code = "schedule_exists"
    detail = "There is a schedule of this name already."


class ScheduleBuiltIn(Problem):
    status = 409
    code = "schedule_built_in"
    detail = "Pulse needs this schedule. It can be paused."


class InvalidScheduleName(InvalidRequest):
    code = "invalid_schedule_name"
    detail = "A name has 1 to 50 letters, digits, - and _."


class UnknownJob(InvalidRequest):
    code = "unknown_job"
    detail = "This cannot be put on a schedule."


def fire_due(*, now: datetime) -> list[str]:
    """Enqueue every enabled schedule that is due; their names. However many schedulers run, one wins each.

    Missed firings are caught up once. A next run further away than the expression allows (the clock was
    set back) is brought nearer. A row whose expression or task means nothing keeps no other from firing.
    """
    fired = []
    for schedule in Schedule.objects.filter(enabled=True):
        try:
            upcoming = cron.next_after(schedule.cron, now, schedule.time_zone)
            enqueue = partial(import_string(schedule.task).enqueue, **schedule.arguments)
        except (ValueError, TypeError, ImportError, AttributeError):
            log.exception("schedule cannot be fired", schedule=schedule.name)
            continue
        if schedule.next_run_at is None or schedule.next_run_at <= now:
            if _fire(schedule, enqueue, now=now, upcoming=upcoming):
                fired.append(schedule.name)
        elif schedule.next_run_at > upcoming + timedelta(seconds=1):
            _claim(schedule, next_run_at=upcoming)
    return fired


@transaction.atomic
def _fire(schedule: Schedule, enqueue: Callable[[], object], *, now: datetime, upcoming: datetime) -> bool:
    won = _claim(schedule, next_run_at=upcoming, last_run_at=now)
    if won:
        faults.reach("schedule.claimed")
        enqueue()
    return won


def _claim(schedule: Schedule, **changes: datetime) -> bool:
    """Compare and swap on the next run that we saw, unless it was paused since."""
    seen = Schedule.objects.filter(pk=schedule.pk, next_run_at=schedule.next_run_at, enabled=True)
    return seen.update(**changes) == 1


@transaction.atomic
def create(
    name: str, *, job: str, expression: str, time_zone: str, actor: Actor, reason: str = ""
) -> Schedule:
    """Put what is offered as `job` on a schedule of its own; it first fires at its next time.

    Raises `InvalidScheduleName`, `UnknownJob`, `InvalidCron`, `InvalidTimeZone`, `ScheduleExists`.
    """
    actor.require(CHANGE)
    if not NAME.fullmatch(name):
        raise InvalidScheduleName
    offer = offers.everything().get(job)
    if offer is None:
        raise UnknownJob
    cron.check(expression, time_zone)
    schedule = Schedule(name=name, task=offer.task, arguments=dict(offer.arguments))
    _set_time(schedule, expression, time_zone)
    try:
        with transaction.atomic():
            schedule.save()
    except IntegrityError:
        raise ScheduleExists from None
    audit.record("schedule.create", actor=actor, after=_described(schedule), reason=reason)
    return schedule


@transaction.atomic
def change(
    name: str,
    *,
    expression: str,
    time_zone: str,
    actor: Actor,
    reason: str = "",
    seen: Collection[str] = (),
) -> Schedule:
    """Fire it at other times.

    Raises `InvalidCron`, `InvalidTimeZone`, and `StaleVersion` when the version of its times is not among
    those `seen`.
    """
    schedule = _locked(name, actor)
    cron.check(expression, time_zone)
    versions.require(times_of(schedule), seen)
    before = _described(schedule)
    _set_time(schedule, expression, time_zone)
    schedule.save(update_fields=("cron", "time_zone", "next_run_at"))
    audit.record("schedule.change", actor=actor, before=before, after=_described(schedule), reason=reason)
    return schedule


@transaction.atomic
def delete(name: str, *, actor: Actor, reason: str = "") -> None:
    """Forget a schedule of what operators may put on one. Raises `ScheduleBuiltIn`."""
    schedule = _locked(name, actor)
    if not offers.is_offered(schedule.task):
        raise ScheduleBuiltIn
    audit.record("schedule.delete", actor=actor, before=_described(schedule), reason=reason)
    schedule.delete()


def times_of(schedule: Schedule) -> dict[str, str]:
    return {"expression": schedule.cron, "time_zone": schedule.time_zone}


def _set_time(schedule: Schedule, expression: str, time_zone: str) -> None:
    schedule.cron, schedule.time_zone = expression, time_zone
    schedule.next_run_at = cron.next_after(expression, timezone.now(), time_zone)


def _described(schedule: Schedule) -> dict[str, Any]:
    return {
        "schedule": schedule.name,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "arguments": schedule.arguments,
    }


@transaction.atomic
def pause(name: str, *, actor: Actor, reason: str = "") -> Schedule:
    """Fire it no more until it is resumed; pausing twice changes nothing."""
    schedule = _locked(name, actor)
    if schedule.enabled:
        schedule.enabled = False
        schedule.save(update_fields=("enabled",))
        audit.record("schedule.pause", actor=actor, after={"schedule": name}, reason=reason)
    return schedule


@transaction.atomic
def resume(name: str, *, actor: Actor, reason: str = "") -> Schedule:
    """Fire it again from its next time on; what it missed while paused is not caught up."""
    schedule = _locked(name, actor)
    if not schedule.enabled:
        schedule.enabled = True
        schedule.next_run_at = cron.next_after(schedule.cron, timezone.now(), schedule.time_zone)
        schedule.save(update_fields=("enabled", "next_run_at"))
        audit.record("schedule.resume", actor=actor, after={"schedule": name}, reason=reason)
    return schedule


@transaction.atomic
def run_now(name: str, *, actor: Actor, reason: str = "") -> Schedule:
    """Enqueue its job once more, paused or not; its next time stays."""
    schedule = _locked(name, actor)
    try:
        enqueue = import_string(schedule.task).enqueue
    except (ImportError, AttributeError):
        raise NotFound("There is no such job any more.") from None
    enqueue(**schedule.arguments)
    schedule.last_run_at = timezone.now()
    schedule.save(update_fields=("last_run_at",))
    audit.record("schedule.run", actor=actor, after={"schedule": name}, reason=reason)
    return schedule


def _locked(name: str, actor: Actor) -> Schedule:
    actor.require(CHANGE)
    schedule = Schedule.objects.select_for_update().filter(name=name).first()
    if schedule is None:
        raise NotFound("There is no such schedule.")
    return schedule
