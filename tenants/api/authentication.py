"""Hands over to DRF whom the gate has identified; nothing is resolved twice."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from tenants.models import ApiToken, User


class GateAuthentication(BaseAuthentication):
    """The token's user, or the session's: the latter with Django's CSRF check for unsafe methods."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken | None] | None:
        underlying = request._request
        token = getattr(underlying, "token", None)
        user = underlying.user
        if isinstance(user, AnonymousUser) or not user.is_active:
            return None
        if token is None:
            self._enforce_csrf(underlying)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _enforce_csrf(self, request: Any) -> None:
        check = CSRFCheck(lambda request: None)  # type: ignore[arg-type, return-value]
        check.process_request(request)
        reason = check.process_view(request, None, (), {})
        if reason:
            raise PermissionDenied(f"CSRF: {reason}")
