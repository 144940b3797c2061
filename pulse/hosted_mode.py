"""Step 1 of the gate: hosted routes exist only while hosted mode is open.

Open means `PULSE_HOSTED_MODE=true`, the kill switch off and, outside development, a standing verdict.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import Http404, HttpRequest

from pulse import audit
from pulse.actors import Actor
from pulse.models import KillSwitch
from pulse.problems import Unavailable

KILLED = "the kill switch is on"
NO_VERDICT = "no standing verdict covers the stage"

# Answers whether a standing GO or GO_WITH_CONDITIONS covers a stage. Whoever computes verdicts puts
# its function here; until then no verdict stands.
verdict_stands: Callable[[str], bool] = lambda stage: False  # noqa: E731


@dataclass(frozen=True, slots=True)
class State:
    """Whether hosted mode is open, and every reason why it is not."""

    open: bool
    reasons: tuple[str, ...]


def state() -> State:
    reasons = []
    if settings.PULSE_HOSTED_MODE != "true":
        reasons.append("PULSE_HOSTED_MODE is not the word true")
    if is_killed():
        reasons.append(KILLED)
    if settings.PULSE_STAGE != "development" and not verdict_stands(settings.PULSE_STAGE):
        reasons.append(f"{NO_VERDICT} {settings.PULSE_STAGE}")
    return State(open=not reasons, reasons=tuple(reasons))


def is_killed() -> bool:
    """One raw read by primary key: it happens on every hosted request."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT killed FROM pulse_killswitch WHERE id = 1")
        row = cursor.fetchone()
    return bool(row and row[0])


def require_open(request: HttpRequest) -> None:
    """Raise Http404, as for an unknown path, unless hosted mode is open."""
    if settings.PULSE_HOSTED_MODE != "true":
        raise Http404  # Without a look into the database, which may be as shut.
    try:
        is_open = state().open
    except DatabaseError as error:
        raise Unavailable from error
    if not is_open:
        raise Http404


def kill(*, actor: Actor, reason: str = "") -> KillSwitch:
    """Shut every hosted route from the next request on, in every process."""
    return _flip(killed=True, verb="hosted_mode.kill", actor=actor, reason=reason)


def revive(*, actor: Actor, reason: str = "") -> KillSwitch:
    """Take the kill switch off; the gate's other conditions still hold."""
    return _flip(killed=False, verb="hosted_mode.revive", actor=actor, reason=reason)


@transaction.atomic
def revive_own(*, actor: Actor, reason: str) -> bool:
    """Take it off if it is on for this very reason; whether it was. Somebody else's is left on."""
    switch = KillSwitch.objects.select_for_update().filter(killed=True, reason=reason).first()
    if switch is not None:
        revive(actor=actor, reason=reason)
    return switch is not None


@transaction.atomic
def _flip(*, killed: bool, verb: str, actor: Actor, reason: str) -> KillSwitch:
    actor.require("pulse.flip_killswitch")
    audit.checked_reason(reason)
    KillSwitch.objects.get_or_create(id=1)
    switch = KillSwitch.objects.select_for_update().get(id=1)
    before = {"killed": switch.killed}
    switch.killed, switch.reason, switch.changed_by = killed, reason, actor.name
    switch.save()
    audit.record(verb, actor=actor, before=before, after={"killed": killed}, reason=reason)
    return switch
