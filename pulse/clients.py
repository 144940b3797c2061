"""The client's address, believed only as far as the trusted proxies vouch for it."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


@lru_cache
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(entry) for entry in trusted)


def parsed(hop: str) -> IPv4Address | IPv6Address | None:
    """The address that a hop names, with or without its port, an IPv4 one in IPv6's clothes as itself."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_trusted(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address lies in `PULSE_TRUSTED_PROXIES`."""
    return any(address in network for network in _networks(tuple(settings.PULSE_TRUSTED_PROXIES)))


def address_of(request: HttpRequest) -> str:
    """The nearest hop that is not a trusted proxy, reading `X-Forwarded-For` from right to left.

    What is no address ends the reading: the proxy that passed it on stands for its client.
    """
    address = parsed(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while address and is_trusted(address) and hops and (next_hop := parsed(hops.pop())):
        address = next_hop
    return str(address or "")


def household_of(request: HttpRequest) -> str:
    """What a limit for each address counts by: the address, of IPv6 the /64 that one customer is given."""
    address = address_of(request)
    if ":" not in address:
        return address
    return str(ip_network(f"{address}/64", strict=False))


def is_local(request: HttpRequest) -> bool:
    """Whether it came from this machine and through no proxy, whose clients would all look local."""
    address = parsed(request.META.get("REMOTE_ADDR", ""))
    return address is not None and address.is_loopback and "HTTP_X_FORWARDED_FOR" not in request.META
