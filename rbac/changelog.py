"""One change of a tenant's roles: who may make it, and where it is written down.

The tenant's own changelog is written with the change; the audit log of the control database commits just
before it, so that a crash between the two leaves a record of an attempt, never a change without one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from pulse import audit, faults
from pulse.actors import Actor
from rbac import access, databases, metrics
from rbac.models import Change
from tenants import context


@contextmanager
def changing(actor: Actor) -> Iterator[None]:
    """A transaction on the current organization's database for someone who may write its roles.

    Raises `AccessRefused`, and what `databases.writing` raises.
    """
    with databases.writing(context.current()):
        if actor.kind == "user" and not actor.may("tenants.manage_access"):
            access.require(actor.name, "write", "roles")
        yield


def record(verb: str, *, subject: str, actor: Actor, before: Any, after: Any) -> None:
    """Write a change of roles down, in both places. `verb` is `roles.<action>`."""
    note(verb, subject=subject, actor=actor, before=before, after=after)
    metrics.role_mutations.labels(action=verb.removeprefix("roles.")).inc()


def note(verb: str, *, subject: str, actor: Actor, before: Any, after: Any) -> None:
    """As `record`, for what the organization is to see beside its roles' changes."""
    Change.objects.create(
        at=timezone.now(), actor=actor.name, verb=verb, subject=subject, before=before, after=after
    )
    faults.reach("change.written")
    audit.record(
        verb,
        actor=actor,
        organization=context.current(),
        before={"subject": subject, "value": before},
        after={"subject": subject, "value": after},
    )
    faults.reach("change.audited")
