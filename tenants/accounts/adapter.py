"""Where django-allauth asks Pulse: who the client is, where a person goes next, how mails are sent."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from pulse import recent
from pulse.clients import address_of
from tenants.accounts import attempts, history, letters
from tenants.models import User

# What each of allauth's mails calls the link in it.
LINKS = ("activate_url", "password_reset_url")


class Adapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": "Too many attempts. Try again later, or have a link mailed to you "
        "by “Forgot your password?”."
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People sign up by `tenants.signups` alone."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Zeroes where a server passes none on, as one on a Unix socket does not."""
        return address_of(request) or "::"

    def is_safe_url(self, url: str) -> bool:
        """An address of this host alone: there is no other to which a sign-in could lead."""
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Operators go to their pages, everybody else to their account."""
        return reverse("admin:index" if request.user.is_staff else "account_home")

    def get_reset_password_from_key_url(self, key: str) -> str:
        uid, _, secret = key.partition("-")
        return letters.address_of(reverse("account_reset_password_from_key", args=(uid, secret)))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return letters.address_of(reverse("account_confirm_email", args=(emailconfirmation.key,)))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        if not attempts.admit(request, str(credentials.get("email", ""))):
            raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        found = User.objects.filter(email=str(credentials.get("email", "")).lower())
        user = found.only("public_id").first()
        if user is not None:
            found.exists()  # For an address that nobody has, allauth has asked once more already.
        history.failed(request, user)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """What changes an account asks for the same as a sensitive verb does."""
        return not recent.holds(self.request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        link = next((context[name] for name in LINKS if name in context), "")
        letters.post(template_prefix, email, link=link, **context)
