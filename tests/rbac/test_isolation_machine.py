"""Isolation attacked: in whatever order tenants come, work and go, nothing of one is seen in another."""

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import time_machine
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing import subscriptions
from pulse import audit
from rbac import assignments, databases
from rbac.models import Principal
from tenants import context, lifecycle, reaper, tokens
from tenants.models import Membership, Organization
from tests.api import Caller, code
from tests.factories import ALL_SCOPES, SYSTEM, make_operator, member_token, owner_of
from tests.snapshots import Snapshot

BOUNDS = settings(
    max_examples=10,
    stateful_step_count=16,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
REFUSALS = {"suspended": "org_suspended", "pending_deletion": "org_pending_deletion"}
some = st.integers(0, 7)


@dataclass
class Tenant:
    """What the machine believes of one tenant. `markers` are principals that no other tenant has."""

    id: str
    email: str
    owner: Caller
    principals: set[str]
    status: str = "active"
    before: str = "active"
    retention_days: int = 0
    markers: list[str] = field(default_factory=list)


class Isolation(RuleBasedStateMachine):
    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.numbers = itertools.count(1)
        self.living: dict[str, Tenant] = {}
        self.purged: list[Tenant] = []
        self.operator = make_operator("support")
        _, text = tokens.create_for_operator(self.operator, actor=SYSTEM, scopes=ALL_SCOPES)
        # Belongs to every tenant, and asks for all of them with one token over one connection.
        self.traveller = Caller(Client(), text)
        self.callers = itertools.cycle((lambda tenant: tenant.owner, lambda tenant: self.traveller))

    def teardown(self) -> None:
        assert audit.verify() is None
        databases.close_all()
        connections.close_all()
        self.snapshot.restore()
        cache.clear()
        for entry in databases.folder().glob("[!.]*"):
            shutil.rmtree(entry)

    def pick(self, which: int) -> Tenant:
        return list(self.living.values())[which % len(self.living)]

    @property
    def has_tenants(self) -> bool:
        return bool(self.living)

    # What happens

    @initialize()
    def begin(self) -> None:
        self.sign_up(0)
        self.sign_up(1)

    @rule(who=st.integers(0, 2))
    def sign_up(self, who: int) -> None:
        """Under an e-mail that may have asked before, whose tenant lives or has been purged."""
        email, name = f"asker{who}@example.com", f"Tenant {next(self.numbers)}"
        asked = {"email": email, "org_name": name}
        assert Caller(Client(), None).post("/api/public/signup", asked).status_code == 202
        made = Organization.objects.filter(display_name=name).first()
        assert (made is None) == (email in {tenant.email for tenant in self.living.values()})
        if made is not None:
            self._welcome(made, email)

    def _welcome(self, made: Organization, email: str) -> None:
        owner = owner_of(made.id)
        subscriptions.set_state(made.id, state="active", actor=SYSTEM)
        Membership.objects.create(user=self.operator, organization=made)
        with context.organization(made.id):
            assignments.assign(str(self.operator.public_id), roles=["viewer"], actor=SYSTEM)
        principals = {str(owner.public_id), str(self.operator.public_id)}
        caller = Caller(Client(), member_token(made.id, owner))
        self.living[made.id] = Tenant(made.id, email, caller, principals)
        self.mark(len(self.living) - 1)

    @precondition(lambda self: self.has_tenants)
    @rule(which=some)
    def mark(self, which: int) -> None:
        """Give a role to a principal that no other tenant has."""
        tenant = self.pick(which)
        if tenant.status != "active":
            return
        marker = f"only-in-{tenant.id}-number-{next(self.numbers)}-"
        answer = tenant.owner.put(f"/api/org/users/{marker}/roles", {"roles": ["viewer"]})
        assert answer.status_code == 200
        tenant.markers.append(marker)
        tenant.principals.add(marker)

    @precondition(lambda self: self.has_tenants)
    @rule(which=some)
    def write_a_role(self, which: int) -> None:
        """A role of the tenant's own, for its newest principal."""
        tenant = self.pick(which)
        if tenant.status != "active":
            return
        role = f"role-{next(self.numbers)}"
        permission = {"action": "read", "resource": f"secret-of-{tenant.id}"}
        made = tenant.owner.post("/api/org/roles", {"id": role, "name": role, "permissions": [permission]})
        assert made.status_code == 201
        path = f"/api/org/users/{tenant.markers[-1]}/roles"
        assert tenant.owner.put(path, {"roles": [role, "viewer"]}).status_code == 200

    @precondition(lambda self: self.has_tenants)
    @rule(which=some)
    def suspend(self, which: int) -> None:
        tenant = self.pick(which)
        if tenant.status == "active":
            lifecycle.suspend(tenant.id, actor=SYSTEM)
            tenant.status = "suspended"

    @precondition(lambda self: self.has_tenants)
    @rule(which=some)
    def unsuspend(self, which: int) -> None:
        tenant = self.pick(which)
        if tenant.status == "suspended":
            lifecycle.unsuspend(tenant.id, actor=SYSTEM)
            tenant.status = "active"

    @precondition(lambda self: self.has_tenants)
    @rule(which=some, retention_days=st.sampled_from([1, 30]))
    def soft_delete(self, which: int, retention_days: int) -> None:
        tenant = self.pick(which)
        if tenant.status != "pending_deletion":
            lifecycle.soft_delete(tenant.id, actor=SYSTEM, retention_days=retention_days)
            tenant.before, tenant.status = tenant.status, "pending_deletion"
            tenant.retention_days = retention_days

    @precondition(lambda self: self.has_tenants)
    @rule(which=some)
    def restore(self, which: int) -> None:
        tenant = self.pick(which)
        if tenant.status == "pending_deletion":
            lifecycle.restore(tenant.id, actor=SYSTEM)
            tenant.status = tenant.before

    @rule(days=st.sampled_from([2, 40]))
    def reap(self, days: int) -> None:
        """Purge what will be past its retention in so many days."""
        with time_machine.travel(timezone.now() + timedelta(days=days)):
            reaped = {outcome.organization_id for outcome in reaper.reap(actor=SYSTEM)}
        due = [
            tenant
            for tenant in self.living.values()
            if tenant.status == "pending_deletion" and tenant.retention_days < days
        ]
        assert reaped == {tenant.id for tenant in due}
        for tenant in due:
            self.purged.append(self.living.pop(tenant.id))

    @precondition(lambda self: self.has_tenants)
    @rule(first=some, second=some)
    def switch(self, first: int, second: int) -> None:
        """From one tenant into another and back, in one thread."""
        outer, inner = self.pick(first), self.pick(second)
        with context.organization(outer.id):
            assert self._stored() == outer.principals
            with context.organization(inner.id):
                assert self._stored() == inner.principals
            assert self._stored() == outer.principals

    def _stored(self) -> set[str]:
        return set(Principal.objects.values_list("id", flat=True))

    @precondition(lambda self: self.has_tenants)
    @rule(first=some, second=some)
    def intrude(self, first: int, second: int) -> None:
        """Ask for another tenant with one's own token."""
        own, other = self.pick(first), self.pick(second)
        if own.id != other.id:
            answer = own.owner.get("/api/org/users", x_pulse_org_id=other.id)
            assert code(answer) == (403, "access_denied")

    # What holds after every step

    @invariant()
    def each_tenant_sees_its_own_alone(self) -> None:
        for tenant in self.living.values():
            caller = next(self.callers)(tenant)
            answer = caller.get("/api/org/users?page_size=100", x_pulse_org_id=tenant.id)
            if tenant.status == "active":
                assert {one["id"] for one in answer.json()["results"]} == tenant.principals
            else:
                assert code(answer) == (403, REFUSALS[tenant.status])
            assert not self._strange_marks(tenant, answer.content.decode())

    @invariant()
    def nobody_of_another_tenant_may_anything(self) -> None:
        for tenant in self.living.values():
            everybody = [marker for other in self._all() for marker in other.markers]
            if tenant.status != "active" or not everybody:
                continue
            checks = [{"user": user, "action": "read", "resource": "nodes"} for user in everybody]
            results = tenant.owner.post("/api/org/check", {"checks": checks}).json()["results"]
            allowed = {user for user, one in zip(everybody, results, strict=True) if one["allowed"]}
            assert allowed == set(tenant.markers)

    @invariant()
    def the_files_hold_their_own_alone(self) -> None:
        assert {entry.name for entry in databases.folder().glob("[!.]*")} == set(self.living)
        for tenant in self.living.values():
            content = b"".join(file.read_bytes() for file in files_below(databases.folder() / tenant.id))
            assert all(marker.encode() in content for marker in tenant.markers)
            assert not self._strange_marks(tenant, content.decode(errors="replace"))

    @invariant()
    def nothing_of_a_purged_tenant_is_left(self) -> None:
        for tenant in self.purged:
            assert code(tenant.owner.get("/api/org/users")) == (401, "invalid_token")
            asked = self.traveller.get("/api/org/users", x_pulse_org_id=tenant.id)
            assert code(asked) == (403, "access_denied")

    def _all(self) -> Iterator[Tenant]:
        return itertools.chain(self.living.values(), self.purged)

    def _strange_marks(self, tenant: Tenant, text: str) -> list[str]:
        others = (other for other in self._all() if other.id != tenant.id)
        return [other.id for other in others if f"only-in-{other.id}-number-" in text]


def files_below(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


@pytest.mark.usefixtures("database")
def test_nothing_of_one_tenant_is_ever_visible_in_another(settings, snapshot: Snapshot) -> None:
    for rate in ("PULSE_SIGNUP_RATE", "PULSE_SIGNUP_EMAIL_RATE", "PULSE_SIGNUP_CEILING"):
        setattr(settings, rate, "1000000/hour")
    settings.PULSE_RBAC_MAX_OPEN = 2  # So that databases are closed and opened again all the time.
    run_state_machine_as_test(partial(Isolation, snapshot), settings=BOUNDS)
