"""One operation on many organizations: kept as rows, carried out by a job, cancelled at any time.

The job looks in the rows for what waits. Each organization's change and its result are one transaction, so a
worker that is killed loses nothing and repeats nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, cast

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Count
from django.utils import timezone

from pulse import audit, faults
from pulse.actors import Actor, from_job, from_user
from pulse.problems import NotFound, Problem, Unavailable, as_problem
from tenants import errors
from tenants.models import BulkResult, BulkRun, User

log = structlog.get_logger(__name__)

State = BulkResult.State
MOST = 10_000
JOB = from_job("bulk")
# After so long the job makes way for others, and comes back.
SECONDS_AT_ONCE = 20.0


@dataclass(frozen=True, slots=True)
class Operation:
    """`carry_out(organization_id, actor=, reason=, **parameters)` returns what there is to tell.

    It refuses by a `Problem`, of which `NeedsCare` is a failure. `parameters` are JSON values.
    """

    permission: str
    carry_out: Callable[..., str]
    takes_recent: bool = False


_operations: dict[str, Operation] = {}


def register(name: str, operation: Operation) -> None:
    """Called by an app when it is ready."""
    _operations[name] = operation


def find(name: str) -> Operation:
    if name not in _operations:
        raise NotFound("There is no such operation.")
    return _operations[name]


@transaction.atomic
def start(
    name: str,
    organizations: Sequence[str],
    *,
    actor: Actor,
    reason: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> BulkRun:
    """Keep what is wanted, and enqueue the job. Raises `NothingSelected` and `TooManySelected`.

    The actor is held to their permissions for each organization once more, when its turn comes.
    """
    operation = find(name)
    actor.require(operation.permission)
    if operation.takes_recent:
        actor.require_recent()
    audit.checked_reason(reason)
    selected = list(dict.fromkeys(organizations))
    if not selected:
        raise errors.NothingSelected
    if len(selected) > MOST:
        raise errors.TooManySelected
    run = BulkRun.objects.create(
        operation=name,
        parameters=dict(parameters or {}),
        reason=reason,
        operator=cast(User | None, actor.user),
        started_by=actor.name if actor.user else "",
        request_id=actor.request_id,
    )
    BulkResult.objects.bulk_create(BulkResult(run=run, organization=one) for one in selected)
    _record("start", run, actor, {"organizations": len(selected), **run.parameters}, reason)
    _enqueue()
    return run


@transaction.atomic
def cancel(run_id: int, *, actor: Actor, reason: str = "") -> BulkRun:
    """Leave what waits undone; what is done stays done. Raises `AlreadyFinished`."""
    run = BulkRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such run.")
    actor.require(find(run.operation).permission)
    if run.finished_at:
        raise errors.AlreadyFinished
    waiting = run.results.filter(state=State.WAITING)
    undone = waiting.update(state=State.CANCELED, at=timezone.now())
    run.canceled_at = run.finished_at = timezone.now()
    run.save(update_fields=("canceled_at", "finished_at"))
    _record("cancel", run, actor, {"undone": undone}, reason)
    return run


def proceed(*, seconds: float = SECONDS_AT_ONCE) -> bool:
    """Do what waits, for about so long; whether something is left."""
    end = monotonic() + seconds
    for run in BulkRun.objects.filter(finished_at=None).select_related("operator").order_by("pk"):
        while _do_next(run):
            if monotonic() > end:
                return True
        _finish(run)
    return False


@transaction.atomic
def _do_next(run: BulkRun) -> bool:
    waiting = BulkResult.objects.select_for_update(skip_locked=True).filter(run=run, state=State.WAITING)
    result = waiting.order_by("pk").first()
    if result is None:
        return False
    result.state, result.detail = _outcome(run, result.organization)
    result.at = timezone.now()
    result.save(update_fields=("state", "detail", "at"))
    faults.reach("bulk.one_done")
    return True


def _outcome(run: BulkRun, organization_id: str) -> tuple[str, str]:
    """One that is refused or fails leaves no trace but this, and keeps no other from its turn."""
    try:
        with transaction.atomic():
            told = find(run.operation).carry_out(
                organization_id, actor=actor_of(run), reason=run.reason, **run.parameters
            )
    except errors.NeedsCare as found:
        return State.FAILED, found.detail[:500]
    except (Problem, DatabaseError) as error:
        return State.REFUSED, (as_problem(error) or Unavailable()).detail[:500]
    except Exception:
        log.exception("a bulk run's organization failed", run=run.pk, organization=organization_id)
        return State.FAILED, "It failed unexpectedly; the log tells why."
    return State.DONE, told[:500]


@transaction.atomic
def _finish(run: BulkRun) -> None:
    """Unless another worker has one of its organizations in hand, or has finished it."""
    locked = BulkRun.objects.select_for_update().get(pk=run.pk)
    if locked.finished_at or locked.results.filter(state=State.WAITING).exists():
        return
    locked.finished_at = timezone.now()
    locked.save(update_fields=("finished_at",))
    _record("finish", locked, JOB, counts(locked), "")


def counts(run: BulkRun) -> dict[str, int]:
    """How many organizations are in each state that occurs."""
    grouped = run.results.order_by().values_list("state").annotate(Count("pk"))
    return dict(grouped)


def actor_of(run: BulkRun) -> Actor:
    """Who wanted it, with the permissions of now and through their own door, so that a freeze holds.

    One who was erased has none.
    """
    if not run.started_by:
        return JOB
    if run.operator is None:
        return Actor(kind="user", name=run.started_by, door="admin", request_id=run.request_id)
    return from_user(run.operator, door="admin", request_id=run.request_id)


def _record(verb: str, run: BulkRun, actor: Actor, told: Mapping[str, Any], reason: str) -> None:
    after = {"run": run.pk, "operation": run.operation, **told}
    audit.record(f"bulk.{verb}", actor=actor, after=after, reason=reason)


def _enqueue() -> None:
    from tenants.tasks import proceed_with_bulk_runs

    proceed_with_bulk_runs.enqueue()
