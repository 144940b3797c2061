"""The forms that make, change, copy and delete a role of an organization."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from pulse.admin.forms import text_input
from pulse.admin.seen import SeenForm, SeenView
from pulse.models import AuditEvent
from pulse.problems import Problem
from rbac import errors, roles
from rbac.admin.role_fields import NewRoleForm, RoleForm, as_rows, as_typed
from rbac.admin.within import AccessForm
from rbac.drafts import LONGEST_NAME
from rbac.models import Role


class RoleView(AccessForm):
    """A form with a row for each permission: a page of its own, because a dialog is too narrow."""

    template_name = "rbac/admin/role_form.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "more_rows" not in request.POST:
            return super().post(request, *args, **kwargs)
        form_class = self.get_form_class()
        form = form_class(initial=as_typed(request.POST, form_class))
        return self.render_to_response(self.get_context_data(form=form))

    def form_valid(self, form: Any) -> Any:
        # The draft in the place of the fields that it is made from.
        wanted = {name: form.cleaned_data[name] for name in ("id", "seen") if name in form.cleaned_data}
        form.cleaned_data = wanted | {"draft": form.draft()}
        return super().form_valid(form)

    def blame(self, form: Any, problem: Problem) -> None:
        if not form.blame(problem):
            super().blame(form, problem)


class AddRole(RoleView):
    title = "Add role"
    submit = "Add role"
    form_class = NewRoleForm
    fields_of = {"role_exists": "id"}

    def carry_out(self, *, id: str, draft: Any, seen: str) -> Role:  # noqa: A002 - the field's name
        return roles.create(id, draft, actor=self.actor)

    def finish(self, result: Role) -> HttpResponse:
        return self.leave(self.path_of("role", result.id), f"The role {result.id} is made.")


class AboutRole(AccessForm):
    """A form about the role that the address names."""

    def back(self) -> str:
        return self.path_of("role", self.kwargs["role_id"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        title = f"{self.submit} {self.kwargs['role_id']}"
        return super().get_context_data(**{"title": title, **kwargs})

    def present(self) -> dict[str, Any]:
        return roles.document(roles.find(self.kwargs["role_id"]))

    def history(self) -> QuerySet[AuditEvent]:
        return self.changes_of(self.kwargs["role_id"])


class ChangeRole(AboutRole, RoleView, SeenView):
    submit = "Change"
    form_class = RoleForm
    fields_of = {"role_cycle": "parent", "self_assignment": "name"}

    def refusal(self) -> str:
        return errors.RoleBuiltIn.detail if self.present()["built_in"] else ""

    def initial_of(self, present: dict[str, Any]) -> dict[str, Any]:
        return present | {"permissions": as_rows(present["permissions"])}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = self.present() if self.is_stale else None
        return super().get_context_data(now=now, **kwargs)

    def carry_out(self, *, draft: Any, seen: str) -> Role:
        return roles.change(self.kwargs["role_id"], draft, actor=self.actor, seen=[seen])

    def finish(self, result: Role) -> HttpResponse:
        return self.leave(self.back(), f"The role {result.id} is changed.")


class CopyForm(forms.Form):
    to = forms.CharField(
        label="The copy's id",
        max_length=64,
        widget=text_input(autocomplete="off", autofocus=""),
        help_text="1 to 64 of a-z, 0-9, _ and -.",
    )
    name = forms.CharField(label="Its name", max_length=LONGEST_NAME, widget=text_input())


class CopyRole(AboutRole):
    submit = "Copy"
    form_class = CopyForm
    fields_of = {"role_exists": "to", "invalid_role": "to"}

    def consequences(self) -> Sequence[str]:
        return ("A new role that says what this one says; nobody has it yet.",)

    def carry_out(self, *, to: str, name: str) -> Role:
        return roles.copy(self.kwargs["role_id"], to=to, name=name, actor=self.actor)

    def finish(self, result: Role) -> HttpResponse:
        return self.leave(self.path_of("role", result.id), f"The role {result.id} is made.")


class DeleteRole(AboutRole, SeenView):
    submit = "Delete"
    danger = True
    form_class = SeenForm
    template_name = "rbac/admin/delete_role.html"

    def refusal(self) -> str:
        role = roles.find(self.kwargs["role_id"])
        if role.built_in:
            return errors.RoleBuiltIn.detail
        try:
            roles.check_unused(role)
        except errors.RoleInUse as refused:
            return _who(refused)
        return ""

    def consequences(self) -> Sequence[str]:
        return ("Nobody has it, and no role inherits from it. What it said stays in the changelog.",)

    def blame(self, form: forms.Form, problem: Problem) -> None:
        if isinstance(problem, errors.RoleInUse):
            form.add_error(None, _who(problem))
        else:
            super().blame(form, problem)

    def carry_out(self, *, seen: str) -> None:
        roles.delete(self.kwargs["role_id"], actor=self.actor, seen=[seen])

    def finish(self, result: None) -> HttpResponse:
        return self.leave(self.path_of("access"), f"The role {self.kwargs['role_id']} is deleted.")


def _who(refused: errors.RoleInUse) -> str:
    """The refusal, with who stands in the way."""
    having, inheriting = refused.extra["principals"], refused.extra["children"]
    told = [refused.detail]
    if having:
        told.append(f"It is assigned to {', '.join(having)}.")
    if inheriting:
        told.append(f"From it inherits {', '.join(inheriting)}.")
    return " ".join(told)
