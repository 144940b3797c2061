"""Provisioning: a whole tenant or none.

Everything in the control database is one transaction. What a resource makes outside it (a tenant's RBAC
file) is made before the commit and reached only through the committed row, so a crash leaves at most an
orphan that nobody can reach; `reconcile` clears it.
"""

import fcntl
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import IO

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import DatabaseError, transaction
from django.utils.text import slugify

from pulse import audit, faults, frozen
from pulse.actors import Actor
from pulse.problems import Problem
from pulse.text import is_one_line
from tenants import errors, metrics, resources
from tenants.models import (
    DEFAULT_ORGANIZATION,
    LONGEST_ID,
    ORGANIZATION_ID,
    Membership,
    Organization,
    User,
)

log = structlog.get_logger(__name__)

SHORTEST_NAME, LONGEST_NAME = 3, 64
# Several crashes' worth.
PROVISION = "organization.provision"
RECONCILE = "tenants.reconcile"
MOST_LEFTOVERS = 20
FAILED = "organization.provision_failed"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """`existing` tells that this e-mail had asked before and nothing was made."""

    organization: Organization
    existing: bool


def provision(
    *,
    email: str,
    name: str,
    actor: Actor,
    organization_id: str | None = None,
    is_synthetic: bool = False,
    with_owner: Callable[[User], object] | None = None,
    reason: str = "",
) -> Provisioned:
    """Make an organization with its owner and all its resources; idempotent on the e-mail that asks.

    A synthetic one is a drill's: it takes no place under the cap and is not counted. `with_owner` is called
    in the transaction, once the owner is there; a refusal of it undoes all.

    Raises `InvalidEmail`, `InvalidOrganizationName`, `InvalidOrganizationId`, `OrganizationIdTaken`,
    `TenantCapReached`, and `ProvisioningFailed` when a resource cannot be made.
    """
    audit.checked_reason(reason)
    email, name = checked_email(email), checked_name(name)
    if actor.kind == "user":
        actor.require("tenants.provision_organization")
    if is_synthetic:
        # Whoever may make what is not counted may also erase it.
        actor.require("tenants.purge_organization")
    started = perf_counter()
    try:
        provisioned = _provision(
            email,
            name,
            actor,
            organization_id,
            is_synthetic=is_synthetic,
            with_owner=with_owner,
            reason=reason,
        )
    except (Problem, _Rehearsed):
        raise
    except Exception as error:
        if not is_synthetic:
            metrics.provisions.labels(status="failure").inc()
            _keep_failure(actor)
        log.exception("provisioning failed", organization=organization_id or slugify(name))
        raise errors.ProvisioningFailed from error
    if not (provisioned.existing or is_synthetic):
        metrics.provisions.labels(status="success").inc()
        metrics.provision_seconds.observe(perf_counter() - started)
    return provisioned


class _Rehearsed(Exception):
    """Undoes what was made so far."""


def rehearse(*, email: str, name: str, actor: Actor, organization_id: str | None = None) -> Provisioned:
    """What `provision` would answer, or refuse with, now. Nothing is kept, and no resource is made."""
    frozen.require_thawed(PROVISION, actor=actor)
    made: list[Organization] = []

    def stop(owner: User) -> None:
        made.append(Organization.objects.get(signup_email=email.strip().lower()))
        raise _Rehearsed

    try:
        return provision(
            email=email, name=name, actor=actor, organization_id=organization_id, with_owner=stop
        )
    except _Rehearsed:
        return Provisioned(made[0], existing=False)


def _keep_failure(actor: Actor) -> None:
    """An audit event of what left no other row; a database that has failed cannot take that one either."""
    with suppress(DatabaseError):
        audit.record(FAILED, actor=actor)


def _provision(
    email: str,
    name: str,
    actor: Actor,
    organization_id: str | None,
    *,
    is_synthetic: bool,
    with_owner: Callable[[User], object] | None,
    reason: str,
) -> Provisioned:
    with _lock(fcntl.LOCK_SH) as lock, _undoing(lock) as undo, transaction.atomic(durable=True):
        _take_turns()
        existing = Organization.objects.filter(signup_email=email).first()
        if existing is not None:
            return Provisioned(existing, existing=True)
        if not is_synthetic:
            check_cap()
        organization = _create_row(email, name, organization_id, is_synthetic=is_synthetic)
        faults.reach("provision.row")
        owner = _owner(email)
        Membership.objects.create(user=owner, organization=organization, is_owner=True)
        if with_owner is not None:
            with_owner(owner)
        faults.reach("provision.owner")
        for resource in resources.registered():
            undo.append((resource, organization.id))
            resource.provision(organization, owner=owner)
            faults.reach(f"provision.{resource.name}")
        audit.record(
            PROVISION,
            actor=actor,
            organization=organization.id,
            after={"status": str(organization.status), "owner": str(owner.public_id)},
            reason=reason,
        )
        faults.reach("provision.audited")
    faults.reach("provision.committed")
    return Provisioned(organization, existing=False)


