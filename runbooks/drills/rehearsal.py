"""What the steps of a drill work with: callers of the server's doors, and tenants made for it."""

import secrets
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from runbooks.drills.caller import Caller
from runbooks.drills.declaration import Unexpected
from runbooks.drills.journal import Journal
from runbooks.drills.rollback import ACTOR, note
from runbooks.models import DrillRun
from tenants import organizations, provisioning, synthetic, tokens
from tenants.models import Membership, Organization
from tenants.tokens import SCOPES

ORGS = "/api/admin/orgs"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A synthetic organization; `owner` calls with the token of its owner, whose public UUID `person` is."""

    id: str
    person: str
    owner: Caller

    @property
    def path(self) -> str:
        """Of the organization in the operators' API."""
        return f"{ORGS}/{self.id}"


class Rehearsal:
    """`operator` calls with the token of an operator made for this run. `kept` is for steps to hand on.

    `base` is the server that is called: the running one, until `move` to one of the drill's own.
    """

    def __init__(self, run: DrillRun, journal: Journal) -> None:
        self.run, self.journal, self.base = run, journal, settings.PULSE_DRILL_URL
        self.mark = f"{run.pk}-{secrets.token_hex(3)}"
        self.tenants: dict[str, Tenant] = {}
        self.kept: dict[str, Any] = {}
        self.operator_token = ""

    @property
    def say(self) -> Any:
        return self.journal.say

    @property
    def operator(self) -> Caller:
        return self.caller(self.operator_token)

    @property
    def nobody(self) -> Caller:
        return self.caller("")

    def caller(self, token: str) -> Caller:
        return Caller(self.base, token, tell=self.say)

    def move(self, base: str) -> None:
        """Rehearse on this server from now on; the run tells of it."""
        self.base = self.run.base_url = base
        self.run.save(update_fields=("base_url",))

    def return_home(self) -> None:
        """To the running server, which is asked once more how it is."""
        self.base = settings.PULSE_DRILL_URL

    def note(self, kind: str, what: str) -> None:
        """Before something is done that has to be undone."""
        note(self.run, kind, what)

    def appoint_operator(self) -> None:
        """An operator of the group admin, without a password and with a token of an hour."""
        email = synthetic.address(f"operator-{self.mark}")
        self.note("person", email)
        self.operator_token = synthetic.appoint(email, actor=ACTOR)

    def new_id(self, name: str) -> str:
        """An id that nobody has, noted to be erased."""
        organization_id = f"drill-{name}-{self.mark}"
        self.note("organization", organization_id)
        return organization_id

    def email_of(self, organization_id: str) -> str:
        return synthetic.address(f"owner-{organization_id}")

    def tenant(self, name: str = "a") -> Tenant:
        """The synthetic organization of this name, made when it is first asked for."""
        if name not in self.tenants:
            self.tenants[name] = self._made(name)
        return self.tenants[name]

    def _made(self, name: str) -> Tenant:
        organization_id = self.new_id(name)
        made = provisioning.provision(
            email=self.email_of(organization_id),
            name=f"Drill {name}",
            organization_id=organization_id,
            is_synthetic=True,
            actor=ACTOR,
        ).organization
        return self.tenant_of(made)

    def tenant_of(self, organization: Organization) -> Tenant:
        """A whole tenant with a token of its owner's."""
        owner = Membership.objects.select_related("user").get(organization=organization, is_owner=True).user
        _, text = tokens.create_for_member(
            owner, organizations.living(organization.id), actor=ACTOR, scopes=list(SCOPES), expires_days=1
        )
        return Tenant(organization.id, str(owner.public_id), self.caller(text))

    def expect(self, condition: object, expected: str, seen: object) -> None:
        """Raise `Unexpected` unless the condition holds."""
        if not condition:
            raise Unexpected(f"expected {expected}, saw {seen}")
        self.say(f"{expected}: yes")
