"""How operators come in: through the sign-in of their account."""

# They register pages for their models, which are taken away here.
import allauth.account.admin
import allauth.mfa.admin
import allauth.socialaccount.admin
import allauth.usersessions.admin  # noqa: F401
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from tenants.accounts import factors
from tenants.sso import sessions


def sign_in(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """What the admin asks of whom it does not let in."""
    wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
    if not url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        wanted = reverse("admin:index")
    if request.user.is_anonymous:
        return redirect_to_login(wanted)
    if not _is_operator(request):
        raise PermissionDenied
    if factors.is_missing(request.user):
        messages.warning(request, "Operators need a second factor. Add one, and you are let in.")
        return HttpResponseRedirect(reverse("mfa_index"))
    return HttpResponseRedirect(wanted)


def lets_in(request: HttpRequest) -> bool:
    return _is_operator(request) and not factors.is_missing(request.user)  # type: ignore[arg-type]


def change_password(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """In the account, where it is told and recorded."""
    return HttpResponseRedirect(reverse("account_change_password"))


def _is_operator(request: HttpRequest) -> bool:
    """Never by an organization's sign-in, whoever it says is there."""
    return _has_permission(request) and sessions.organization_of(request) is None


_has_permission = admin.site.has_permission
admin.site.login = sign_in  # type: ignore[method-assign]
admin.site.password_change = change_password  # type: ignore[assignment, method-assign]
admin.site.has_permission = lets_in  # type: ignore[method-assign]

# People change these themselves, and operators by verbs; those of socialaccount stay empty.
for model in (EmailAddress, Authenticator, UserSession, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)
