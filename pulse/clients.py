"""The client's address, believed only as far as the trusted proxies vouch for it."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


@lru_cache
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(entry) for entry in trusted)


def is_trusted(address: str) -> bool:
    """Whether the address lies in `PULSE_TRUSTED_PROXIES`; a malformed one never does."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in _networks(tuple(settings.PULSE_TRUSTED_PROXIES)))


def address_of(request: HttpRequest) -> str:
    """The nearest hop that is not a trusted proxy, reading `X-Forwarded-For` from right to left."""
    address: str = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    while is_trusted(address) and hops and hops[-1]:
        address = hops.pop()
    return address
