"""What is done about one member: each verb is a page that says what it will do, with a button."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.functional import cached_property

from pulse import versions
from pulse.problems import NotFound
from tenants import context, members, roles
from tenants.models import Membership
from tenants.pages.page import InOrganization, VerbPage


class OfMember(InOrganization):
    """About one member, by their public UUID. One of another organization is as unknown as none."""

    place = "organization:members"
    resource = "members"

    @cached_property
    def membership(self) -> Membership:
        public_id: UUID = self.kwargs["public_id"]
        found = Membership.objects.filter(organization=context.current(), user__public_id=public_id)
        membership = found.select_related("user").first()
        if membership is None:
            raise NotFound("There is no such member of your organization.")
        return membership

    @property
    def principal(self) -> str:
        return str(self.membership.user.public_id)

    @property
    def who(self) -> str:
        return self.membership.user.name or self.membership.user.email

    @property
    def is_oneself(self) -> bool:
        return self.membership.user == self.person

    @property
    def is_owners(self) -> bool:
        """Whether an owner looks at it."""
        return self.own_membership is not None and self.own_membership.is_owner

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(membership=self.membership, **kwargs)


class MemberVerb(OfMember, VerbPage):
    # With the person's name in it.
    heading = ""

    def title(self) -> str:
        return self.heading.format(who=self.who)

    def back(self) -> str:
        return reverse("organization:member", args=(self.principal,))

    @staticmethod
    def is_offered(page: OfMember) -> bool:
        """Whether the page of the member has a way here. The verb decides for itself."""
        return page.allows("write", "members") and not page.is_oneself


class RolesForm(forms.Form):
    roles = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    # The version of what was shown, so that nobody undoes what somebody else has just done.
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=16)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].choices = choices()  # type: ignore[attr-defined]


class ChangeRoles(MemberVerb):
    resource = "roles"
    form_class = RolesForm
    submit = "Change roles"
    heading = "Roles of {who}"

    @staticmethod
    def is_offered(page: OfMember) -> bool:
        return page.allows("write", "roles") and not page.is_oneself

    def consequences(self) -> Sequence[str]:
        if self.membership.vouched_until is None:
            return ("The roles hold from the next request on.",)
        return ("Your organization's sign-in gives the person their roles anew, each time they sign in.",)

    def get_initial(self) -> dict[str, Any]:
        held = roles.book().of(self.principal)
        return {"roles": held, "seen": versions.version(held)}

    def carry_out(self, **wanted: Any) -> list[str]:
        return roles.book().assign(
            self.principal,
            roles=wanted["roles"],
            actor=self.actor,
            verb="roles.assign",
            seen=[wanted["seen"]] if wanted["seen"] else [],
        )

    def said(self, result: list[str]) -> str:
        return f"{self.who} has {', '.join(named(result, roles.book().names())) or 'no role any more'}."


class AddOwner(MemberVerb):
    submit = "Make an owner"
    heading = "Make {who} an owner"
    needs_recent_authentication = True

    @staticmethod
    def is_offered(page: OfMember) -> bool:
        return MemberVerb.is_offered(page) and page.is_owners and not page.membership.is_owner

    def consequences(self) -> Sequence[str]:
        return (
            f"{self.who} becomes an owner beside the others, and an admin.",
            "Owners make and remove owners. The person is told by mail.",
        )

    def carry_out(self, **wanted: Any) -> Membership:
        return members.add_owner(context.current(), self.membership.user, actor=self.actor)

    def said(self, result: Membership) -> str:
        return f"{self.who} is an owner."


class TransferOwnership(MemberVerb):
    submit = "Transfer ownership"
    heading = "Transfer ownership to {who}"
    danger = True
    needs_recent_authentication = True

    @staticmethod
    def is_offered(page: OfMember) -> bool:
        return MemberVerb.is_offered(page) and page.is_owners

    def consequences(self) -> Sequence[str]:
        return (
            f"{self.who} becomes an owner and an admin, and is told by mail.",
            "You are no owner any more, and only an owner can make you one again.",
            "You keep your roles, which the new owner may change.",
        )

    def carry_out(self, **wanted: Any) -> Membership:
        return members.transfer_ownership(context.current(), to=self.membership.user, actor=self.actor)

    def said(self, result: Membership) -> str:
        return f"{self.who} is an owner in your place."


class SignOut(MemberVerb):
    submit = "Sign out"
    heading = "Sign {who} out"
    danger = True

    def consequences(self) -> Sequence[str]:
        return (
            f"The sessions of {self.who} in this organization end at once, and so do their API tokens.",
            "They stay a member, and may sign in again.",
        )

    def carry_out(self, **wanted: Any) -> None:
        members.sign_out(context.current(), self.membership.user, actor=self.actor)

    def said(self, result: None) -> str:
        return f"{self.who} is signed out."


class Remove(MemberVerb):
    submit = "Remove"
    heading = "Remove {who}"
    danger = True

    @staticmethod
    def is_offered(page: OfMember) -> bool:
        has_roles = bool(roles.book().of(page.principal))
        return (
            MemberVerb.is_offered(page)
            and (page.is_owners or not page.membership.is_owner)
            and (not has_roles or page.allows("write", "roles"))
        )

    def consequences(self) -> Sequence[str]:
        return (
            f"{self.who} is out from the next request on, and is told by mail.",
            "Their roles and API tokens in this organization end, and so do the invitations that they sent.",
        )

    def carry_out(self, **wanted: Any) -> None:
        members.remove(context.current(), self.membership.user, actor=self.actor)

    def said(self, result: None) -> str:
        return f"{self.who} is no member any more."

    def after(self) -> str:
        return reverse(self.place)


# What the page of a member offers, by its route.
VERBS: dict[str, type[MemberVerb]] = {
    "member-roles": ChangeRoles,
    "member-owner": AddOwner,
    "member-transfer": TransferOwnership,
    "member-sign-out": SignOut,
    "member-remove": Remove,
}


def choices() -> list[tuple[str, str]]:
    return list(roles.book().names().items())


def named(held: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """The names of the roles; the id of one that is not any more."""
    return [names.get(one, one) for one in held]
