"""Asking for a drill from a page or over the API: a job holds it, and its journal tells how it goes."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from pulse import audit
from pulse.actors import Actor
from runbooks import errors
from runbooks.drills import catalogue, runner
from runbooks.drills.declaration import Drill
from runbooks.models import DrillRun

TASK = "runbooks.drills.tasks.run_drill"
UNDONE = (TaskResultStatus.READY, TaskResultStatus.RUNNING)


@transaction.atomic
def ask(name: str, *, actor: Actor) -> Drill:
    """Have a worker hold the drill. Raises `DrillNotFound`, `DrillRunning`, `GateKilled`, `Frozen`."""
    from runbooks.drills.tasks import run_drill

    actor.require(runner.PERMISSION)
    drill = catalogue.find(name)
    runner.require_quiet()
    if is_busy():
        raise errors.DrillRunning
    audit.record("drill.ask", actor=actor, after={"drill": name})
    run_drill.enqueue(name=name, asked_by=actor.name if actor.user else "")
    return drill


def is_busy() -> bool:
    """Whether a drill is held, or waits for a worker."""
    return DrillRun.objects.filter(state=DrillRun.State.RUNNING).exists() or waiting().exists()


def waiting() -> QuerySet[Any]:
    return DBTaskResult.objects.filter(task_path=TASK, status__in=UNDONE)
