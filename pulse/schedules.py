"""Schedules: rows with a cron expression in UTC, each firing enqueued exactly once."""

from datetime import datetime, timedelta

from croniter import croniter
from django.db import transaction
from django.utils.module_loading import import_string

from pulse.models import Schedule


def next_after(cron: str, moment: datetime) -> datetime:
    upcoming: datetime = croniter(cron, moment).get_next(datetime)
    return upcoming


def fire_due(*, now: datetime) -> list[str]:
    """Enqueue every enabled schedule that is due; their names. However many schedulers run, one wins each.

    Missed firings are caught up once. A next run further away than the expression allows (the clock was
    set back) is brought nearer.
    """
    fired = []
    for schedule in Schedule.objects.filter(enabled=True):
        upcoming = next_after(schedule.cron, now)
        if schedule.next_run_at is None or schedule.next_run_at <= now:
            if _fire(schedule, now=now, upcoming=upcoming):
                fired.append(schedule.name)
        elif schedule.next_run_at > upcoming + timedelta(seconds=1):
            _claim(schedule, next_run_at=upcoming)
    return fired


@transaction.atomic
def _fire(schedule: Schedule, *, now: datetime, upcoming: datetime) -> bool:
    won = _claim(schedule, next_run_at=upcoming, last_run_at=now)
    if won:
        import_string(schedule.task).enqueue()
    return won


def _claim(schedule: Schedule, **changes: datetime) -> bool:
    """Compare and swap on the next run that we saw."""
    seen = Schedule.objects.filter(pk=schedule.pk, next_run_at=schedule.next_run_at)
    return seen.update(**changes) == 1
