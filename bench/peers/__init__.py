"""Other libraries in the comparisons, each in a process of its own with the settings that it wants.

A peer is a module of this package that hands its tasks to `serve`. What is not installed, or has no
PostgreSQL to work on, is left out, and a line says so.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

from rich.console import Console

from bench import measure


def has(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def can_run(package: str) -> bool:
    """Whether the package is there; a line says that it is left out."""
    if not has(package):
        Console(stderr=True).print(f"{package} is not installed (requirements-bench.txt): it is left out.")
    return has(package)


class Peer:
    """A running peer, as a context manager. Its clock is its own: talking to it is not timed."""

    def __init__(self, module: str, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"bench.peers.{module}", *arguments],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def contender(self, task: str) -> "Remote":
        return Remote(self, task)

    def ask(self, task: str, calls: int) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"task": task, "calls": calls}) + "\n")
        self.process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args!r} ended with {self.process.wait()}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.communicate()


@dataclass(frozen=True, slots=True)
class Remote:
    """One task of a peer, as a contender."""

    peer: Peer
    task: str

    def microseconds(self, calls: int) -> float:
        return self.peer.ask(self.task, calls)


def serve(tasks: Mapping[str, measure.Work | measure.SelfTimed]) -> None:
    """The peer's side: runs the tasks that it is asked for, and answers with their times."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.stdout = sys.stderr  # What a library prints is no answer.
    say = partial(print, file=answers, flush=True)
    measure.freeze()
    say(json.dumps("ready"))
    for line in sys.stdin:
        asked = json.loads(line)
        say(json.dumps(measure.microseconds(tasks[asked["task"]], asked["calls"])))
