"""The addresses of people's own accounts, open whatever the gate says: operators sign in here, too.

django-allauth's own table is not included, because it would bring its sign-up along.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.mfa import urls as mfa
from allauth.usersessions import views as sessions
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path

from pulse.routes import walk
from tenants.accounts import invitation_pages, signup_pages, views
from tenants.sso import pages as sso_pages
from tenants.sso.sessions import keeps_out, proved_anew_by_provider

View = Callable[..., HttpResponseBase]
# A person's own second factor is asked for after their organization's sign-in, too.
STEPS_OF_SIGN_IN = frozenset({"mfa_authenticate", "mfa_trust"})


def whole(view: View) -> View:
    """A change, its audit event and its mails in one transaction, which allauth has none of."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return wrapped


hosted: list[URLPattern | URLResolver] = [
    path("signup", signup_pages.SignupPage.as_view(), name="account_signup"),
    path("signup/<str:token>", signup_pages.FinishPage.as_view(), name="signup_finish"),
    path("invitation/<str:token>", keeps_out(invitation_pages.InvitationPage.as_view()), name="invitation"),
    path("account/sso/", sso_pages.Find.as_view(), name="sso"),
    path("account/sso/<str:organization_id>/", sso_pages.Start.as_view(), name="sso_start"),
    path("account/sso/<str:organization_id>/confirm/", sso_pages.Confirm.as_view(), name="sso_confirm"),
    path("account/sso/<str:organization_id>/callback/", sso_pages.Callback.as_view(), name="sso_callback"),
    path("organization", invitation_pages.SwitchPage.as_view(), name="switch_organization"),
]

always_on: list[URLPattern | URLResolver] = [
    path("", views.Home.as_view(), name="account_home"),
    path("login/", views.SignIn.as_view(), name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", proved_anew_by_provider(account.reauthenticate), name="account_reauthenticate"),
    path("email/", keeps_out(whole(account.email)), name="account_email"),
    path("confirm-email/", account.email_verification_sent, name="account_email_verification_sent"),
    path("confirm-email/<str:key>/", whole(account.confirm_email), name="account_confirm_email"),
    path("password/change/", keeps_out(whole(account.password_change)), name="account_change_password"),
    path("password/set/", keeps_out(whole(account.password_set)), name="account_set_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        whole(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path("sessions/", keeps_out(sessions.list_usersessions), name="usersessions_list"),
    path("2fa/webauthn/login/", whole(views.PasskeySignIn.as_view()), name="mfa_login_webauthn"),
    path("2fa/", include(mfa)),
]

for _, pattern in walk(mfa.urlpatterns):
    guarded = whole(pattern.callback)
    pattern.callback = guarded if pattern.name in STEPS_OF_SIGN_IN else keeps_out(guarded)
