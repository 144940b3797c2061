"""`manage.py serve` as an operator runs it, on an installation of its own."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.db import connection

from tests.processes import PATIENCE_SECONDS, environment, free_port, manage, running, wait_for


@dataclass
class Installation:
    """A data directory and a database, and what the last start printed."""

    home: Path
    database_url: str

    @property
    def log(self) -> Path:
        return self.home / "serve.log"

    @property
    def mails(self) -> Path:
        return self.home / "mails"

    def settings(self, **changes: str) -> dict[str, str]:
        own = {
            "PULSE_DATA_DIR": str(self.home / "data"),
            "DATABASE_URL": self.database_url,
            "EMAIL_URL": f"filemail:///{self.mails}",
        }
        return own | changes

    def manage(self, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        return manage(*arguments, **self.settings(**changes))


@dataclass
class Serving:
    """A running `manage.py serve`, which has said that it is ready."""

    process: "subprocess.Popen[bytes]"
    log: Path
    base: str

    def children(self) -> dict[str, int]:
        """Process ids by the name that `serve` gives them."""
        words = {"web": "gunicorn", "worker": "worker", "scheduler": "scheduler"}
        lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children_of(self.process.pid)}
        return {
            name: next(pid for pid, line in lines.items() if word.encode() in line.split(b"\0"))
            for name, word in words.items()
        }

    def end(self, number: signal.Signals) -> int:
        """The exit code after the signal."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def installation(home: Path) -> Iterator[Installation]:
    """An empty one: an SQLite file, or a PostgreSQL database that is dropped after the block."""
    home.mkdir(exist_ok=True)
    if connection.vendor == "sqlite":
        yield Installation(home, f"sqlite:///{home / 'data' / 'pulse.db'}")
        return
    given = connection.settings_dict
    server = f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}"
    name = f"test_pulse_serve_{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as postgres:
        postgres.execute(f'CREATE DATABASE "{name}"')
        try:
            yield Installation(home, f"{server}/{name}")
        finally:
            postgres.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def serve(ours: Installation, **changes: str) -> Iterator[Serving]:
    """Started and ready; stopped after the block if it still runs."""
    port = str(free_port())
    env = environment(**ours.settings(PULSE_PORT=port, PULSE_LOG_LEVEL="WARNING", **changes))
    with running([sys.executable, "manage.py", "serve"], env=env, log=ours.log) as process:
        wait_for(lambda: "Pulse is ready" in ours.log.read_text(), what="Pulse to be ready", log=ours.log)
        family = family_of(process.pid)
        try:
            yield Serving(process, ours.log, f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
            # `serve` leaves nothing behind; where a test shows that it does, the next one starts clean.
            for pid in alive(family):
                os.kill(pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def family_of(pid: int) -> list[int]:
    """All its descendants: gunicorn's workers too."""
    return [one for child in children_of(pid) for one in (child, *family_of(child))]


def alive(pids: list[int]) -> list[int]:
    """Those that still run; one that has ended and is not yet reaped does not."""
    return [pid for pid in pids if _state(pid) not in ("", "Z")]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
