"""Processes of Pulse that a test forks: one that does as it is told, and one that dies at a named point.

A fork starts in milliseconds where a new interpreter takes more than a second. What must be proved of a
process from its first import on, such as what it reads of its environment, is in `tests.processes`.
"""

import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from pulse import faults
from pulse.problems import Problem
from rbac import databases
from tests import snapshots
from tests.processes import PATIENCE_SECONDS

FORK = multiprocessing.get_context("fork")


class Child:
    """A process that lives on between what it is told, with the tenants' databases that it has opened."""

    def __init__(self, process: Any, pipe: Connection) -> None:
        self.process, self.pipe = process, pipe

    def begin(self, work: Callable[..., Any], *given: Any, **named: Any) -> None:
        self.pipe.send((work, given, named))

    def end(self) -> Any:
        """What the work that it began has returned, or the code of the refusal."""
        assert self.pipe.poll(PATIENCE_SECONDS), "the child does not answer"
        return self.pipe.recv()

    def ask(self, work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        self.begin(work, *given, **named)
        return self.end()


@contextmanager
def child() -> Iterator[Child]:
    """A child within the block."""
    ours, theirs = FORK.Pipe()
    process = _fork(_obey, ours, theirs)
    theirs.close()
    try:
        yield Child(process, ours)
    finally:
        ours.send(None)
        process.join(PATIENCE_SECONDS)
        process.kill()
        ours.close()


def killed_at(point: str, work: Callable[..., Any], *given: Any, times: int = 1) -> None:
    """Run the work in a child, and see it killed when it passes the point for so many times."""
    process = _fork(_die_at, point, times, work, given)
    process.join(PATIENCE_SECONDS)
    process.kill()
    assert process.exitcode == -signal.SIGKILL


def begun(work: Callable[..., Any], *given: Any) -> Any:
    """The child that does the work, at which it is still busy."""
    return _fork(work, *given)


def _fork(target: Callable[..., Any], *given: Any) -> Any:
    """SQLite's and PostgreSQL's connections do not outlive a fork: this process opens its own anew."""
    databases.close_all()
    snapshots.close_pools()
    process = FORK.Process(target=target, args=given)
    process.start()
    return process


def _obey(parents: Connection, pipe: Connection) -> None:
    parents.close()
    while told := pipe.recv():
        work, given, named = told
        try:
            answer = work(*given, **named)
        except Problem as problem:
            answer = problem.code
        pipe.send(answer)


def _die_at(point: str, times: int, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    passed = itertools.count(1)

    def die() -> None:
        if next(passed) == times:
            os.kill(os.getpid(), signal.SIGKILL)

    faults.arm(point, die)
    work(*given)
