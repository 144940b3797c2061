"""gunicorn's configuration: where it listens, words in Pulse's log format, metrics of workers that ended."""

from typing import Any

from prometheus_client import multiprocess

from pulse import settings

bind = settings.PULSE_ADDRESS
workers = settings.PULSE_WORKERS
worker_class = "gthread"
threads = settings.PULSE_THREADS
graceful_timeout = 20
keepalive = 5
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "pulse.logs.formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # The access log is written by pulse.request_id.
    "loggers": {"gunicorn.error": {"level": "WARNING"}},
}


def child_exit(server: Any, worker: Any) -> None:
    """Forget the live gauges of a worker that ended; its counters stay."""
    multiprocess.mark_process_dead(worker.pid)
