"""How Pulse talks to an address that a tenant has typed: to public ones, briefly, and to no other.

The address that a name stands for is looked at where the connection is made, so that a name which says
something else the second time reaches nothing.
"""

import socket
import time
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from tenants.sso import errors

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 3.05, 5.0, 10.0
MOST_BYTES = 256 * 1024
# A gateway takes what is sent there to the IPv4 address in it, whichever that is: NAT64, 6to4 and Teredo.
CARRIERS = tuple(ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


def check_address(url: str) -> str:
    """The address, or `AddressRefused` unless it is an https one of a host without credentials."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        raise errors.AddressRefused from None
    schemes = {"https", "http"} if settings.PULSE_SSO_PRIVATE_ISSUERS else {"https"}
    if parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc or not url.isprintable():
        raise errors.AddressRefused
    return url


class _Guarded:
    """Resolves the host once, looks at all that it stands for, and connects to one of those."""

    def _new_conn(self: Any) -> socket.socket:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, "The name is not known.") from error
        addresses = [str(one[4][0]) for one in found]
        if not all(_is_allowed(address) for address in addresses):
            raise errors.AddressRefused
        try:
            return socket.create_connection((addresses[0], self.port), timeout=CONNECT_SECONDS)
        except OSError as error:
            raise NewConnectionError(self, "Nobody answers there.") from error


class _Plain(_Guarded, HTTPConnection):
    pass


class _Secure(_Guarded, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


class Session(requests.Session):
    """Follows no redirect, takes no proxy and no credentials from the environment, reads 256 KiB at most."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.mount("https://", _Adapter())
        self.mount("http://", _Adapter())

    def request(self, method: Any, url: Any, **more: Any) -> requests.Response:  # type: ignore[override]
        """Raises `AddressRefused`, `ProviderFailed`, and what requests raises."""
        check_address(str(url))
        kept = {"timeout": (CONNECT_SECONDS, READ_SECONDS), "allow_redirects": False, "stream": True}
        with super().request(method, url, **(more | kept)) as response:
            response._content = _bounded(response)
        return response


def _bounded(response: requests.Response) -> bytes:
    until = time.monotonic() + WHOLE_SECONDS
    body = b""
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > MOST_BYTES or time.monotonic() > until:
            raise errors.ProviderFailed
    return body


def _is_allowed(address: str) -> bool:
    if settings.PULSE_SSO_PRIVATE_ISSUERS:
        return True
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and any(found in network for network in CARRIERS):
        return False
    return found.is_global and not found.is_multicast
