"""What is done about a domain that the organization claims: each verb is a page that says what it will do."""

from typing import Any

from django import forms
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property

from tenants import context
from tenants.models import DomainClaim
from tenants.pages.sso_verbs import SsoVerb
from tenants.sso import domains


class DomainForm(forms.Form):
    domain = forms.CharField(max_length=domains.LONGEST_DOMAIN, help_text="Such as example.com.")


class ClaimDomain(SsoVerb):
    form_class = DomainForm
    submit = "Claim the domain"
    warnings = ("It counts once a TXT record in its DNS proves it to be yours.",)
    fields_of = dict.fromkeys(("invalid_domain", "domain_refused", "already_claimed"), "domain")

    def carry_out(self, **wanted: Any) -> DomainClaim:
        return domains.claim(context.current(), actor=self.actor, **wanted)

    def said(self, result: DomainClaim) -> str:
        return f"{result.domain} is claimed. Publish its record, then check it."


class OfDomain(SsoVerb):
    @cached_property
    def claim(self) -> DomainClaim:
        return get_object_or_404(DomainClaim, organization=context.current(), pk=self.kwargs["claim_id"])


class CheckDomain(OfDomain):
    submit = "Look for the record"
    warnings = ("This can take seconds. A record that has just been published can take hours to be seen.",)

    def title(self) -> str:
        return f"Check {self.claim.domain}"

    def carry_out(self, **wanted: Any) -> DomainClaim:
        return domains.check(context.current(), self.claim.pk, actor=self.actor)

    def said(self, result: DomainClaim) -> str:
        return f"{result.domain} is proven to be yours."


class ReleaseDomain(OfDomain):
    submit = "Give it up"
    danger = True
    warnings = ("New people of this domain can sign in by your provider no more.",)

    def title(self) -> str:
        return f"Give up {self.claim.domain}"

    def carry_out(self, **wanted: Any) -> None:
        domains.release(context.current(), self.claim.pk, actor=self.actor)

    def said(self, result: None) -> str:
        return f"{self.claim.domain} is given up."
