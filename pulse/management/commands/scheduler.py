"""`manage.py scheduler`: enqueues what is due and puts back the jobs of dead workers. Several may run."""

import signal
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from pulse import jobs, schedules

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 2


class Command(BaseCommand):
    help = "Fire schedules. Run one or more; each firing happens once. Example: manage.py scheduler"

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        name = jobs.process_name()
        while not stop.is_set():
            look(name)
            stop.wait(LOOK_EVERY_SECONDS)
        jobs.end(name=name, now=timezone.now())


def look(name: str) -> None:
    """One round: beat, fire, put back. A failing database is met again at the next round."""
    close_old_connections()
    now = timezone.now()
    try:
        jobs.beat(name=name, role="scheduler", now=now)
        jobs.forget_dead_processes(now=now)
        for fired in schedules.fire_due(now=now):
            log.info("schedule fired", schedule=fired)
        if count := jobs.requeue_abandoned(now=now):
            log.warning("abandoned jobs put back", count=count)
    except DatabaseError:
        log.exception("scheduler cannot reach the database")
        connection.close()
