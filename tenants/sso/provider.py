"""The conversation with an identity provider: django-allauth's, on the organization's own connection.

Stricter than allauth's in that an id_token's signature, issuer, audience and nonce are always looked at, that
discovery must name the issuer that was configured, and that the way back never comes from a request's Host.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

import jwt
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from requests import RequestException

from pulse import sealing
from tenants.models import Organization, Status
from tenants.sso import errors, network
from tenants.sso.claims import LONGEST_TOKEN
from tenants.sso.configuration import callback_address
from tenants.sso.models import SsoConnection

# None that is symmetric, whose key the client would share, and never "none".
ALGORITHMS = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
]  # fmt: skip
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]
# How far the provider's clock may be from ours.
LEEWAY_SECONDS = 60
SCOPES = ("openid", "email", "profile")

Said = TypeVar("Said")


def usable(organization_id: str) -> SsoConnection:
    """The connection that people sign in by at present. Raises `NoConnection`."""
    active = Organization.objects.named(organization_id).filter(status=Status.ACTIVE)
    found = SsoConnection.objects.filter(organization__in=active, enabled=True)
    connection = found.select_related("organization").first()
    if connection is None:
        raise errors.NoConnection
    return connection


class SocialAdapter(DefaultSocialAccountAdapter):
    """What allauth asks of Pulse: which apps there are, and how to reach the network."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The one of the organization that is named; nothing lists them all."""
        if provider is None:
            return []
        connection = usable(provider)
        app = SocialApp(
            provider="openid_connect",
            provider_id=provider,
            name=provider,
            client_id=connection.client_id,
            secret=_secret(connection),
            settings={"server_url": connection.issuer.rstrip("/"), "oauth_pkce_enabled": True},
        )
        return [app]

    def get_requests_session(self) -> network.Session:
        return network.Session()


def answering(ask: Callable[..., Said]) -> Callable[..., Said]:
    """Whatever a provider does that it must not is `ProviderFailed`, never an error of Pulse's."""

    @wraps(ask)
    def wrapped(*args: Any, **kwargs: Any) -> Said:
        try:
            return ask(*args, **kwargs)
        except (RequestException, OAuth2Error, ValueError, TypeError, KeyError, AttributeError) as error:
            raise errors.ProviderFailed from error

    return wrapped


class Conversation(OpenIDConnectOAuth2Adapter):
    """One sign-in's, on one connection."""

    def __init__(self, request: HttpRequest, connection: SsoConnection) -> None:
        super().__init__(request, connection.organization_id)
        self.connection = connection

    @property
    def openid_config(self) -> dict[str, Any]:
        """Raises `IssuerMismatch`, `AddressRefused`."""
        found: dict[str, Any] = super().openid_config
        if found.get("issuer") != self.connection.issuer:
            raise errors.IssuerMismatch
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            network.check_address(found[name])
        return found

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return callback_address(self.provider_id)

    def _provider(self) -> OpenIDConnectProvider:
        found: OpenIDConnectProvider = self.get_provider()  # type: ignore[no-untyped-call]
        return found

    def address_to_begin_at(self) -> str:
        """Where the browser goes."""
        return self._address({}, {})

    def address_to_confirm_at(self, page: str) -> str:
        """Where it goes so that a person who is signed in there is asked anew, and from there to `page`.

        By OpenID Connect Core 1.0 (2, 3.1.2.1) `max_age` has the provider say when it has asked.
        """
        return self._address({"prompt": "login", "max_age": "0"}, {"asked_since": time.time(), "page": page})

    @answering
    def _address(self, asking: Mapping[str, str], waiting: Mapping[str, Any]) -> str:
        """What is `waiting`, state, nonce and the code's verifier wait in the session for 10 minutes."""
        provider = self._provider()
        client = self.get_client(self.request, provider.app)
        pkce = provider.get_pkce_params()
        nonce = secrets.token_urlsafe(24)
        state = {**waiting, "pkce_code_verifier": pkce.pop("code_verifier"), "nonce": nonce}
        client.state = statekit.stash_state(
            self.request, provider_id=self.provider_id, state=state, state_id=secrets.token_urlsafe(24)
        )
        parameters = {**asking, **pkce, "nonce": nonce}
        address: str = client.get_redirect_url(self.authorize_url, SCOPES, parameters)
        return address

    def state(self) -> dict[str, Any]:
        """What waited for this answer; it is answered once. Raises `StateUnknown`, `IssuerMismatch`."""
        found: dict[str, Any] | None = statekit.unstash_state(
            self.request, provider_id=self.provider_id, state_id=self.request.GET.get("state", "")
        )
        if found is None:
            raise errors.StateUnknown
        # RFC 9207: so that no other provider's answer is taken for this one's.
        if self.request.GET.get("iss", self.connection.issuer) != self.connection.issuer:
            raise errors.IssuerMismatch
        return found

    @answering
    def id_token(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The claims of the id_token that the code is good for. Raises `TokenRefused`, `ClaimsRefused`."""
        app = self._provider().app
        client = self.get_client(self.request, app)
        answer = self.get_access_token_data(
            self.request, app, client, pkce_code_verifier=state["pkce_code_verifier"]
        )
        text = answer["id_token"]
        if len(text) > LONGEST_TOKEN:
            raise errors.ClaimsRefused
        claims = self._verified(text)
        if not constant_time_compare(str(claims["nonce"]), state["nonce"]):
            raise errors.TokenRefused
        return claims

    def _verified(self, text: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                text,
                key=self._key(jwt.get_unverified_header(text)),
                algorithms=ALGORITHMS,
                issuer=self.connection.issuer,
                audience=self.connection.client_id,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED},
            )
        except jwt.PyJWTError as error:
            raise errors.TokenRefused from error
        # A token for several parties names the one that asked for it.
        if claims.get("azp", self.connection.client_id) != self.connection.client_id:
            raise errors.TokenRefused
        return claims

    def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        with SocialAdapter(self.request).get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
        answer.raise_for_status()
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        signing = [key for key in keys if key.public_key_use in (None, "sig")]
        if "kid" in header:
            signing = [key for key in signing if key.key_id == header["kid"]]
        if len(signing) != 1:
            raise errors.TokenRefused
        return signing[0]


def _secret(connection: SsoConnection) -> str:
    try:
        return sealing.unseal(connection.sealed_secret)
    except sealing.Unreadable as error:
        raise errors.ProviderFailed("The sign-in's secret cannot be read. Ask your administrator.") from error
