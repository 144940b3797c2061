"""The lists of an organization's access as files, with the filters of the moment."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse

from pulse import list_exports
from pulse.admin.exporting import Download, as_file
from rbac import databases
from rbac.admin import access_pages, people_pages, principals
from rbac.admin.within import AccessForm
from rbac.models import Assignment
from tenants import context


@dataclass(frozen=True, slots=True)
class Listed:
    """`page` is what shows it; `rows` is given the organization's id and what its filters say."""

    page: str
    fields: Sequence[str]
    rows: Callable[[str, dict[str, str]], QuerySet[Any]]


def _roles(organization_id: str, asked: dict[str, str]) -> QuerySet[Any]:
    return access_pages.matching_roles(asked.get("q", "").strip())


def _people(organization_id: str, asked: dict[str, str]) -> QuerySet[Any]:
    words, role = asked.get("q", "").strip(), asked.get("role", "").strip()
    found = people_pages.matching(principals.id_of(words, organization_id), role)
    return Assignment.objects.filter(principal__in=found.order_by()).order_by("principal", "role")


def _changes(organization_id: str, asked: dict[str, str]) -> QuerySet[Any]:
    return access_pages.matching_changes({name: asked.get(name, "").strip() for name in ("verb", "subject")})


LISTS = {
    "roles": Listed(
        "access", ("id", "name", "description", "parent", "built_in", "priority", "held"), _roles
    ),
    "people": Listed("access_people", ("principal", "principal__display_name", "role"), _people),
    "changes": Listed("access_changes", ("at", "actor", "verb", "subject", "before", "after"), _changes),
}


class ExportAccess(AccessForm, Download):
    """Takes both permissions: to see the organization's access, and to export lists."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not self.actor.may(list_exports.PERMISSION):
            raise PermissionDenied
        if kwargs["name"] not in LISTS:
            raise Http404
        self.listed = LISTS[kwargs["name"]]
        self.page, self.fields = self.listed.page, self.listed.fields
        self.title = f"Export {kwargs['name']}"
        return super().dispatch(request, *args, **kwargs)

    def carry_out(self, *, kind: str) -> StreamingHttpResponse:
        name, asked = self.kwargs["name"], self.request.GET.dict()
        pieces: Iterator[str] = list_exports.exported(
            self.listed.rows(self.subject.id, asked),
            self.fields,
            name=f"rbac.{name}",
            kind=kind,
            filters=asked,
            actor=self.actor,
            organization=self.subject.id,
        )
        return as_file(_within(self.subject.id, pieces), name=f"{self.subject.id}-{name}", kind=kind)


def _within(organization_id: str, pieces: Iterator[str]) -> Iterator[str]:
    """The pieces, read while the organization is current: the page is left before the first is sent."""
    with context.organization(organization_id), databases.using(organization_id):
        yield from pieces
