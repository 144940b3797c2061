"""Every route of the URL table declares what guards it, and the gate believes nothing else."""

import re
from collections import Counter

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, include, path

from pulse import routes, urls
from tests.admin import signed_in
from tests.api import Caller, code

KINDS = set(routes.KINDS)


def undeclared(table: list[routes.Route]) -> list[str]:
    return [where for where, pattern in routes.walk(table) if declared(pattern) not in KINDS]


def declared(pattern: URLPattern) -> str | None:
    return routes.declaration(pattern.callback)


def of_kind(kind: str) -> list[str]:
    return [where for where, pattern in routes.walk(urls.urlpatterns) if declared(pattern) == kind]


def answer(request: HttpRequest, **parts: str) -> HttpResponse:
    return HttpResponse("reached")


def test_every_route_of_the_table_is_declared() -> None:
    assert undeclared(urls.urlpatterns) == []


def test_a_new_route_that_is_not_declared_is_found() -> None:
    assert undeclared([*urls.urlpatterns, path("new", answer)]) == ["new"]


def test_an_undeclared_route_deep_in_an_include_is_found() -> None:
    deep = [path("a/", include([path("b/", include([path("c", answer)]))]))]
    assert undeclared([*urls.urlpatterns, *deep]) == ["a/b/c"]


def test_a_declaration_reaches_every_route_of_an_include() -> None:
    table = routes.hosted(path("a/", include([path("b", answer), path("c", answer)])))
    assert {declared(pattern) for _, pattern in routes.walk(table)} == {routes.HOSTED}


def test_one_view_may_be_declared_differently_at_two_addresses() -> None:
    table = [*routes.hosted(path("a", answer)), *routes.always_on(path("b", answer))]
    assert [declared(pattern) for _, pattern in routes.walk(table)] == [routes.HOSTED, routes.ALWAYS_ON]


@pytest.mark.parametrize("prefix", ["api/public/", "api/admin/", "api/org", "edge/"])
def test_nothing_of_the_hosted_product_is_always_on(prefix: str) -> None:
    assert [where for where in of_kind(routes.ALWAYS_ON) if where.startswith(prefix)] == []


@pytest.mark.parametrize("prefix", ["api/org", "edge/"])
def test_the_tenants_own_routes_all_pass_the_organizations_steps(prefix: str) -> None:
    assert [where for where in of_kind(routes.HOSTED) if where.startswith(prefix)] == []


def test_each_page_of_the_admin_has_a_name_of_its_own() -> None:
    names = Counter(
        pattern.name for where, pattern in routes.walk(urls.urlpatterns) if where.startswith("admin/")
    )
    assert [name for name, times in names.items() if name and times > 1] == []


# The table that the last two tests put in the place of pulse.urls.
urlpatterns = [path("forgotten", answer), *routes.always_on(path("open", answer))]
handler404 = urls.handler404


@pytest.mark.urls("tests.pulse.test_routes")
@pytest.mark.usefixtures("database")
def test_the_gate_guards_an_undeclared_route_as_a_tenants(nobody: Caller) -> None:
    assert code(nobody.get("/forgotten")) == (401, "not_authenticated")
    assert nobody.get("/open").content == b"reached"


@pytest.mark.urls("tests.pulse.test_routes")
@pytest.mark.usefixtures("database")
def test_an_undeclared_route_is_shut_with_the_gate(nobody: Caller, settings) -> None:
    settings.PULSE_HOSTED_MODE = "false"
    assert code(nobody.get("/forgotten")) == (404, "not_found")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("page", ["/account/login/", "/admin/", "/there-is-nothing-here"])
def test_pages_and_the_address_that_browsers_guess_have_the_icon_that_pulse_serves(page: str) -> None:
    operator = signed_in("admin") if page == "/admin/" else Client(headers={"accept": "text/html"})
    icon = re.search(r'<link rel="icon" href="([^"]+)"', operator.get(page).content.decode())[1]
    assert operator.get("/favicon.ico").headers["Location"] == icon
    assert operator.get(icon).headers["Content-Type"] == "image/svg+xml"
