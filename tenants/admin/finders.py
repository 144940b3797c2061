"""What the palette finds of tenants: organizations with their pages and actions, people, tokens."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from pulse.admin.filters import beginning_with
from pulse.admin.palette import Found, register
from tenants.admin import organization_pages
from tenants.models import ApiToken, Organization, User

MOST = 8


def _organizations(request: HttpRequest, words: str) -> Iterator[Found]:
    """By its id, its name or an owner's e-mail address; `suspend acme` names an action of one."""
    action, _, name = words.lower().rpartition(" ")
    for organization in Organization.objects.named(name):
        if not action:
            yield _organization(organization)
        yield from _of_organization(request, organization, action)
    for organization in islice(_matching(words), MOST):
        if organization.id != name:
            yield _organization(organization)


def _matching(words: str) -> Iterator[Organization]:
    """First those that an index finds."""
    organizations = Organization.objects.living().customers()
    owned = organizations.filter(
        beginning_with("memberships__user__email", words.lower()), memberships__is_owner=True
    )
    yield from organizations.filter(beginning_with("id", words.lower())).order_by("id")[:MOST]
    yield from owned.order_by("memberships__user__email")[:MOST]
    yield from organizations.filter(display_name__icontains=words).order_by("id")[:MOST]


def _organization(organization: Organization) -> Found:
    called = organization.display_name or organization.id
    page = reverse("admin:tenants_organization_change", args=(organization.pk,))
    return Found(called, f"Organization {organization.id}, {organization.status}", page, "apartment")


def _of_organization(request: HttpRequest, organization: Organization, action: str) -> Iterator[Found]:
    """Its other pages and what can be done there, of which each operator has their own."""
    model_admin: Any = admin.site.get_model_admin(Organization)
    offered = [
        *((tab.title, tab.path, "tab") for tab in organization_pages.tabs(request, organization)[1:]),
        *((*one, "bolt") for one in organization_pages.actions(request, organization)),
        *((one.title, one.path, one.icon) for one in model_admin.row_buttons(request, organization)),
    ]
    for title, path, icon in offered:
        if title.lower().startswith(action):
            yield Found(f"{title}: {organization.id}", "Organization", path, icon)


def _people(request: HttpRequest, words: str) -> Iterator[Found]:
    found: QuerySet[User] = User.objects.filter(beginning_with("email", words.lower())).order_by("email")
    for user in found[:MOST]:
        page = reverse("admin:tenants_user_change", args=(user.pk,))
        yield Found(user.email, "Operator" if user.is_staff else "Person", page, "person")


def _tokens(request: HttpRequest, words: str) -> Iterator[Found]:
    """By its beginning; more of it is not looked at, should somebody paste the whole of a token."""
    length = ApiToken._meta.get_field("prefix").max_length
    for token in ApiToken.objects.filter(prefix=words[:length]).select_related("user")[:MOST]:
        page = reverse("admin:tenants_apitoken_change", args=(token.pk,))
        yield Found(str(token), f"API token of {token.user.email}", page, "key")


register("tenants.view_organization", _organizations)
register("tenants.view_user", _people)
register("tenants.view_apitoken", _tokens)
