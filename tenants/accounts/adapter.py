"""Where django-allauth asks Pulse: who the client is, where a person goes next, who may sign up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from pulse.clients import address_of


class Adapter(DefaultAccountAdapter):
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
