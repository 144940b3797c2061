"""`manage.py worker`: django-tasks' database worker, which also tells that it is alive."""

import threading
from typing import Any

from django.db import DatabaseError, connection
from django.utils import timezone
from django_tasks_db.management.commands import db_worker

from pulse import jobs


class Command(db_worker.Command):
    help = "Run queued jobs. Stop it with SIGTERM; it finishes the job at hand. Example: manage.py worker"

    def handle(self, **options: Any) -> None:
        name = jobs.process_name()
        beat_once(name)
        stopping = threading.Event()
        beating = threading.Thread(target=keep_beating, args=(name, stopping), daemon=True)
        beating.start()
        try:
            super().handle(**options | {"worker_id": name})  # Ends by exit.
        finally:
            stopping.set()
            beating.join()
            jobs.end(name=name, now=timezone.now())

    def configure_logging(self, verbosity: int) -> None:
        """`settings.LOGGING` and `PULSE_LOG_LEVEL` say what is logged, as for the other processes."""


def keep_beating(name: str, stopping: threading.Event) -> None:
    """Beat every 10 s for as long as the worker lives, however long its job takes."""
    while not stopping.wait(jobs.BEAT_SECONDS):
        beat_once(name)


def beat_once(name: str) -> None:
    """A database that cannot be written is met again at the next beat."""
    try:
        jobs.beat(name=name, role="worker", now=timezone.now())
    except DatabaseError:
        connection.close()
