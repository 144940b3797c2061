"""gunicorn's configuration: request lines through Pulse's logs, and metrics of workers that ended."""

from typing import Any

from prometheus_client import multiprocess

graceful_timeout = 20
keepalive = 5


def child_exit(server: Any, worker: Any) -> None:
    """Forget the live gauges of a worker that ended; its counters stay."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
