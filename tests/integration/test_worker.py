"""A task whose worker is killed in the middle of it is put back and finished by another."""

import socket
import sys
from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from pulse import jobs
from pulse.models import Heartbeat, Mail
from tests.factories import make_organization
from tests.processes import environment, manage, running, wait_for

pytestmark = pytest.mark.usefixtures("database")

WORKER = [sys.executable, "manage.py", "worker", "--no-startup-delay", "--no-reload"]
SCHEDULER = [sys.executable, "manage.py", "scheduler"]


def status_of_the_mail() -> str:
    """Of the first task that sends mails."""
    first = DBTaskResult.objects.filter(task_path="pulse.tasks.deliver_mails").order_by("enqueued_at").first()
    return first.status if first else ""


def age_heartbeats() -> None:
    """As if the dead worker had last beaten longer ago than a live one can have."""
    past = timezone.now() - jobs.DEAD_AFTER - timedelta(seconds=1)
    assert Heartbeat.objects.filter(role="worker").update(at=past) == 1


def end_the_lease() -> None:
    """As if the dead worker had taken the mail longer ago than sending it can take."""
    assert Mail.objects.update(due_at=timezone.now()) == 1


def test_a_task_of_a_killed_worker_is_finished_by_another(tmp_path):
    make_organization("acme")
    manage("suspend", "acme")
    mails = tmp_path / "mails"

    with socket.create_server(("127.0.0.1", 0)) as silent:
        # Its mail server never says a word, so that the worker is killed in the middle of the task.
        stuck = environment(EMAIL_URL=f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        with running(WORKER, env=stuck, log=tmp_path / "killed.log") as worker:
            wait_for(lambda: status_of_the_mail() == TaskResultStatus.RUNNING, what="the task to run")
            worker.kill()
    age_heartbeats()
    end_the_lease()

    sending = environment(EMAIL_URL=f"filemail:///{mails}")
    with (
        running(SCHEDULER, env=sending, log=tmp_path / "scheduler.log"),
        running(WORKER, env=sending, log=tmp_path / "worker.log"),
    ):
        wait_for(lambda: status_of_the_mail() == TaskResultStatus.SUCCESSFUL, what="the task's end")

    (mail,) = mails.glob("*")
    assert "Subject: Acme Ltd is suspended" in mail.read_text()
