"""Pulse in processes of its own, on the test's database and data directory, on loopback ports."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 30

Answer = TypeVar("Answer")


def environment(**changes: str) -> dict[str, str]:
    """The environment that makes a process of Pulse work on this test's database and files."""
    return (
        os.environ
        | {
            "PULSE_DATA_DIR": str(settings.PULSE_DATA_DIR),
            "DATABASE_URL": database_url(),
            "EMAIL_URL": "dummymail://",
        }
        | changes
    )


def database_url() -> str:
    """The test database as `DATABASE_URL`."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    return f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


def manage(*arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    """`manage.py` with the arguments, to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(argv: Sequence[str], *, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process within the block; ended by SIGTERM after it, by SIGKILL when that does not help."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, cwd=ROOT, env=dict(env), stdout=output, stderr=output)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(ask: Callable[[], Answer], *, what: str, log: Path | None = None) -> Answer:
    """The first true answer of `ask`, asked again and again for at most `PATIENCE_SECONDS`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if answer := ask():
                return answer
        except (requests.RequestException, OSError):
            pass
        time.sleep(0.05)
    said = log.read_text(errors="replace")[-3000:] if log and log.exists() else ""
    raise AssertionError(f"waited {PATIENCE_SECONDS} s for {what}\n{said}")


@contextmanager
def web_server(tmp_path: Path, *, workers: int = 2, **changes: str) -> Iterator[str]:
    """gunicorn with Pulse; its base URL."""
    port = free_port()
    metrics = tmp_path / "prometheus"
    metrics.mkdir(exist_ok=True)
    env = environment(
        PROMETHEUS_MULTIPROC_DIR=str(metrics), PULSE_WORKERS=str(workers), PULSE_PORT=str(port), **changes
    )
    argv = [
        sys.executable, "-m", "gunicorn", "pulse.wsgi:application", "--bind", f"127.0.0.1:{port}",
        "--workers", str(workers), "--worker-class", "gthread", "--threads", "4",
        "--config", "python:pulse.gunicorn",
    ]  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    log = tmp_path / "gunicorn.log"
    with running(argv, env=env, log=log):
        wait_for(lambda: requests.get(base + "/healthz", timeout=2).ok, what="the web server", log=log)
        yield base


def bearer(token: str, **headers: str) -> dict[str, Any]:
    """Keyword arguments of `requests` for a caller with a token."""
    return {"headers": {"Authorization": f"Bearer {token}", **headers}, "timeout": 10}