@contextmanager
def _undoing(lock: IO[str]) -> Iterator[list[tuple[resources.TenantResource, str]]]:
    """Undo in reverse what was made, on any failure after which the organization does not exist.

    A commit whose answer was lost may have held, so the table is asked: once no other provisioning is
    under way, or it could not tell of one that is making the same id. What cannot be undone stays out of
    reach, and `reconcile` clears it.
    """
    made: list[tuple[resources.TenantResource, str]] = []
    try:
        yield made
    except BaseException:
        if made:
            faults.reach("provision.undoing")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for resource, organization_id in reversed(made):
            try:
                if not Organization.objects.filter(id=organization_id).exists():
                    resource.undo(organization_id)
            except Exception:  # Whatever it was, it keeps no other part from being undone.
                log.exception("undoing failed", organization=organization_id, resource=resource.name)
        raise


def _take_turns() -> None:
    """Lock the default organization's row until the commit, against whoever provisions meanwhile.

    So nobody else takes the e-mail, the free id or the last place under the cap that were just looked up.
    """
    Organization.objects.select_for_update(no_key=True).get(id=DEFAULT_ORGANIZATION)


def check_cap() -> None:
    """Raise `TenantCapReached` when `PULSE_TENANT_CAP` organizations live; 0 means no cap."""
    cap = settings.PULSE_TENANT_CAP
    customers = Organization.objects.living().customers().exclude(id=DEFAULT_ORGANIZATION)
    if cap and customers.count() >= cap:
        raise errors.TenantCapReached


def _create_row(email: str, name: str, organization_id: str | None, *, is_synthetic: bool) -> Organization:
    if organization_id is None:
        organization_id = _free_id(name)
    elif not re.fullmatch(ORGANIZATION_ID, organization_id):
        raise errors.InvalidOrganizationId
    elif Organization.objects.filter(id=organization_id).exists():
        raise errors.OrganizationIdTaken
    organization = Organization(
        id=organization_id, display_name=name, signup_email=email, is_synthetic=is_synthetic
    )
    organization.save(force_insert=True)
    return organization


def _free_id(name: str) -> str:
    """The name as an id, with a random end where it is taken or empty."""
    slug = slugify(name.replace("_", "-"))[: LONGEST_ID - 9].strip("-") or "org"
    if not Organization.objects.filter(id=slug).exists():
        return slug
    return f"{slug}-{secrets.token_hex(4)}"


def _owner(email: str) -> User:
    owner = User.objects.filter(email=email).first()
    return owner or User.objects.create_user(email)


def checked_email(email: str) -> str:
    """The address trimmed and in lower case."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise errors.InvalidEmail from None
    if len(email) > 254:
        raise errors.InvalidEmail
    return email


def checked_name(name: str) -> str:
    name = name.strip()
    if not SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        raise errors.InvalidOrganizationName
    if not is_one_line(name) or "/" in name or "\\" in name:
        raise errors.InvalidOrganizationName
    return name


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was cleared, mended and, because it was suspiciously much, kept: as `resource: what`."""

    cleared: list[str]
    mended: list[str]
    kept: list[str]


def reconcile(*, actor: Actor, most: int = MOST_LEFTOVERS, reason: str = "") -> Reconciled:
    """Clear what crashed provisionings and purges left, and give the default organization its resources.

    More than `most` leftovers are all kept and reported: crashes leave few, and a control database that
    was restored from an old backup makes the files of every later tenant look like leftovers. Waits for
    provisionings under way on this machine and keeps new ones waiting.
    """
    actor.require("tenants.purge_organization")
    frozen.require_thawed(RECONCILE, actor=actor)
    audit.checked_reason(reason)
    with _lock(fcntl.LOCK_EX):
        found, names = _leftovers()
        cleared, kept = (names, []) if len(found) <= most else ([], names)
        for resource, orphan in found if not kept else ():
            resource.clear(orphan)
            faults.reach("reconcile.cleared")
        mended = _equip_default()
    if cleared or mended:
        after = {"cleared": cleared, "mended": mended}
        audit.record(RECONCILE, actor=actor, after=after, reason=reason)
    if kept:
        log.error("too many leftovers to clear unasked", count=len(kept), most=most)
    return Reconciled(cleared, mended, kept)


def leftovers(*, actor: Actor) -> list[str]:
    """What `reconcile` would find to clear, as `resource: what`; it waits as that does."""
    actor.require("tenants.purge_organization")
    with _lock(fcntl.LOCK_EX):
        _, names = _leftovers()
    return names


def _leftovers() -> tuple[list[tuple[resources.TenantResource, str]], list[str]]:
    found = [(resource, one) for resource in resources.registered() for one in resource.orphans()]
    return found, [f"{resource.name}: {orphan}" for resource, orphan in found]


def _equip_default() -> list[str]:
    default = Organization.objects.get(id=DEFAULT_ORGANIZATION)
    missing = [resource for resource in resources.registered() if resource.missing(default)]
    for resource in missing:
        resource.provision(default, owner=None)
    return [f"{resource.name}: {default.id}" for resource in missing]


@contextmanager
def _lock(mode: int) -> Iterator[IO[str]]:
    """An advisory lock on the data directory; the kernel lets go of it when the process dies."""
    with (settings.PULSE_DATA_DIR / "provisioning.lock").open("w") as lock:
        fcntl.flock(lock, mode)
        yield lock
