"""How a route declares what guards it: nothing, hosted mode, or the organization's steps too.

Used in `urls.py` around the patterns; `pulse.gate` reads the declaration back from the resolved view.
"""

from collections.abc import Iterator
from functools import partial, update_wrapper
from typing import Any

from django.urls import URLPattern, URLResolver

ALWAYS_ON = "always_on"
OPERATIONS = "operations"
HOSTED = "hosted"
RENEWAL = "renewal"
TENANT = "tenant"
# From the fewest of the gate's steps to all: each passes the steps of those before it.
KINDS = (ALWAYS_ON, OPERATIONS, HOSTED, RENEWAL, TENANT)

Route = URLPattern | URLResolver


def always_on(*routes: Route) -> list[Route]:
    """Routes that answer whatever the gate says: health, the operators' admin, the API's description."""
    return _declare(ALWAYS_ON, routes)


def operations(*routes: Route) -> list[Route]:
    """Operators' routes that answer while hosted mode is shut too: by them one learns why, and opens it."""
    return _declare(OPERATIONS, routes)


def hosted(*routes: Route) -> list[Route]:
    """Routes that exist only while hosted mode is open."""
    return _declare(HOSTED, routes)


def renewal(*routes: Route) -> list[Route]:
    """A tenant's routes by which it can pay, open to those whose subscription has ended too."""
    return _declare(RENEWAL, routes)


def tenant(*routes: Route) -> list[Route]:
    """Hosted routes that also pass the organization's steps of the gate."""
    return _declare(TENANT, routes)


def declaration(view: Any) -> str | None:
    return getattr(view, "pulse_route", None)


def walk(routes: list[Route], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every view of the URL table with its full pattern."""
    for route in routes:
        path = prefix + str(route.pattern)
        if isinstance(route, URLResolver):
            yield from walk(route.url_patterns, path)
        else:
            yield path, route


def _declare(kind: str, routes: tuple[Route, ...]) -> list[Route]:
    for _, pattern in walk(list(routes)):
        # A view of our own, because a bound method takes no attributes.
        view = update_wrapper(partial(pattern.callback), pattern.callback)
        view.pulse_route = kind  # type: ignore[attr-defined]
        pattern.callback = view
    return list(routes)
