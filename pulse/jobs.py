"""The job queue's health: liveness of workers, tasks whose worker died, age of the oldest waiting task."""

import os
import socket
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Min
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from pulse.models import Heartbeat

log = structlog.get_logger(__name__)

BEAT_SECONDS = 10
# Six missed beats: a worker that is stopped for longer is taken for dead and its task is run again.
DEAD_AFTER = timedelta(seconds=60)
# A job may be unlucky with its worker; one that takes a fourth with it, by its memory say, would take all.
MOST_PUT_BACK = 3


class WorkersDied(Exception):
    """What a job is said to have failed with when no worker has lived to tell."""


def process_name() -> str:
    """By which a worker or a scheduler beats: no other process has it, nor a later one of its id."""
    return f"{socket.gethostname()[:30]}-{os.getpid()}-{os.urandom(4).hex()}"


def beat(*, name: str, role: str, now: datetime) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"role": role, "at": now})


def end(*, name: str, now: datetime) -> None:
    """The process has stopped as it was told to. For `is_alive` it goes on, so that a restart is no outage.

    A database that cannot be written keeps nobody from stopping.
    """
    with suppress(DatabaseError):
        Heartbeat.objects.filter(name=name).update(ended_at=now)


def still_running(*, now: datetime) -> list[str]:
    """The processes that have beaten within `DEAD_AFTER` and have not told their end: role and name."""
    recent = Heartbeat.objects.filter(at__gt=now - DEAD_AFTER, ended_at=None).order_by("role", "name")
    return [f"{beating.role} {beating.name}" for beating in recent]


def is_alive(role: str, *, now: datetime) -> bool:
    """Whether any process of the role has beaten within `DEAD_AFTER`."""
    return Heartbeat.objects.filter(role=role, at__gt=now - DEAD_AFTER).exists()


def forget_dead_processes(*, now: datetime) -> None:
    Heartbeat.objects.filter(at__lt=now - 10 * DEAD_AFTER).delete()


@transaction.atomic
def requeue_abandoned(*, now: datetime) -> int:
    """Put tasks back that are RUNNING with no live worker; how many. Jobs may run twice.

    One that was put back `MOST_PUT_BACK` times already is FAILED, with a line in the log.
    """
    running = list(DBTaskResult.objects.select_for_update().filter(status=TaskResultStatus.RUNNING))
    # Asked after the tasks: a worker beats before it takes its first, so no heartbeat means a dead worker.
    alive = set(Heartbeat.objects.filter(at__gt=now - DEAD_AFTER).values_list("name", flat=True))
    abandoned = [task for task in running if not alive.intersection(task.worker_ids[-1:])]
    again = [task.pk for task in abandoned if len(task.worker_ids) <= MOST_PUT_BACK]
    for task in abandoned:
        if task.pk not in again:
            log.error("job given up, its workers died", task=task.task_path, workers=task.worker_ids)
            task.set_failed(WorkersDied(f"{len(task.worker_ids)} workers died of it"))
    return DBTaskResult.objects.filter(pk__in=again).update(status=TaskResultStatus.READY, started_at=None)


def is_waiting(task_path: str) -> bool:
    """Whether the job is in the queue, and no worker has taken it yet."""
    return DBTaskResult.objects.filter(status=TaskResultStatus.READY, task_path=task_path).exists()


def oldest_waiting_seconds(*, now: datetime) -> float:
    """Seconds since the oldest due task was enqueued, or since it fell due; 0 for an empty queue."""
    ready = DBTaskResult.objects.filter(status=TaskResultStatus.READY)
    undated = ready.filter(run_after=get_date_max()).aggregate(at=Min("enqueued_at"))["at"]
    dated = ready.filter(run_after__lte=now).aggregate(at=Min("run_after"))["at"]
    waiting = [at for at in (undated, dated) if at is not None]
    return max(0.0, (now - min(waiting)).total_seconds()) if waiting else 0.0
