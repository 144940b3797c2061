"""Processes of Pulse that work on tenants' databases: one that does as it is told, and one that dies.

`python -m tests.rbac.child` answers each line of JSON, `{"do": …, …}`, with a line of JSON.
`python -m tests.rbac.child POINT WORK [N]` is killed when the work passes the named point, for the N-th time.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django
from django.conf import settings

from tests.processes import ROOT, environment


class Child:
    """A process that lives on between what it is asked, and keeps its tenants' databases open."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def ask(self, do: str, **given: Any) -> Any:
        self.process.stdin.write(json.dumps({"do": do, **given}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def running(**changes: str) -> Iterator[Child]:
    """A child within the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.rbac.child"],
        cwd=ROOT,
        env=environment(**changes),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Child(process)
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def killed_at(point: str, work: str, *, times: int = 1, **changes: str) -> None:
    """Run the work in a process of its own, and see it killed when it passes the point for so many times."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.rbac.child", point, work, str(times)],
        cwd=ROOT, env=environment(**changes), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr[-2000:]


def check(user: str) -> bool:
    import rbac
    from tenants import context

    with context.organization("acme"):
        return rbac.check(user, "read", "nodes")


def assign(user: str, roles: list[str]) -> list[str]:
    from rbac import assignments
    from tenants import context
    from tests.factories import SYSTEM

    with context.organization("acme"):
        return assignments.assign(user, roles=roles, actor=SYSTEM)


def backup() -> str:
    from rbac import backups
    from tests.factories import SYSTEM

    return backups.make("acme", actor=SYSTEM).name


def restore() -> str:
    """From the oldest backup."""
    from rbac import backups, restoring
    from tests.factories import SYSTEM

    return restoring.restore("acme", backups.of_organization("acme")[-1].name, actor=SYSTEM).name


def write_roles() -> None:
    """A hundred roles, with two permissions each."""
    from rbac import roles
    from rbac.drafts import Draft, Grant
    from tenants import context
    from tests.factories import SYSTEM

    with context.organization("acme"):
        for number in range(100):
            grants = (Grant("write", "vms"), Grant("write", "nodes", "deny"))
            draft = Draft(name="X", parent="viewer", permissions=grants)
            roles.create(f"role-{number}", draft, actor=SYSTEM)


def migrate() -> int:
    from rbac import fleet
    from tests.factories import SYSTEM

    behind = list(fleet.behind().values_list("id", flat=True))
    return len(list(fleet.migrate(behind, actor=SYSTEM, workers=1)))


WORKS: dict[str, Callable[..., Any]] = {
    work.__name__: work for work in (check, assign, backup, restore, write_roles, migrate)
}


def answer(asked: dict[str, Any]) -> Any:
    from pulse.problems import Problem

    try:
        return WORKS[asked.pop("do")](**asked)
    except Problem as problem:
        return problem.code


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pulse.settings")
    django.setup()
    if modules := os.environ.get("TESTS_RBAC_MIGRATIONS"):
        settings.MIGRATION_MODULES = {"rbac": modules}
    if not arguments:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
            sys.stdout.flush()
        return
    from pulse import faults

    point, work, *times = arguments
    passed = itertools.count(1)

    def die() -> None:
        if next(passed) == int(times[0] if times else 1):
            os.kill(os.getpid(), signal.SIGKILL)

    faults.arm(point, die)
    WORKS[work]()


if __name__ == "__main__":
    main(sys.argv[1:])
