"""Schedules: rows with a cron expression in UTC, each firing enqueued exactly once."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from croniter import croniter
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from pulse import audit
from pulse.actors import Actor
from pulse.models import Schedule
from pulse.problems import NotFound

log = structlog.get_logger(__name__)

CHANGE = "pulse.change_schedule"


def next_after(cron: str, moment: datetime) -> datetime:
    upcoming: datetime = croniter(cron, moment).get_next(datetime)
    return upcoming


def fire_due(*, now: datetime) -> list[str]:
    """Enqueue every enabled schedule that is due; their names. However many schedulers run, one wins each.

    Missed firings are caught up once. A next run further away than the expression allows (the clock was
    set back) is brought nearer. A row whose expression or task means nothing keeps no other from firing.
    """
    fired = []
    for schedule in Schedule.objects.filter(enabled=True):
        try:
            upcoming = next_after(schedule.cron, now)
            enqueue = import_string(schedule.task).enqueue
        except (ValueError, ImportError, AttributeError):
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
        enqueue()
    return won


def _claim(schedule: Schedule, **changes: datetime) -> bool:
    """Compare and swap on the next run that we saw."""
    seen = Schedule.objects.filter(pk=schedule.pk, next_run_at=schedule.next_run_at)
    return seen.update(**changes) == 1


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
        schedule.next_run_at = next_after(schedule.cron, timezone.now())
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
    enqueue()
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
