"""What the pages of an organization's access share: they work within it, and their look is audited."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from pulse import list_exports
from pulse.admin.pages import Button
from pulse.models import AuditEvent
from pulse.problems import Problem
from rbac import errors, looks
from tenants import context
from tenants.admin.organization_pages import AboutOrganization, OrganizationPage, OrganizationVerb, Tab

PERMISSION = "tenants.manage_access"
CARE = "tenants.care_for_databases"
# By the view that is open.
PARTS = {"Roles": "access", "People": "access_people", "Changes": "access_changes"}


class Within(AboutOrganization):
    """With the organization current, through the router that its own people's requests take."""

    permission = PERMISSION
    part = "Roles"

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        looks.record(self.subject.id, actor=self.actor)
        with context.organization(self.subject.id):
            return super().answer(request, *args, **kwargs)

    def refuse(self, problem: Problem) -> HttpResponse:
        return self.unusable(problem) if isinstance(problem, errors.Unusable) else super().refuse(problem)

    def unusable(self, problem: errors.Unusable) -> HttpResponse:
        """What is wrong with the database and what helps, in place of the page."""
        if self.request.headers.get("HX-Request"):
            # htmx shows no refusal in a dialog: the page that it leads to will say the same.
            return HttpResponse(status=204, headers={"HX-Redirect": self.path_of("access")})
        shown = self.model_admin.frame(self.request, self.subject) | {
            "title": "Access",
            "actions_detail": (),
            "problem": problem.as_json(),
            "may_care": self.actor.may(CARE),
            "database": self.path_of("database"),
        }
        response = TemplateResponse(
            self.request,
            "rbac/admin/unusable.html",
            shown,
            status=problem.status,
            headers=dict(problem.headers),
        )
        return response.render()

    def changes_of(self, subject: str) -> QuerySet[AuditEvent]:
        """The audit events of changes of the role or the principal."""
        events = AuditEvent.objects.filter(organization=self.subject.id, verb__startswith="roles.")
        return events.filter(after__subject=subject)

    def subtabs(self) -> Sequence[Tab]:
        return [Tab(title, self.path_of(name), title == self.part) for title, name in PARTS.items()]


class AccessPage(Within, OrganizationPage):
    def export_buttons(self, name: str) -> Sequence[Button]:
        """That of the list as a file, with the filters of the moment."""
        if not self.actor.may(list_exports.PERMISSION):
            return ()
        path = f"{self.path_of('export_access', name)}?{self.request.GET.urlencode()}"
        return (Button("Export", path, "download"),)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(subtabs=self.subtabs(), **kwargs)


class AccessForm(Within, OrganizationVerb):
    page = "access"
