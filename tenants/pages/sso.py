"""Single sign-on, set up step by step by an administrator, and whom the provider vouches for."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone

from pulse.models import AuditEvent
from tenants import roles
from tenants.accounts import letters
from tenants.models import DomainClaim
from tenants.pages.page import Page
from tenants.sso import configuration, domains
from tenants.sso.configuration import NEEDED
from tenants.sso.models import SsoConnection

REFUSALS_SHOWN = 20
VOUCHED_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    role: str
    role_name: str


class Sso(Page):
    template_name = "organization/sso.html"
    place = "organization:sso"
    resource = "settings"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        organization_id = self.organization.id
        return super().get_context_data(
            connection=SsoConnection.objects.filter(organization=self.organization).first(),
            claims=[(claim, *domains.record_of(claim)) for claim in self._claims()],
            groups=self._groups(),
            callback=configuration.callback_address(organization_id),
            emergency_owner=configuration.emergency_owner(organization_id),
            missing=configuration.missing(organization_id),
            vouched=configuration.vouched_for(organization_id)[:VOUCHED_SHOWN],
            refusals=self._refusals(),
            may_write=all(self.allows("write", resource) for resource in NEEDED),
            now=timezone.now(),
            address=letters.address_of(reverse("sso_start", args=(organization_id,))),
            **kwargs,
        )

    def _claims(self) -> list[DomainClaim]:
        return list(DomainClaim.objects.filter(organization=self.organization))

    def _groups(self) -> list[Group]:
        names = roles.book().names()
        pairs = configuration.groups_of(self.organization.id)
        return [Group(group, role, names.get(role, role)) for group, role in pairs]

    def _refusals(self) -> list[AuditEvent]:
        """The newest; by the request's id an administrator finds the one that somebody asks about."""
        found = AuditEvent.objects.filter(organization=self.organization.id, verb="sso.refused")
        return list(found.order_by("-sequence")[:REFUSALS_SHOWN])
