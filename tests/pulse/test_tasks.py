"""The ground floor's own job, which keeps its tables from growing."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from pulse.models import IdempotencyKey
from pulse.tasks import tidy

pytestmark = pytest.mark.usefixtures("database")


def ended(status: TaskResultStatus, *, days_ago: int) -> None:
    """A task that ended that long ago."""
    at = timezone.now() - timedelta(days=days_ago)
    tidy.enqueue()
    DBTaskResult.objects.filter(status=TaskResultStatus.READY).update(
        status=status, started_at=at, finished_at=at
    )


@pytest.mark.parametrize(
    ("status", "days_ago", "kept"),
    [
        (TaskResultStatus.SUCCESSFUL, 6, 1),
        (TaskResultStatus.SUCCESSFUL, 8, 0),
        (TaskResultStatus.FAILED, 29, 1),
        (TaskResultStatus.FAILED, 31, 0),
    ],
)
def test_results_are_kept_for_a_week_and_failures_for_a_month(
    status: TaskResultStatus, days_ago: int, kept: int
) -> None:
    ended(status, days_ago=days_ago)
    tidy.call()
    assert DBTaskResult.objects.count() == kept


def test_what_waits_is_kept_however_old() -> None:
    with time_machine.travel(timezone.now() - timedelta(days=90)):
        tidy.enqueue()
    tidy.call()
    assert DBTaskResult.objects.count() == 1


def test_idempotency_keys_are_kept_for_a_day() -> None:
    now = timezone.now()
    for hours in (23, 25):
        IdempotencyKey.objects.create(
            caller="test", key=str(hours), status=200, created_at=now - timedelta(hours=hours)
        )
    assert tidy.call() == 1
    assert IdempotencyKey.objects.get().key == "23"


def test_running_it_twice_changes_nothing() -> None:
    assert [tidy.call(), tidy.call()] == [0, 0]
