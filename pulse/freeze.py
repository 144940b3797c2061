"""Freezing operators' writes, and lifting it; what a freeze lets pass is in `pulse.frozen`."""

from collections.abc import Callable

from django.db import transaction

from pulse import audit
from pulse.actors import Actor
from pulse.models import Freeze
from pulse.problems import Problem

PERMISSION = "pulse.freeze_writes"


class AlreadyFrozen(Problem):
    status = 409
    code = "already_frozen"
    detail = "Operators' writes are frozen already."


class NotFrozen(Problem):
    status = 409
    code = "not_frozen"
    detail = "Operators' writes are not frozen."


def begin(*, actor: Actor, reason: str) -> Freeze:
    """Refuse operators' writes from now on, in every process. Raises `AlreadyFrozen`, `ReasonRequired`."""
    return _set(frozen=True, verb="freeze.begin", refusal=AlreadyFrozen, actor=actor, reason=reason)


def lift(*, actor: Actor, reason: str) -> Freeze:
    """Let operators write again. Raises `NotFrozen`, `ReasonRequired`."""
    return _set(frozen=False, verb="freeze.lift", refusal=NotFrozen, actor=actor, reason=reason)


@transaction.atomic
def _set(*, frozen: bool, verb: str, refusal: Callable[[], Problem], actor: Actor, reason: str) -> Freeze:
    actor.require(PERMISSION)
    audit.required_reason(reason)
    Freeze.objects.get_or_create(id=1)
    freeze = Freeze.objects.select_for_update().get(id=1)
    if freeze.frozen == frozen:
        raise refusal()
    freeze.frozen, freeze.reason, freeze.changed_by = frozen, reason, actor.name
    freeze.save()
    audit.record(verb, actor=actor, before={"frozen": not frozen}, after={"frozen": frozen}, reason=reason)
    return freeze
