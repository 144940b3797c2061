"""People: operators and members, what they may do, and the forms that change it."""

from collections.abc import Sequence
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from pulse.actors import Actor, from_request
from pulse.admin import actors, moments
from pulse.admin.filters import BoundedCount, BoundedPaginator, YesNoFilter, beginning_with
from pulse.admin.forms import OptionalReasonForm, ReasonForm, text_input
from pulse.admin.pages import Button, ReadOnlyAdmin, VerbView
from pulse.admin.seen import SeenForm, SeenView
from pulse.models import AuditEvent
from tenants import people
from tenants.accounts.factors import FACTORS
from tenants.models import Membership, User

KINDS = {"superuser": "danger", "operator": "info", "member": "default"}


class GroupsField(forms.MultipleChoiceField):
    """Offers the groups that the actor may grant, each with what it is for."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget

    def offer(self, actor: Actor, *, held: Sequence[str] = ()) -> None:
        names = [group.name for group in people.grantable_groups(actor)]
        self.choices = [(name, name) for name in dict.fromkeys([*names, *held])]


class OperatorForm(forms.Form):
    email = forms.CharField(label="E-mail", max_length=254, widget=text_input(autofocus="", type="email"))
    groups = GroupsField(
        help_text="support reads; operator runs the lifecycle; billing changes subscriptions; admin does all."
    )


class GroupsForm(SeenForm):
    groups = GroupsField(required=False, help_text="Without any, the person is not an operator.")
    reason = OptionalReasonForm.base_fields["reason"]


class AddOperator(VerbView):
    needs_recent_authentication = True
    permission = "tenants.add_user"
    title = "Add operator"
    submit = "Add operator"
    form_class = OperatorForm
    fields_of = {
        "invalid_email": "email",
        "user_exists": "email",
        "unknown_group": "groups",
        "beyond_yourself": "groups",
    }

    def consequences(self) -> Sequence[str]:
        return ("A password is generated and shown once, on the next page.",)

    def get_form(self, form_class: Any = None) -> forms.Form:
        form: forms.Form = super().get_form(form_class)
        form.fields["groups"].offer(self.actor)  # type: ignore[attr-defined]
        return form

    def carry_out(self, *, email: str, groups: list[str]) -> tuple[User, str]:
        return people.create_operator(email, groups=groups, actor=self.actor)

    def finish(self, result: tuple[User, str]) -> HttpResponse:
        user, password = result
        return self.once(
            "tenants/admin/password.html",
            title=f"{user.email} is an operator",
            person=user,
            password=password,
        )


class PersonView(VerbView):
    """A form about one person."""

    permission = people.CHANGE
    icon = ""
    variant = ActionVariant.DEFAULT
    dialog = True
    form_class: type[forms.Form] = ReasonForm
    fields_of = VerbView.fields_of | {"unknown_group": "groups"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title=f"{self.submit}: {self.subject.email}", **kwargs)


class ChangeGroups(PersonView, SeenView):
    needs_recent_authentication = True
    submit = "Change groups"
    icon = "group_add"
    form_class = GroupsForm

    def present(self) -> list[str]:
        return people.groups_of(self.subject)

    def history(self) -> QuerySet[AuditEvent]:
        user = str(self.subject.public_id)
        return AuditEvent.objects.filter(verb="operator.groups", after__user=user)

    def initial_of(self, present: list[str]) -> dict[str, Any]:
        return {"groups": present}

    def get_form(self, form_class: Any = None) -> forms.Form:
        form: forms.Form = super().get_form(form_class)
        form.fields["groups"].offer(self.actor, held=self.present())  # type: ignore[attr-defined]
        return form

    def carry_out(self, *, groups: list[str], reason: str, seen: str) -> User:
        return people.change_groups(self.subject, groups=groups, actor=self.actor, reason=reason, seen=[seen])

    def finish(self, result: User) -> HttpResponse:
        names = ", ".join(result.groups.values_list("name", flat=True)) or "no group"
        return self.leave(self.back(), f"{result.email} is in {names}.")


class Deactivate(PersonView):
    submit = "Deactivate"
    icon = "person_off"
    variant = ActionVariant.DANGER
    danger = True

    def consequences(self) -> Sequence[str]:
        return (
            "Sessions and API tokens end with the next request.",
            "Memberships, groups and roles stay as they are, for when the person is reactivated.",
        )

    def carry_out(self, *, reason: str) -> User:
        return people.deactivate(self.subject, actor=self.actor, reason=reason)

    def finish(self, result: User) -> HttpResponse:
        return self.leave(self.back(), f"{result.email} is shut out.")


class Reactivate(PersonView):
    submit = "Reactivate"
    icon = "person_check"
    variant = ActionVariant.SUCCESS
    form_class = OptionalReasonForm

    def consequences(self) -> Sequence[str]:
        return ("The password and the API tokens that the person had work again.",)

    def carry_out(self, *, reason: str) -> User:
        return people.reactivate(self.subject, actor=self.actor, reason=reason)

    def finish(self, result: User) -> HttpResponse:
        return self.leave(self.back(), f"{result.email} is let in again.")


class SendResetLink(PersonView):
    submit = "Mail a reset link"
    icon = "lock_reset"
    form_class = OptionalReasonForm

    def consequences(self) -> Sequence[str]:
        return (f"{self.subject.email} gets a link to set a new password. Nobody else sees either.",)

    def carry_out(self, *, reason: str) -> User:
        return people.send_reset_link(self.subject, actor=self.actor, reason=reason)

    def finish(self, result: User) -> HttpResponse:
        return self.leave(self.back(), f"A link to set a new password is on its way to {result.email}.")


class RemoveFactors(PersonView):
    needs_recent_authentication = True
    submit = "Remove second factors"
    icon = "phonelink_erase"
    variant = ActionVariant.DANGER
    danger = True

    def consequences(self) -> Sequence[str]:
        return (
            "From then on the password alone lets this person in. Make sure that it is they who ask.",
            "They are told by mail.",
        )

    def carry_out(self, *, reason: str) -> User:
        return people.remove_factors(self.subject, actor=self.actor, reason=reason)

    def finish(self, result: User) -> HttpResponse:
        return self.leave(self.back(), f"The second factors of {result.email} are removed.")


FORMS: dict[str, type[PersonView]] = {
    "groups": ChangeGroups,
    "reset_link": SendResetLink,
    "remove_factors": RemoveFactors,
    "deactivate": Deactivate,
    "reactivate": Reactivate,
}


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    page_template = "tenants/admin/person.html"
    paginator = BoundedPaginator
    list_display = ("who", "kind", "in_groups", "belongs", "active", "seen")
    list_filter = (
        ("is_staff", YesNoFilter),
        ("is_active", YesNoFilter),
        ("groups", RelatedDropdownFilter),
    )
    export_fields = ("public_id", "email", "name", "is_staff", "is_active", "date_joined", "last_login")
    search_fields = ("email",)
    search_help_text = "The beginning of an e-mail address, or a public id"
    ordering = ("email",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        pages = [
            path(
                f"<int:object_id>/{name}/", view(form.as_view(model_admin=self)), name=f"tenants_user_{name}"
            )
            for name, form in FORMS.items()
        ]
        return [*pages, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("tenants.add_user"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        return AddOperator.as_view(model_admin=self)(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        memberships = Membership.objects.filter(user=OuterRef("pk"))
        return User.objects.annotate(organizations=BoundedCount(memberships)).prefetch_related("groups")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """By an index, because people are many."""
        words = search_term.strip().lower()
        named = actors.uuid_of(words)
        wanted = Q(public_id=named) if named else beginning_with("email", words)
        return (queryset.filter(wanted) if words else queryset), False

    def row_buttons(self, request: HttpRequest, row: User) -> Sequence[Button]:
        actor = from_request(request, door="admin")
        if not actor.may(people.CHANGE) or row.pk == request.user.pk:
            return ()
        offered = ["groups", "reset_link"]
        if is_mfa_enabled(row):
            offered.append("remove_factors")
        offered.append("deactivate" if row.is_active else "reactivate")
        return [
            Button(form.submit, self.path_of(name, row.pk), form.icon, form.variant, form.dialog)
            for name, form in FORMS.items()
            if name in offered
        ]

    def page_context(self, request: HttpRequest, row: User) -> dict[str, Any]:
        return {
            "person": row,
            "kind": self.kind(row),
            "has_factor": is_mfa_enabled(row, FACTORS),
            "kind_colour": KINDS[self.kind(row)],
            "groups": [(group, _what_it_may(group)) for group in row.groups.all()],
            "memberships": row.memberships.select_related("organization").order_by("organization_id"),
            "tokens": row.tokens.all(),
        }

    @display(description="Person", ordering="email")
    def who(self, user: User) -> SafeString | str:
        if not user.name:
            return user.email
        return format_html('{}<br><span class="pulse-subtle">{}</span>', user.email, user.name)

    @display(description="Kind", label=KINDS)
    def kind(self, user: User) -> str:
        if user.is_superuser:
            return "superuser"
        return "operator" if user.is_staff else "member"

    @display(description="Groups")
    def in_groups(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all())) or moments.NOTHING

    @display(description="Organizations")
    def belongs(self, user: User) -> int:
        return int(getattr(user, "organizations", 0))

    @display(description="Active", boolean=True)
    def active(self, user: User) -> bool:
        return user.is_active

    @display(description="Last sign-in (UTC)")
    def seen(self, user: User) -> SafeString | str:
        return moments.short(user.last_login)


def _what_it_may(group: Group) -> list[str]:
    return [one.name.removeprefix("Can ") for one in group.permissions.order_by("name")]
