"""The form by which an operator looks into an organization as a member does, and the one that ends it."""

from collections.abc import Sequence

from django import forms
from django.http import HttpResponse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from pulse.actors import Actor
from pulse.admin import moments
from pulse.admin.forms import ConfirmForm, ReasonForm
from tenants import choice, support
from tenants.admin.organization_pages import OrganizationVerb, Page, register
from tenants.models import Organization, SupportAccess, User


class LookInForm(ReasonForm):
    field_order = ("reason", "minutes")
    minutes = forms.IntegerField(
        min_value=1,
        max_value=60,
        initial=60,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Until it ends by itself.",
    )


class LookIn(OrganizationVerb):
    permission = support.PERMISSION
    needs_recent_authentication = True
    title = "Look in as support"
    submit = "Look in"
    form_class = LookInForm

    def consequences(self) -> Sequence[str]:
        may = "read and write" if self.subject.support_may_write else "read"
        return (
            f"Your session may {may} what a member sees, and never change who may get in.",
            "The reason goes into the organization's changelog, and its owners are mailed.",
        )

    def carry_out(self, *, reason: str, minutes: int) -> SupportAccess:
        return support.start(self.subject.id, reason=reason, minutes=minutes, actor=self.actor)

    def finish(self, result: SupportAccess) -> HttpResponse:
        choice.choose(self.request, self.subject.id)
        return self.leave(
            self.back(),
            format_html(
                "You look into {} until {}, under /organization/.",
                self.subject.id,
                moments.long(result.expires_at),
            ),
        )


class LookAway(OrganizationVerb):
    permission = support.PERMISSION
    title = "Stop looking in"
    submit = "Stop"
    form_class = ConfirmForm

    def carry_out(self) -> int:
        return support.end(self.subject.id, actor=self.actor)

    def finish(self, result: int) -> HttpResponse:
        return self.leave(
            self.back(), "Your support access is over." if result else "You were not looking in."
        )


def offered(organization: Organization, *, actor: Actor) -> list[tuple[str, type[OrganizationVerb]]]:
    """The one of the two that makes sense just now, for who may look in at all."""
    if not isinstance(actor.user, User) or not actor.may(support.PERMISSION):
        return []
    looks_in = support.look_of(actor.user, organization.id) is not None
    return [("look_away", LookAway) if looks_in else ("look_in", LookIn)]


register(
    Page("look_in", "look_in/", LookIn, action="Look in as support"),
    Page("look_away", "look_away/", LookAway, action="Stop looking in"),
)
