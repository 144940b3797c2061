"""What the DNS says in TXT records, asked of `PULSE_DNS_SERVERS` or of the machine's own."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import dns.exception
import dns.name
import dns.nameserver
import dns.rdtypes.txtbase
import dns.resolver
from django.conf import settings

SECONDS_EACH, SECONDS_IN_ALL = 2.0, 5.0
PORT = 53


class Unanswered(Exception):
    """Nobody could tell, which is not the same as that there is no record."""


def texts(name: str) -> frozenset[str]:
    """The TXT records of exactly this name; empty when there are none. Raises `Unanswered`.

    One that an alias (CNAME) leads to is none: behind a wildcard alias it would be a stranger's.
    """
    try:
        found = _resolver().resolve(dns.name.from_text(f"{name}."), "TXT", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return frozenset()
    except (dns.exception.DNSException, OSError) as error:
        raise Unanswered(str(error)) from error
    if found.canonical_name != found.qname:
        return frozenset()
    return frozenset(_text(record) for record in found)


def _text(record: dns.rdtypes.txtbase.TXTBase) -> str:
    return b"".join(record.strings).decode("ascii", "replace")


def _resolver() -> dns.resolver.Resolver:
    servers = [server(text) for text in settings.PULSE_DNS_SERVERS]
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = servers
    resolver.timeout, resolver.lifetime = SECONDS_EACH, SECONDS_IN_ALL
    return resolver


def server(text: str) -> dns.nameserver.Nameserver:
    """Of an address such as `9.9.9.9`, `127.0.0.1:5353` or `[::1]:5353`. Raises ValueError."""
    parts = urlsplit(f"//{text}")
    return dns.nameserver.Do53Nameserver(str(ip_address(parts.hostname or "")), parts.port or PORT)
