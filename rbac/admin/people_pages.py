"""Who has which role in an organization, what that lets them do, and the form that changes it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils.functional import cached_property
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from pulse.admin import lists
from pulse.admin.pages import Button
from pulse.admin.seen import SeenForm, SeenView
from pulse.models import AuditEvent
from rbac import assignments, errors
from rbac.admin import principals
from rbac.admin.within import AccessForm, AccessPage, Within
from rbac.models import Assignment, Principal, Role

# Of how many members those without a role are told.
MEMBERS = 200


class People(AccessPage):
    title = "People"
    part = "People"
    template_name = "rbac/admin/people.html"

    def buttons(self) -> Sequence[Button]:
        return self.export_buttons("people")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        words, role = (self.request.GET.get(name, "").strip() for name in ("q", "role"))
        meant = principals.id_of(words, self.subject.id)
        found = lists.cut(self.request, matching(meant, role))
        page = list(found["page"].object_list)
        named = principals.named([one.id for one in page], self.subject.id)
        return super().get_context_data(
            people=[(name, _roles_of(one)) for name, one in zip(named, page, strict=True)],
            words=words,
            meant=meant,
            role=role,
            roles=Role.objects.order_by("id").values_list("id", flat=True),
            idle=() if words or role else principals.without_roles(self.subject.id, limit=MEMBERS),
            **found,
            **kwargs,
        )


def matching(words: str, role: str) -> QuerySet[Principal]:
    found = Principal.objects.order_by("id").prefetch_related("assignments")
    found = found.filter(
        pk__in=Assignment.objects.filter(**({"role": role} if role else {})).values("principal")
    )
    return found.filter(Q(id__icontains=words) | Q(display_name__icontains=words)) if words else found


def _roles_of(principal: Principal) -> list[str]:
    return sorted(one.role_id for one in principal.assignments.all())


class AboutPrincipal(Within):
    """Of the principal that the query names: a public UUID, a product's own id, or a member's e-mail."""

    part = "People"

    @cached_property
    def principal_id(self) -> str:
        words = self.request.GET.get("principal", "").strip()
        principal_id = principals.id_of(words, self.subject.id)
        if not principals.is_well_formed(principal_id):
            raise errors.InvalidPrincipal
        return principal_id

    @cached_property
    def named(self) -> principals.Named:
        return principals.named([self.principal_id], self.subject.id)[0]

    def path_to(self, page: str) -> str:
        return f"{self.path_of(page)}?{urlencode({'principal': self.principal_id})}"


class Person(AboutPrincipal, AccessPage):
    template_name = "rbac/admin/person_access.html"

    def buttons(self) -> Sequence[Button]:
        return (Button("Change roles", self.path_to("assign"), "manage_accounts", ActionVariant.PRIMARY),)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            title=self.named.name,
            person=self.named,
            assigned=assignments.of_principal(self.principal_id),
            effective=assignments.effective(self.principal_id),
            **kwargs,
        )


class AssignForm(SeenForm):
    roles = forms.MultipleChoiceField(
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="The whole list: what is not checked is taken away.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = Role.objects.order_by("id").values_list("id", "name")
        choices = [(one, f"{name} ({one})") for one, name in known]
        self.fields["roles"].choices = choices  # type: ignore[attr-defined]


class Assign(AboutPrincipal, AccessForm, SeenView):
    submit = "Change roles"
    form_class = AssignForm
    template_name = "rbac/admin/assign.html"
    fields_of = {"unknown_roles": "roles", "self_assignment": "roles"}

    def back(self) -> str:
        return self.path_to("person")

    def refusal(self) -> str:
        return errors.SelfAssignment.detail if self.actor.name == self.principal_id else ""

    def consequences(self) -> Sequence[str]:
        return ("It holds from the next check on, in every process.",)

    def present(self) -> list[str]:
        return assignments.of_principal(self.principal_id)

    def history(self) -> QuerySet[AuditEvent]:
        return self.changes_of(self.principal_id)

    def initial_of(self, present: list[str]) -> dict[str, Any]:
        return {"roles": present}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = self.present() if self.is_stale else None
        return super().get_context_data(title=f"Roles of {self.named.name}", now=now, **kwargs)

    def carry_out(self, *, roles: list[str], seen: str) -> list[str]:
        return assignments.assign(self.principal_id, roles=roles, actor=self.actor, seen=[seen])

    def finish(self, result: list[str]) -> HttpResponse:
        return self.leave(self.back(), f"{self.named.name} has {', '.join(result) or 'no role'}.")
