"""What an organization's provider answers before anybody has to sign in by it; it changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt
from requests import RequestException, Response

from pulse import limits
from pulse.actors import Actor
from tenants import context, members, organizations
from tenants.sso import network
from tenants.sso.configuration import NEEDED, connection_of
from tenants.sso.errors import AddressRefused, ProviderFailed
from tenants.sso.models import SsoConnection
from tenants.sso.provider import ALGORITHMS

# Of one organization: whoever its issuer leads to is not its to flood.
RATE = "30/hour"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Check:
    """`refusal` says what is wrong; it is empty where nothing is."""

    name: str
    refusal: str = ""


def probe(organization_id: str, *, actor: Actor) -> list[Check]:
    """Ask the provider for its discovery and its keys, which may take seconds; the checks until one refuses.

    Raises `NoConnection`, `RateLimited`.
    """
    with context.organization(organizations.living(organization_id).id):
        for resource in NEEDED:
            members.require(actor, "write", resource)
    connection = connection_of(organization_id)
    identifiers = ("sso-probes", organization_id)
    if not limits.hit(RATE, *identifiers):
        raise limits.RateLimited(headers=limits.headers(RATE, *identifiers))
    found = []
    for check in _checks(connection):
        found.append(check)
        if check.refusal:
            break
    return found


def _checks(connection: SsoConnection) -> Iterator[Check]:
    with network.Session() as session:
        address = connection.issuer.rstrip("/") + "/.well-known/openid-configuration"
        discovery, refusal = _asked(session, address)
        yield Check("The provider tells how it is used", refusal)
        named = discovery.get("issuer")
        yield Check(
            "It is the issuer", "" if named == connection.issuer else f"It says that it is {named!r:.200}."
        )
        yield Check("Its addresses may be used", _addresses(discovery))
        yield Check("It proves whose a code is (PKCE)", _pkce(discovery))
        keys, refusal = _asked(session, str(discovery["jwks_uri"]))
        yield Check("Its keys can be read", refusal or _keys(keys))


def _asked(session: network.Session, address: str) -> tuple[dict[str, Any], str]:
    """The JSON object at the address, and why there is none."""
    try:
        answer = session.get(address)
    except AddressRefused as refused:
        return {}, refused.detail
    except (RequestException, ProviderFailed):
        return {}, f"{address} does not answer, or not in time."
    return _object(answer)


def _object(answer: Response) -> tuple[dict[str, Any], str]:
    if answer.status_code != 200:
        return {}, f"{answer.url} answers {answer.status_code}."
    try:
        found = answer.json()
    except ValueError:
        found = None
    return (found, "") if isinstance(found, dict) else ({}, f"{answer.url} is no JSON object.")


def _addresses(discovery: dict[str, Any]) -> str:
    for name in ENDPOINTS:
        try:
            network.check_address(str(discovery.get(name, "")))
        except AddressRefused:
            return f"{name} is not a public https address."
    return ""


def _pkce(discovery: dict[str, Any]) -> str:
    """Many support it without saying so."""
    told = discovery.get("code_challenge_methods_supported")
    return "" if told is None or "S256" in told else "It does not support S256."


def _keys(answer: dict[str, Any]) -> str:
    try:
        keys = jwt.PyJWKSet.from_dict(answer).keys
    except (jwt.PyJWTError, TypeError, AttributeError):
        return "There is none that can be used."
    signing = [
        key for key in keys if key.public_key_use in (None, "sig") and key.algorithm_name in ALGORITHMS
    ]
    return "" if signing else "None signs by an algorithm that may be used."
