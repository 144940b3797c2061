"""A freeze: until it is lifted, operators' writes are refused, but for those that contain what went wrong.

It is asked where every verb writes its audit event, with the chain's head locked: in the chain, nothing
follows a freeze but what passes it. Jobs and tenants' own people go on.
"""

from typing import Any

from django.db import connection

from pulse.actors import Actor
from pulse.models import Freeze
from pulse.problems import Problem

DOORS = frozenset({"admin", "api", "command"})
# What an operator needs while something is wrong: to shut out, to undo that, to look, to keep evidence. Not
# `organization.purge`, which erases what they look at, nor whatever opens or grants.
PASSING = frozenset({
    "access.look",
    "billing.refresh",
    # What a run does to each organization is refused or passes by itself.
    "bulk.start",
    "bulk.cancel",
    "database.backup",
    # What began before the freeze comes to its end, or what it found out would be lost.
    "drill.end",
    "evidence.export",
    "freeze.begin",
    "freeze.lift",
    "hosted_mode.kill",
    "list.export",
    "organization.export",
    "organization.restore",
    "organization.soft_delete",
    "organization.suspend",
    "organization.unsuspend",
    "packet.abandoned",
    "packet.failed",
    "packet.passed",
    "support.end",
    "support.start",
    "token.revoke",
    "user.deactivate",
    "verdict.revoked",
})  # fmt: skip
# Of many organizations at once, each is asked for by itself.
PASSING_PREFIXES = ("incident.", "bulk.")


class Frozen(Problem):
    status = 423
    code = "frozen"
    detail = "Operators' writes are frozen. Work on incidents and the lifecycle go on."


def is_frozen() -> bool:
    """One raw read by primary key: it happens on every write of an operator."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT frozen FROM pulse_freeze WHERE id = 1")
        row = cursor.fetchone()
    return bool(row and row[0])


def in_force() -> Freeze | None:
    """The freeze with its reason, or None."""
    return Freeze.objects.filter(id=1, frozen=True).first()


def described() -> dict[str, Any]:
    """The freeze for scripts: since when it is in force, by whom and why."""
    freeze = in_force()
    return {
        "frozen": freeze is not None,
        "since": freeze.changed_at if freeze else None,
        "by": freeze.changed_by if freeze else None,
        "reason": freeze.reason if freeze else None,
    }


def passes(verb: str) -> bool:
    """Whether a freeze leaves the verb to operators."""
    return verb in PASSING or verb.startswith(PASSING_PREFIXES)


def require_thawed(verb: str, *, actor: Actor) -> None:
    """Raise `Frozen` where a freeze refuses the verb to the actor.

    A verb that has done what cannot be undone before it writes its audit event calls this first of all.
    """
    if passes(verb) or not _is_operator(actor) or not is_frozen():
        return
    raise refusal()


def refusal() -> Frozen:
    """With who froze, when and why."""
    freeze = in_force()
    if freeze is None:
        return Frozen()
    since = f"{freeze.changed_at:%d %B %Y, %H:%M} UTC"
    return Frozen(f"Operators' writes are frozen since {since}: {freeze.reason}")


def _is_operator(actor: Actor) -> bool:
    if actor.door not in DOORS or actor.as_member:
        return False
    return actor.kind == "shell" or (actor.kind == "user" and bool(getattr(actor.user, "is_staff", False)))
