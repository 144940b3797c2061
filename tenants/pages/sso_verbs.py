"""What is done about an organization's single sign-on: each verb is a page that says what it will do."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property

from tenants import context, members, roles
from tenants.models import Membership, User
from tenants.pages.page import VerbPage
from tenants.sso import configuration, probe
from tenants.sso.configuration import LONGEST_SECRET, LONGEST_SESSION, SHORTEST_SESSION
from tenants.sso.models import LONGEST_CLAIM, SsoConnection


class SsoVerb(VerbPage):
    """`told` is what the next page says of it."""

    place = "organization:sso"
    resource = "settings"
    told = ""
    warnings: Sequence[str] = ()

    def consequences(self) -> Sequence[str]:
        return self.warnings

    def said(self, result: Any) -> str:
        return self.told


class ConnectionForm(forms.Form):
    issuer = forms.CharField(
        max_length=500, help_text="As the provider says it, with or without a slash at its end."
    )
    client_id = forms.CharField(label="Client id", max_length=255)
    client_secret = forms.CharField(
        max_length=LONGEST_SECRET,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept encrypted and never shown. Empty: the present one stays, for the same issuer.",
    )
    groups_claim = forms.CharField(label="Claim that names the groups", max_length=64)
    session_minutes = forms.IntegerField(
        label="Minutes that a sign-in lasts",
        min_value=SHORTEST_SESSION,
        max_value=LONGEST_SESSION,
        help_text="Whoever the provider lets in no more is out after this time at the latest.",
    )


class Configure(SsoVerb):
    form_class = ConnectionForm
    submit = "Save"
    told = "The provider is named. Test it before you enable it."
    needs_recent_authentication = True
    fields_of = {"invalid_sso_connection": "issuer", "sso_secret_needed": "client_secret"}

    def title(self) -> str:
        return "Identity provider"

    def consequences(self) -> Sequence[str]:
        return ("With another issuer or client, people are found anew by their e-mail addresses.",)

    def get_initial(self) -> dict[str, Any]:
        shown = ("issuer", "client_id", "groups_claim", "session_minutes")
        found = SsoConnection.objects.filter(organization=context.current()).values(*shown).first()
        return found or {"groups_claim": "groups", "session_minutes": 480}

    def carry_out(self, **wanted: Any) -> SsoConnection:
        return configuration.configure(context.current(), actor=self.actor, **wanted)


class Test(SsoVerb):
    submit = "Test"
    warnings = ("Your provider is asked how it is used and for its keys. Nothing is changed.",)

    def title(self) -> str:
        return "Test the provider"

    def carry_out(self, **wanted: Any) -> list[probe.Check]:
        return probe.probe(context.current(), actor=self.actor)

    def finish(self, result: list[probe.Check]) -> HttpResponse:
        shown = self.get_context_data(checks=result, passed=not any(check.refusal for check in result))
        return self.response_class(self.request, "organization/sso_test.html", shown)


class Remove(SsoVerb):
    submit = "Forget the provider"
    danger = True
    told = "The provider is forgotten."
    needs_recent_authentication = True
    warnings = (
        "Its secret, its groups and who is who there are gone. Your domains stay.",
        "Members come in by password. Whom the provider has ceased to vouch for is released one by one.",
    )

    def carry_out(self, **wanted: Any) -> None:
        configuration.remove(context.current(), actor=self.actor)


class GroupForm(forms.Form):
    group = forms.CharField(max_length=LONGEST_CLAIM, help_text="As the provider names it.")
    role = forms.ChoiceField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = sorted(roles.book().names().items())  # type: ignore[attr-defined]


class AddGroup(SsoVerb):
    form_class = GroupForm
    submit = "Give the group the role"
    told = "The group has the role, from each person's next sign-in on."
    needs_recent_authentication = True
    fields_of = {"invalid_sso_groups": "group", "unknown_roles": "role"}

    def carry_out(self, **wanted: Any) -> list[tuple[str, str]]:
        return configuration.add_group(context.current(), actor=self.actor, **wanted)


class PairForm(forms.Form):
    group = forms.CharField(widget=forms.HiddenInput, max_length=LONGEST_CLAIM)
    role = forms.CharField(widget=forms.HiddenInput, max_length=64)


class TakeGroup(SsoVerb):
    """The pair is in the address' query, because a group may have any sign in its name."""

    form_class = PairForm
    submit = "Take the role away"
    danger = True
    told = "The group has the role no more, from each person's next sign-in on."
    needs_recent_authentication = True

    def get_initial(self) -> dict[str, Any]:
        return {name: self.request.GET.get(name, "") for name in ("group", "role")}

    def title(self) -> str:
        shown = self.get_initial()
        return f"Take {shown['role']} from the group {shown['group']}"

    def carry_out(self, **wanted: Any) -> list[tuple[str, str]]:
        return configuration.take_group(context.current(), actor=self.actor, **wanted)


class OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(User.objects.none(), to_field_name="public_id")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners = User.objects.owners_of(context.current())
        self.fields["owner"].queryset = owners.order_by("email")  # type: ignore[attr-defined]


class NameEmergencyOwner(SsoVerb):
    form_class = OwnerForm
    submit = "Name the owner"
    needs_recent_authentication = True
    warnings = (
        "They get in by password whatever the provider does, and never by the provider.",
        "They must be an owner and an admin, and have a password. A second factor is wise.",
    )
    fields_of = {"sso_emergency_owner": "owner"}

    def title(self) -> str:
        return "Owner for emergencies"

    def carry_out(self, **wanted: Any) -> Membership:
        return configuration.name_emergency_owner(context.current(), wanted["owner"], actor=self.actor)

    def said(self, result: Membership) -> str:
        return f"{result.user.email} is the owner for emergencies."


class Enable(SsoVerb):
    submit = "Enable sign-in"
    told = "People sign in by your provider now."
    needs_recent_authentication = True
    warnings = (
        "Whoever your provider puts into one of the groups gets in, with its roles, and takes a seat.",
    )

    def carry_out(self, **wanted: Any) -> SsoConnection:
        return configuration.enable(context.current(), actor=self.actor)


class Disable(SsoVerb):
    submit = "Disable sign-in"
    danger = True
    told = "Nobody signs in by your provider any more."
    needs_recent_authentication = True
    warnings = ("Passwords let in again. Whom the provider vouches for stays in until that time is over.",)

    def carry_out(self, **wanted: Any) -> SsoConnection:
        return configuration.disable(context.current(), actor=self.actor)


class RequireSso(SsoVerb):
    submit = "Let nobody in by password"
    danger = True
    told = "Your provider alone lets people in."
    needs_recent_authentication = True
    warnings = (
        "Everybody who is here by a password is out at their next click, and their tokens work no more.",
        "The owner for emergencies still gets in by password.",
    )

    def carry_out(self, **wanted: Any) -> None:
        configuration.require_sso(context.current(), actor=self.actor)


class AllowPasswords(SsoVerb):
    submit = "Let passwords in"
    told = "Members get in by password, too."
    needs_recent_authentication = True
    warnings = ("But not those whom the provider vouches for, or has ceased to.",)

    def carry_out(self, **wanted: Any) -> None:
        configuration.allow_passwords(context.current(), actor=self.actor)


class OfVouched(SsoVerb):
    @cached_property
    def user(self) -> User:
        public_id: UUID = self.kwargs["public_id"]
        return get_object_or_404(User, memberships__organization=context.current(), public_id=public_id)


class EndSessions(OfVouched):
    submit = "End their sessions"
    danger = True
    warnings = (
        "Their sessions and tokens in this organization end at once.",
        "They come back by your provider, so take them out of its groups first.",
    )

    def title(self) -> str:
        return f"End the sessions of {self.user.email}"

    def carry_out(self, **wanted: Any) -> None:
        members.sign_out(context.current(), self.user, actor=self.actor)

    def said(self, result: None) -> str:
        return f"{self.user.email} is signed out."


class Release(OfVouched):
    submit = "Let them in by password"
    needs_recent_authentication = True
    warnings = ("Whatever the provider has said of them is forgotten.",)

    def title(self) -> str:
        return f"Release {self.user.email}"

    def carry_out(self, **wanted: Any) -> Membership:
        return configuration.release(context.current(), self.user, actor=self.actor)

    def said(self, result: Membership) -> str:
        return f"{self.user.email} gets in by password."


# By the last part of their address and of their route's name.
VERBS: dict[str, type[SsoVerb]] = {
    "configure": Configure,
    "test": Test,
    "remove": Remove,
    "group-add": AddGroup,
    "group-take": TakeGroup,
    "emergency-owner": NameEmergencyOwner,
    "enable": Enable,
    "disable": Disable,
    "require": RequireSso,
    "allow-passwords": AllowPasswords,
}
