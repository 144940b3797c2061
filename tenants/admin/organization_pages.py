"""What other apps put on an organization's pages: tabs, and the pages and forms behind them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.views.generic import TemplateView

from pulse.admin.pages import Button, OperatorPage, VerbView
from tenants import organizations
from tenants.models import Organization, Status

ROUTE = "tenants_organization_"


@dataclass(frozen=True, slots=True)
class Page:
    """One address below an organization's, of the route `ROUTE` + `name`.

    With the title `tab` it is a tab, and with the title `action` a form that the palette offers.
    """

    name: str
    address: str
    view: type[OperatorPage]
    tab: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    title: str
    path: str
    active: bool


_pages: list[Page] = []


def register(*pages: Page) -> None:
    """Called by an app's admin module, which Django imports before it reads the addresses."""
    _pages.extend(pages)


def addresses(model_admin: Any) -> list[URLPattern]:
    view = model_admin.admin_site.admin_view
    return [
        path(
            f"<str:object_id>/{page.address}",
            view(page.view.as_view(model_admin=model_admin)),
            name=f"{ROUTE}{page.name}",
        )
        for page in _pages
    ]


def tabs(request: HttpRequest, organization: Organization) -> list[Tab]:
    """The organization's own page, and those that the operator may open; empty where there is no other."""
    if organization.status == Status.PURGED:
        return []
    offered = [(page.tab, page.name) for page in _pages if page.tab and _may_open(request, page)]
    named = [("Overview", "change"), *offered] if offered else []
    paths = ((title, _path_of(name, organization)) for title, name in named)
    return [Tab(title, path, request.path.startswith(path)) for title, path in paths]


def actions(request: HttpRequest, organization: Organization) -> list[tuple[str, str]]:
    """The title and the address of each form of other apps that the operator may open."""
    if organization.status == Status.PURGED:
        return []
    offered = (page for page in _pages if page.action and _may_open(request, page))
    return [(page.action, _path_of(page.name, organization)) for page in offered]


def _path_of(name: str, organization: Organization) -> str:
    return reverse(f"admin:{ROUTE}{name}", args=(organization.pk,))


def _may_open(request: HttpRequest, page: Page) -> bool:
    return bool(request.user.has_perm(page.view.permission))


class AboutOrganization(OperatorPage):
    """A page or form about the organization that the address names, which is not purged."""

    @cached_property
    def subject(self) -> Organization:
        return organizations.living(self.kwargs["object_id"])

    def path_of(self, name: str, *args: Any) -> str:
        """The address of another of the organization's pages, by its name."""
        return str(self.model_admin.path_of(name, self.subject.pk, *args))


class OrganizationPage(AboutOrganization, TemplateView):
    """One that is read; its buttons open forms."""

    def buttons(self) -> Sequence[Button]:
        return ()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = self.model_admin.frame(self.request, self.subject) | {
            "title": self.title,
            "organization": self.subject,
            "actions_detail": list(map(asdict, self.buttons())),
        }
        return super().get_context_data(**context | kwargs)


class OrganizationVerb(AboutOrganization, VerbView):
    """A form that calls a verb, and goes back to the page `page`."""

    page = "change"

    def back(self) -> str:
        return self.path_of(self.page)
