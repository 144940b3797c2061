"""A believable world, made up from a random seed: organizations with their people, plans and histories.

Nothing here touches a database; `runbooks.seeding` writes what is made up here.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils.text import slugify
from faker import Faker

from billing.models import Override, PlanVersion, State, Subscription
from tenants.models import Membership, Organization, Status, User

AGE = timedelta(days=730)
STATUSES = {Status.ACTIVE: 92, Status.SUSPENDED: 3, Status.PENDING_DELETION: 3, Status.PURGED: 2}
STATES = {
    State.ACTIVE: 62,
    State.TRIAL: 18,
    State.GRACE: 5,
    State.EXPIRED: 6,
    State.CANCELED: 7,
    State.SUSPENDED: 2,
}
PAID_PLANS = {"starter": 60, "team": 30, "business": 10}
# How many people an organization has, and how often.
SIZES = {1: 40, 2: 25, 4: 20, 8: 12, 15: 3}
OVERRIDDEN = 0.02
SUSPEND_REASONS = ("payment overdue", "terms of use", "security_incident", "asked for by the owner")
OVERRIDE_REASONS = ("agreed with sales", "makes up for an outage", "pilot of single sign-on")
# What happens on any day, with the door that it comes through.
ROUTINE = {
    ("access.look", "admin"): 20,
    ("roles.assign", "api"): 25,
    ("roles.change", "api"): 8,
    ("token.create", "api"): 12,
    ("token.revoke", "api"): 6,
    ("database.backup", "job"): 20,
    ("organization.rename", "api"): 2,
    ("organization.export", "admin"): 1,
}


@dataclass(frozen=True, slots=True)
class Happening:
    """What an audit event tells. `at` is UTC."""

    at: datetime
    verb: str
    organization: str
    actor_kind: str
    actor: str
    door: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Unsaved rows of one organization, and what has happened to it."""

    organization: Organization
    people: list[User] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    subscription: Subscription | None = None
    overrides: list[Override] = field(default_factory=list)
    story: list[Happening] = field(default_factory=list)


