"""Asking somebody to join, and what is done about an invitation that is open."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.functional import cached_property

from tenants import context, errors, invitations
from tenants.models import Invitation
from tenants.pages.member_verbs import choices
from tenants.pages.page import InOrganization, VerbPage


class InvitationForm(forms.Form):
    email = forms.CharField(
        label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    roles = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What they may do here. Without a role they may do nothing.",
    )
    days = forms.IntegerField(
        label="Days until it expires",
        min_value=1,
        max_value=invitations.LONGEST_DAYS,
        initial=invitations.DEFAULT_DAYS,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].choices = choices()  # type: ignore[attr-defined]


class Invite(VerbPage):
    place = "organization:members"
    resource = "members"
    form_class = InvitationForm
    submit = "Send the invitation"
    fields_of = {
        "invalid_email": "email",
        "already_a_member": "email",
        "already_invited": "email",
        "invalid_expiry": "days",
    }

    def title(self) -> str:
        return "Invite somebody"

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        if not self.allows("write", "roles"):
            del form.fields["roles"]
        return form

    def carry_out(self, **wanted: Any) -> Invitation:
        return invitations.invite(
            context.current(),
            email=wanted["email"],
            roles_given=wanted.get("roles", ()),
            days=wanted["days"],
            actor=self.actor,
        )

    def said(self, result: Invitation) -> str:
        return f"An invitation is on its way to {result.email}."


class OfInvitation(InOrganization):
    """About an open invitation. One of another organization is as unknown as none."""

    place = "organization:members"
    resource = "members"

    @cached_property
    def invitation(self) -> Invitation:
        mine = Invitation.objects.filter(organization=context.current(), accepted_at=None, revoked_at=None)
        found = mine.filter(pk=self.kwargs["invitation_id"]).first()
        if found is None:
            raise errors.MemberInvitationNotFound
        return found


class Resend(OfInvitation, VerbPage):
    submit = "Send again"

    def title(self) -> str:
        return f"Send the invitation to {self.invitation.email} again"

    def consequences(self) -> Sequence[str]:
        return ("A new link is mailed, which lasts as long as the first did. The earlier link ends.",)

    def carry_out(self, **wanted: Any) -> Invitation:
        return invitations.resend(context.current(), self.invitation.pk, actor=self.actor)

    def said(self, result: Invitation) -> str:
        return f"A new invitation is on its way to {result.email}."


class Revoke(OfInvitation, VerbPage):
    submit = "Revoke"
    danger = True

    def title(self) -> str:
        return f"Revoke the invitation to {self.invitation.email}"

    def consequences(self) -> Sequence[str]:
        return ("The link in the mail works no more.",)

    def carry_out(self, **wanted: Any) -> None:
        invitations.revoke(context.current(), self.invitation.pk, actor=self.actor)

    def said(self, result: None) -> str:
        return f"The invitation to {self.invitation.email} is revoked."
