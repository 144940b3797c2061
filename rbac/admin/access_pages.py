"""An organization's roles, and the changes of them, as an operator reads them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet
from unfold.enums import ActionVariant

from pulse.admin import actors, lists
from pulse.admin.pages import Button
from rbac import roles
from rbac.admin import differences, principals
from rbac.admin.within import AccessPage
from rbac.models import Assignment, Change, Role

# How many of those who have a role its page names.
NAMED = 50


class Roles(AccessPage):
    title = "Roles"
    template_name = "rbac/admin/roles.html"

    def buttons(self) -> Sequence[Button]:
        adding = Button("Add role", self.path_of("add_role"), "add", ActionVariant.PRIMARY, dialog=False)
        return (*self.export_buttons("roles"), adding)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        words = self.request.GET.get("q", "").strip()
        found = lists.cut(self.request, matching_roles(words).prefetch_related("permissions"))
        return super().get_context_data(words=words, **found, **kwargs)


def matching_roles(words: str) -> QuerySet[Role]:
    counted = Role.objects.annotate(held=Count("assignments")).order_by("-priority", "id")
    return counted.filter(Q(id__icontains=words) | Q(name__icontains=words)) if words else counted


class RoleDetail(AccessPage):
    template_name = "rbac/admin/role.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        role = roles.find(self.kwargs["role_id"])
        self.role = role
        held = Assignment.objects.filter(role=role).order_by("principal_id")
        named = principals.named(held.values_list("principal_id", flat=True)[:NAMED], self.subject.id)
        return super().get_context_data(
            title=role.name,
            role=role,
            permissions=roles.document(role)["permissions"],
            holders=named,
            holders_count=held.count(),
            children=role.children.all(),
            **kwargs,
        )

    def buttons(self) -> Sequence[Button]:
        address = self.kwargs["role_id"]
        copy = Button("Copy", self.path_of("copy_role", address), "content_copy")
        if self.role.built_in:
            return (copy,)
        return (
            Button("Change", self.path_of("change_role", address), "edit", dialog=False),
            copy,
            Button("Delete", self.path_of("delete_role", address), "delete", ActionVariant.DANGER),
        )


class Changes(AccessPage):
    title = "Changes"
    part = "Changes"
    template_name = "rbac/admin/changes.html"

    def buttons(self) -> Sequence[Button]:
        return self.export_buttons("changes")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wanted = {name: self.request.GET.get(name, "").strip() for name in ("verb", "subject")}
        found = lists.cut(self.request, matching_changes(wanted))
        page = list(found["page"].object_list)
        mentioned = [*(one.actor for one in page), *(one.subject for one in page)]
        names = actors.names_of(mentioned)
        return super().get_context_data(
            changes=[_told(change, names) for change in page],
            verbs=Change.objects.order_by("verb").values_list("verb", flat=True).distinct(),
            wanted=wanted,
            **found,
            **kwargs,
        )


def matching_changes(wanted: dict[str, str]) -> QuerySet[Change]:
    return Change.objects.filter(**{name: value for name, value in wanted.items() if value})


def _told(change: Change, names: dict[str, str]) -> dict[str, Any]:
    return {
        "verb": change.verb,
        "at": change.at,
        "actor": names.get(change.actor, change.actor),
        "subject": names.get(change.subject, change.subject),
        "differences": differences.of_change(change),
    }