@dataclass(slots=True)
class Imagination:
    """The same random seed, moment and plans make the same world."""

    random_seed: int
    now: datetime
    plans: dict[str, PlanVersion]
    operators: Sequence[str]
    random: Random = field(init=False)
    faker: Faker = field(init=False)
    taken: set[str] = field(init=False, default_factory=set)
    password: str = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.random_seed)  # noqa: S311 (no secret depends on it)
        self.faker = Faker("en_US", use_weighting=False)
        self.faker.seed_instance(self.random_seed)
        self.password = make_password(None)

    def tenants(self, count: int) -> Iterator[Tenant]:
        """In the order of their creation, which comes faster and faster."""
        for number in range(count):
            share = ((number + self.random.random()) / count) ** 0.5
            yield self.tenant(self.now - AGE * (1 - share))

    def tenant(self, created_at: datetime) -> Tenant:
        name = self.faker.company()
        organization = Organization(
            id=self._free_id(name),
            display_name=name[:64],
            created_at=created_at,
            status_changed_at=created_at,
        )
        people = self._people(organization)
        tenant = Tenant(
            organization,
            people,
            [
                Membership(user=person, organization=organization, is_owner=not number, joined_at=created_at)
                for number, person in enumerate(people)
            ],
        )
        organization.signup_email = people[0].email
        provisioned = {"status": "active", "owner": str(people[0].public_id)}
        tenant.story.append(_signed_up(organization, provisioned))
        tenant = self._with_billing(tenant)
        return self._come_to(self._pick(STATUSES), tenant)

    def routine(self, count: int, tenants: Sequence[tuple[datetime, str, str]]) -> Iterator[Happening]:
        """`count` happenings in order of time; `tenants` are (created at, id, owner) in that order too."""
        known = 0
        start = tenants[0][0]
        for number in range(count):
            at = start + (self.now - start) * ((number + self.random.random()) / count)
            while known < len(tenants) and tenants[known][0] <= at:
                known += 1
            _, organization, owner = tenants[self.random.randrange(max(1, known))]
            verb, door = self._pick(ROUTINE)
            kind, actor = self._actor(verb, door, owner)
            yield Happening(at, verb, organization, kind, actor, door)

    def _actor(self, verb: str, door: str, owner: str) -> tuple[str, str]:
        if door == "job":
            return "system", f"job:{verb}"
        return "user", owner if door == "api" else self.random.choice(self.operators)

    def _people(self, organization: Organization) -> list[User]:
        """The owner first; their addresses are of a domain that no mail reaches (RFC 2606)."""
        people = []
        for number in range(self._pick(SIZES)):
            first, last = self.faker.first_name(), self.faker.last_name()
            people.append(
                User(
                    public_id=uuid.UUID(int=self.random.getrandbits(128), version=4),
                    email=f"{slugify(first)}.{slugify(last)}{number or ''}@{organization.id}.example",
                    name=f"{first} {last}",
                    password=self.password,
                    date_joined=organization.created_at,
                )
            )
        return people

    def _with_billing(self, tenant: Tenant) -> Tenant:
        state = self._pick(STATES)
        days = self.random.uniform
        subscription = Subscription(organization=tenant.organization, state=state, told_state=state)
        if state == State.TRIAL:
            subscription.plan_version = self.plans["trial"]
            subscription.trial_ends_at = self.now + timedelta(days=days(-2, 14))
        else:
            subscription.plan_version = self.plans[self._pick(PAID_PLANS)]
            subscription.period_ends_at = self.now + timedelta(days=days(0, 30))
        if state == State.GRACE:
            subscription.grace_ends_at = self.now + timedelta(days=days(0, 14))
        overrides = [self._override(tenant.organization)] if self.random.random() < OVERRIDDEN else []
        return Tenant(
            tenant.organization, tenant.people, tenant.memberships, subscription, overrides, tenant.story
        )

    def _override(self, organization: Organization) -> Override:
        made_at = organization.created_at + (self.now - organization.created_at) * self.random.random()
        return Override(
            organization=organization,
            limits={"seats": self.random.choice((10, 25, 100))},
            valid_from=made_at,
            created_at=made_at,
            valid_until=self.now + timedelta(days=self.random.uniform(1, 60)),
            reason=self.random.choice(OVERRIDE_REASONS),
            author=self.random.choice(self.operators),
        )

    def _come_to(self, status: Status, tenant: Tenant) -> Tenant:
        """The tenant in the status, with the happenings that led there."""
        organization, operator = tenant.organization, self.random.choice(self.operators)
        moment = self.now - min(timedelta(days=29), self.now - organization.created_at) * self.random.random()
        if status == Status.PURGED:
            moment = organization.created_at + (self.now - organization.created_at) * self.random.random()
        if status != Status.ACTIVE:
            organization.status, organization.status_changed_at = status, moment
        if status == Status.SUSPENDED:
            reason = self.random.choice(SUSPEND_REASONS)
            organization.suspended_at, organization.suspend_reason = moment, reason
            tenant.story.append(_lifecycle("suspend", "active", status, moment, tenant, operator, reason))
        if status == Status.PENDING_DELETION:
            _will_be_deleted(organization, moment)
            tenant.story.append(_lifecycle("soft_delete", "active", status, moment, tenant, operator))
        if status == Status.PURGED:
            return _tombstone(tenant, moment, operator)
        return tenant

    def _free_id(self, name: str) -> str:
        slug = organization_id = slugify(name)[:50].strip("-")
        while organization_id in self.taken:
            organization_id = f"{slug}-{self.random.getrandbits(32):08x}"
        self.taken.add(organization_id)
        return organization_id

    def _pick(self, weights: dict[Any, int]) -> Any:
        return self.random.choices(tuple(weights), tuple(weights.values()))[0]


def _signed_up(organization: Organization, after: dict[str, Any]) -> Happening:
    return Happening(
        organization.created_at, "organization.provision", organization.id,
        "anonymous", "sign-up", "api", after=after,
    )  # fmt: skip


def _will_be_deleted(organization: Organization, moment: datetime) -> None:
    organization.status_before_deletion = Status.ACTIVE
    organization.deletion_requested_at = moment
    organization.retention_days = 30
    organization.purge_after = moment + timedelta(days=30)


def _tombstone(tenant: Tenant, moment: datetime, operator: str) -> Tenant:
    """What a purge leaves: the id and its history, and nobody."""
    tenant.organization.display_name = ""
    tenant.organization.signup_email = None
    requested = tenant.organization.created_at + (moment - tenant.organization.created_at) / 2
    story = [
        *tenant.story,
        _lifecycle("soft_delete", "active", "pending_deletion", requested, tenant, operator),
        Happening(
            moment, "organization.purge", tenant.organization.id, "system", "job:reap", "job",
            before={"status": "pending_deletion"}, after={"status": "purged"},
        ),
    ]  # fmt: skip
    return Tenant(tenant.organization, story=story)


def _lifecycle(
    verb: str, before: str, after: str, at: datetime, tenant: Tenant, operator: str, reason: str = ""
) -> Happening:
    return Happening(
        at, f"organization.{verb}", tenant.organization.id, "user", operator, "admin",
        before={"status": str(before)}, after={"status": str(after)}, reason=reason,
    )  # fmt: skip
