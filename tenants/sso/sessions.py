"""That a session was opened by an organization's identity provider, and so reaches nothing else."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from pulse.problems import respond
from tenants.sso import errors

SESSION_KEY = "sso_organization"

View = Callable[..., HttpResponseBase]


def organization_of(request: HttpRequest) -> str | None:
    """To which organization the session is confined; None for one that a password has opened."""
    found: str | None = request.session.get(SESSION_KEY)
    return found


@receiver(user_logged_in)
def confine(request: HttpRequest, **more: Any) -> None:
    """As the sign-in is whole: after a second factor, where the person has one."""
    if SESSION_KEY in more:
        request.session[SESSION_KEY] = more[SESSION_KEY]


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
            return HttpResponseRedirect(reverse("sso_start", args=(organization_id,)))
        return view(request, *args, **kwargs)

    return wrapped
