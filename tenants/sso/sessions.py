"""That a session was opened by an organization's identity provider, and so reaches nothing else."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, cast

from allauth.account.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from pulse.problems import respond
from tenants.models import Membership
from tenants.sso import errors

SESSION_KEY = "sso_organization"
# In seconds since 1970.
UNTIL_KEY = "sso_until"

View = Callable[..., HttpResponseBase]


def organization_of(request: HttpRequest) -> str | None:
    """To which organization the session is confined; None for one that a password has opened."""
    found: str | None = request.session.get(SESSION_KEY)
    return found


def bounds(membership: Membership) -> dict[str, str | float]:
    """What `confine` is to be told at the end of a sign-in: where the session may go, and until when."""
    until = cast(datetime, membership.vouched_until)
    return {SESSION_KEY: membership.organization_id, UNTIL_KEY: until.timestamp()}


def is_over(request: HttpRequest) -> bool:
    """Whether a confined session's own time is up, wherever else its person has come in since."""
    return time.time() >= float(request.session.get(UNTIL_KEY, 0))


@receiver(user_logged_in)
def confine(request: HttpRequest, **more: Any) -> None:
    """As the sign-in is whole: after a second factor, where the person has one."""
    if SESSION_KEY in more:
        request.session[SESSION_KEY] = more[SESSION_KEY]
        request.session[UNTIL_KEY] = more[UNTIL_KEY]


def keeps_out(view: View) -> View:
    """The view is closed to such sessions: an account may be of other organizations, too."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if organization_of(request) is not None:
            return respond(request, errors.ConfinedSession())
        return view(request, *args, **kwargs)

    return wrapped


def proved_anew_by_provider(view: View) -> View:
    """Such a session confirms who its person is where it came from."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        organization_id = organization_of(request)
        if organization_id is not None:
            address = reverse("sso_confirm", args=(organization_id,))
            return HttpResponseRedirect(f"{address}?{request.GET.urlencode()}")
        return view(request, *args, **kwargs)

    return wrapped
