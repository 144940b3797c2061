"""A process that checks in a loop, and counts the answers that are older than a commit before the question.

Nothing of Django is imported before its settings are: the process is spawned.
"""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager

import django

from tests.processes import environment, wait_for

# Whose one rule is a deny whose condition, on an attribute that nobody gives, is the number of the change.
CLOCK = ("clock", "read", "nodes", None)
# A viewer after an even number of changes, and nobody after an odd one.
BOB = ("bob", "read", "nodes", None)


class Shared:
    """In memory that all the processes share; `committed` is raised after each commit."""

    def __init__(self, count: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.committed = spawn.Value("q", 0)
        self.stop = spawn.Event()
        self.asked = spawn.Array("q", count)
        self.stale = spawn.Array("q", count)
        self.torn = spawn.Array("q", count)
        self.changes_seen = spawn.Array("q", count)


@contextmanager
def checking(shared: Shared) -> Iterator[None]:
    """The processes check within the block."""
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(target=_check, args=(shared, number, environment()))
        for number in range(len(shared.asked))
    ]
    for process in processes:
        process.start()
    try:
        wait_for(lambda: min(shared.asked[:]) > 0, what="the first answer of each")
        yield
    finally:
        shared.stop.set()
        for process in processes:
            process.join(30)


def _check(shared: Shared, mine: int, env: dict[str, str]) -> None:
    os.environ.update(env)
    os.nice(5)  # On few processors the writer would wait for its turn most of the time.
    django.setup()
    from rbac import access
    from tenants import context

    last = -1
    with context.organization("acme"):
        while not shared.stop.is_set():
            committed = shared.committed.value
            clock, bob = access.explain_all([CLOCK, BOB])
            seen = clock.rule.conditions["change"]
            shared.stale[mine] += seen < committed
            shared.torn[mine] += bob.allowed != (seen % 2 == 0)
            shared.changes_seen[mine] += seen != last
            shared.asked[mine] += 1
            last = seen
