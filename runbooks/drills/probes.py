"""What must hold before a drill begins and after it is rolled back."""

import time
from typing import Any

from runbooks.drills.caller import Caller
from runbooks.drills.declaration import Unexpected
from runbooks.drills.rehearsal import Rehearsal

READY_WITHIN_SECONDS = 30


def is_alive(rehearsal: Rehearsal) -> None:
    """Pulse answers"""
    rehearsal.nobody.get("/healthz").expect(200)


def is_ready(rehearsal: Rehearsal) -> None:
    """Pulse is ready: databases, migrations, a worker, a scheduler"""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    asker = Caller(rehearsal.base, tell=lambda line: None)
    while (answer := asker.get("/readyz")).status != 200 and time.monotonic() < deadline:
        time.sleep(0.5)
    checks: dict[str, Any] = (answer.body or {}).get("checks", {})
    if answer.status != 200:
        raise Unexpected(
            f"not ready: {[f'{name}: {found}' for name, found in checks.items() if found != 'ok']}"
        )


def is_open(rehearsal: Rehearsal) -> None:
    """Hosted mode is open"""
    rehearsal.nobody.get("/api/admin/orgs").expect(401)


def operators_are_served(rehearsal: Rehearsal) -> None:
    """An operator is answered"""
    rehearsal.operator.get("/api/admin/orgs?page_size=1").expect(200)


STEADY = (is_alive, is_ready, is_open, operators_are_served)
# Of a drill that takes place on a server of its own: nothing of it touches the gate.
ALIVE = (is_alive, is_ready)
