"""An organization's single sign-on as an operator reads it, and the form that lets its owners in again."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from pulse.admin.forms import ReasonForm
from pulse.admin.pages import Button
from pulse.models import AuditEvent
from tenants.admin.organization_pages import OrganizationPage, OrganizationVerb, Page, register
from tenants.models import DomainClaim
from tenants.sso import configuration, errors, rescue
from tenants.sso.models import SsoConnection

REFUSALS_SHOWN = 20
# What `configuration.missing` names, as an operator says it on the telephone.
MISSING = {
    "connection": "a provider",
    "domain": "a proven domain",
    "groups": "a group that has a role",
    "emergency_owner": "an owner for emergencies",
}


class SingleSignOn(OrganizationPage):
    title = "Single sign-on"
    permission = "tenants.view_organization"
    template_name = "tenants/admin/sso.html"

    def buttons(self) -> Sequence[Button]:
        if not self.actor.may(rescue.PERMISSION):
            return ()
        return (Button(LetOwnersIn.title, self.path_of("let_owners_in"), "lock_open"),)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        organization_id = self.subject.id
        vouched = configuration.vouched_for(organization_id)
        return super().get_context_data(
            connection=SsoConnection.objects.filter(organization=self.subject).first(),
            callback=configuration.callback_address(organization_id),
            groups=configuration.groups_of(organization_id),
            missing=[MISSING[name] for name in configuration.missing(organization_id)],
            emergency_owner=configuration.emergency_owner(organization_id),
            locked_out=rescue.locked_out(self.subject),
            vouched_count=vouched.filter(vouched_until__gt=timezone.now()).count(),
            lapsed_count=vouched.filter(vouched_until__lte=timezone.now()).count(),
            claims=self._claims(),
            refusals=self._refusals(),
            **kwargs,
        )

    def _claims(self) -> list[tuple[DomainClaim, str | None]]:
        """Each with the other organization that holds the domain, if one does."""
        claims = list(self.subject.domain_claims.all())
        proven = DomainClaim.objects.filter(
            domain__in=[claim.domain for claim in claims], verified_at__isnull=False
        )
        holders = dict(proven.exclude(organization=self.subject).values_list("domain", "organization"))
        return [(claim, holders.get(claim.domain)) for claim in claims]

    def _refusals(self) -> list[AuditEvent] | None:
        """The newest; None for an operator who may not read the audit log."""
        if not self.actor.may("pulse.view_auditevent"):
            return None
        return list(
            AuditEvent.objects.filter(organization=self.subject.id, verb="sso.refused")[:REFUSALS_SHOWN]
        )


class LetOwnersIn(OrganizationVerb):
    permission = rescue.PERMISSION
    needs_recent_authentication = True
    page = "sso"
    title = "Let owners in by password"
    submit = "Let them in"
    danger = True
    form_class = ReasonForm

    def refusal(self) -> str:
        if self.subject.sso_only or rescue.locked_out(self.subject).exists():
            return ""
        return errors.NotLockedOut.detail

    def consequences(self) -> Sequence[str]:
        owners = ", ".join(membership.user.email for membership in rescue.locked_out(self.subject))
        told = f"They get in by password from now on, and are told by mail with the reason: {owners}."
        return (
            "Single sign-on is no longer the only way in. Roles and the provider stay as they are.",
            *([told] if owners else []),
            "Make sure who asks: whoever reads an owner's mail can reset their password.",
        )

    def carry_out(self, *, reason: str) -> list[str]:
        return rescue.let_owners_in(self.subject.id, reason=reason, actor=self.actor)

    def finish(self, result: list[str]) -> HttpResponse:
        return self.leave(self.back(), f"Let in by password: {', '.join(result) or 'members'}.")


register(
    Page("sso", "sso/", SingleSignOn, tab="Sign-on"),
    Page("let_owners_in", "sso/let_owners_in/", LetOwnersIn, action="Let owners in"),
)
