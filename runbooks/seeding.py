"""Writes a believable world into an empty installation: to look at, to rehearse on and to measure with."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from billing import timeline
from billing.entitlements import Layers
from billing.models import Override, PlanVersion, Subscription
from pulse import audit, frozen
from pulse.actors import Actor
from pulse.models import AuditEvent
from rbac import schema, template
from runbooks import errors
from runbooks.believable import Happening, Imagination, Tenant
from tenants.models import DEFAULT_ORGANIZATION, Membership, Organization, Status, User

SEED = "seed"
# Rows that one transaction writes.
TENANTS_AT_ONCE = 500
EVENTS_AT_ONCE = 5000
# Operators of the seeded world, with their groups; none has a password.
OPERATORS = {"ada": "admin", "grace": "operator", "joan": "billing", "mary": "support"}

Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many of each were written."""

    organizations: int
    people: int
    databases: int
    audit_events: int


def seed(
    *,
    organizations: int,
    events: int,
    random_seed: int,
    databases: bool,
    actor: Actor,
    progress: Progress,
) -> Seeded:
    """Write the world that `random_seed` makes up, up to now; `events` audit events, or more if its
    histories have more. Without `databases` the tenants have no RBAC files.

    Written in batches: a seeding that is cut off leaves a smaller world, which another refuses to add to.
    Raises `SeedRefused` outside development and where organizations exist.
    """
    frozen.require_thawed(SEED, actor=actor)
    actor.require("tenants.provision_organization")
    _refuse_unless_empty()
    imagination = Imagination(random_seed, timezone.now(), _plans(), _operators())
    born: list[tuple[datetime, str, str]] = []
    story: list[Happening] = []
    people = files = 0
    imagined = progress(imagination.tenants(organizations), organizations, "Organizations")
    for tenants in _batches(imagined, TENANTS_AT_ONCE):
        _write(tenants)
        people += sum(len(tenant.people) for tenant in tenants)
        files += _clone(tenants) if databases else 0
        born += [_birth(tenant) for tenant in tenants if tenant.people]
        story += [happening for tenant in tenants for happening in tenant.story]
    story.sort(key=attrgetter("at"))
    routine = imagination.routine(max(0, events - len(story)), born) if born else iter(())
    happened = heapq.merge(story, routine, key=attrgetter("at"))
    count = max(events, len(story))
    written = 0
    for batch in _batches(progress(happened, count, "Audit events"), EVENTS_AT_ONCE):
        audit.append_past(_event(happening) for happening in batch)
        written += len(batch)
    audit.record(SEED, actor=actor, after={"organizations": organizations, "random_seed": random_seed})
    return Seeded(organizations, people, files, written + 1)


def _refuse_unless_empty() -> None:
    if settings.PULSE_STAGE != "development":
        raise errors.SeedRefused("A made-up world is for the stage development alone.")
    if Organization.objects.exclude(id=DEFAULT_ORGANIZATION).exists():
        raise errors.SeedRefused("There are organizations already. Start with an empty PULSE_DATA_DIR.")


def _plans() -> dict[str, PlanVersion]:
    """Each plan's newest version."""
    return {version.plan_id: version for version in PlanVersion.objects.order_by("number")}


def _operators() -> list[str]:
    """The public ids of operators in each group."""
    found = []
    for name, group in OPERATORS.items():
        email = f"{name}@operators.example"
        user = User.objects.filter(email=email).first() or User.objects.create_user(email, is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        found.append(str(user.public_id))
    return found


@transaction.atomic
def _write(tenants: list[Tenant]) -> None:
    for tenant in tenants:
        tenant.organization.entitlement_timeline = timeline.render(
            Layers(tenant.subscription, tuple(tenant.overrides))
        )
        tenant.organization.schema_version = schema.current() if tenant.people else 0
    User.objects.bulk_create([person for tenant in tenants for person in tenant.people])
    Organization.objects.bulk_create([tenant.organization for tenant in tenants])
    Membership.objects.bulk_create([row for tenant in tenants for row in tenant.memberships])
    Subscription.objects.bulk_create([tenant.subscription for tenant in tenants if tenant.subscription])
    Override.objects.bulk_create([row for tenant in tenants for row in tenant.overrides])


def _clone(tenants: list[Tenant]) -> int:
    living = [tenant for tenant in tenants if tenant.organization.status != Status.PURGED]
    for tenant in living:
        template.create(tenant.organization.id, admin=str(tenant.people[0].public_id))
    return len(living)


def _birth(tenant: Tenant) -> tuple[datetime, str, str]:
    owner = str(tenant.people[0].public_id)
    return tenant.organization.created_at, tenant.organization.id, owner


def _event(happening: Happening) -> AuditEvent:
    return AuditEvent(
        **{
            name: getattr(happening, name)
            for name in (
                "at", "verb", "organization", "actor_kind", "actor", "door", "before", "after", "reason",
            )
        }
    )  # fmt: skip


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
