"""`manage.py serve`: Pulse as one process group: web server, worker and scheduler."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from pulse import first_run
from pulse.hosts import host_for

READY_WITHIN_SECONDS = 60
STOP_WITHIN_SECONDS = 30
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Command(BaseCommand):
    help = (
        "Migrate, make the first operator, and run the web server, the worker and the scheduler together. "
        "Example: manage.py serve"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        check_address_is_free()
        call_command("migrate", verbosity=0)
        first_run.prepare(say=self.say)
        environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": fresh_metrics_directory()}
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        group = Group(environment)
        group.start("web", gunicorn())
        group.start("worker", [*manage, "worker", "--no-startup-delay", "--no-reload", "--skip-checks"])
        group.start("scheduler", [*manage, "scheduler", "--skip-checks"])
        if group.wait_until_ready():
            self.say(f"\nPulse is ready: http://{settings.PULSE_ADDRESS}/admin/\nCtrl-C stops it.")
        elif not group.stopping and group.all_run():
            page = f"http://{settings.PULSE_ADDRESS}/readyz"
            self.stderr.write(f"Not ready after {READY_WITHIN_SECONDS} s: see {page}")
        sys.exit(group.wait())

    def say(self, words: str) -> None:
        """At once, also into a pipe: a password that waits in a buffer would die with the process."""
        self.stdout.write(words)
        self.stdout.flush()


def check_address_is_free() -> None:
    """Raise `CommandError` before anything is changed; gunicorn would try again for 5 s and then end."""
    family = socket.AF_INET6 if ":" in settings.PULSE_HOST else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.PULSE_HOST, settings.PULSE_PORT))
            probe.listen()
    except OSError as error:
        raise CommandError(
            f"Pulse cannot listen on {settings.PULSE_ADDRESS}: {error.strerror}. "
            "Set PULSE_PORT or PULSE_HOST to another."
        ) from error


def gunicorn() -> list[str]:
    return [sys.executable, "-m", "gunicorn", "pulse.wsgi:application", "--config", "python:pulse.gunicorn"]


def fresh_metrics_directory() -> str:
    """Counters of processes that ended before this start are of no use: rates begin anew."""
    folder = settings.PULSE_DATA_DIR / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return str(folder)


def stop_with_parent() -> None:
    """Have Linux send SIGTERM to this child when its parent dies, even by SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Group:
    """Child processes that live and stop together. The first to end takes the others with it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def start(self, name: str, argv: list[str]) -> None:
        # A session of its own: Ctrl-C reaches the parent alone, which stops the children gracefully.
        self.children[name] = subprocess.Popen(
            argv,
            env=self.environment,
            cwd=settings.BASE_DIR,
            start_new_session=True,
            preexec_fn=stop_with_parent,
        )

    def wait_until_ready(self) -> bool:
        address = settings.PULSE_ADDRESS
        ready = urllib.request.Request(f"http://{address}/readyz", headers={"Host": host_for(address)})
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline and not self.stopping and self.all_run():
            try:
                with urllib.request.urlopen(ready, timeout=2):  # noqa: S310
                    return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        return False

    def wait(self) -> int:
        """0 after a signal, 1 when a child ended by itself; all have ended."""
        while not self.stopping and self.all_run():
            time.sleep(0.2)
        by_itself = [] if self.stopping else [n for n, c in self.children.items() if c.poll() is not None]
        for name in by_itself:
            sys.stderr.write(f"The {name} ended with {self.children[name].returncode}; stopping all.\n")
        self._stop()
        return 1 if by_itself else 0

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def all_run(self) -> bool:
        return all(child.poll() is None for child in self.children.values())

    def _stop(self) -> None:
        for child in self.children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        for child in self.children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
