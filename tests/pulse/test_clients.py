"""Whose address a request has, when anybody can write an `X-Forwarded-For` of their own."""

import pytest
from django.test import RequestFactory

from pulse import clients
from tests.api import Caller

PROXIES = ["10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48"]


def request(remote: str, forwarded: str | None = None):
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=remote, **headers)


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        # Without a trusted proxy in front, the header is anybody's word.
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("203.0.113.9", "127.0.0.1, 10.0.0.1", "203.0.113.9"),
        # One trusted proxy: its own entry, the last, and none of those that it was sent.
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "10.9.9.9, 127.0.0.1,203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.2", "203.0.113.9", "192.0.2.2"),
        # A chain of trusted proxies.
        ("10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.3, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 192.0.2.1", "203.0.113.9"),
        # Within the trusted network: the farthest.
        ("10.0.0.1", "10.0.0.7, 10.0.0.2", "10.0.0.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        # What is no address ends the reading.
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, ", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "x" * 5000, "10.0.0.1"),
        ("", "203.0.113.9", ""),
        ("unix:", "203.0.113.9", ""),
        # IPv6, and IPv4 in its clothes.
        ("2001:db8:1::5", "2001:DB8:2:0::9", "2001:db8:2::9"),
        ("2001:db8:2::9", "203.0.113.9", "2001:db8:2::9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        # With the port that some proxies add.
        ("10.0.0.1", "203.0.113.9:54321", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8:2::9]:443", "2001:db8:2::9"),
        ("10.0.0.1", "[2001:db8:2::9]", "2001:db8:2::9"),
    ],
)
def test_the_address_is_that_of_the_nearest_hop_that_is_not_trusted(
    settings, remote: str, forwarded: str | None, address: str
) -> None:
    settings.PULSE_TRUSTED_PROXIES = PROXIES
    assert clients.address_of(request(remote, forwarded)) == address


def test_without_trusted_proxies_the_header_means_nothing(settings) -> None:
    settings.PULSE_TRUSTED_PROXIES = []
    assert clients.address_of(request("10.0.0.1", "203.0.113.9")) == "10.0.0.1"


@pytest.mark.parametrize("remote", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_local(remote: str) -> None:
    assert clients.is_local(request(remote))


@pytest.mark.parametrize(
    ("remote", "forwarded"),
    [
        ("203.0.113.9", None),
        ("203.0.113.9", "127.0.0.1"),
        ("10.0.0.1", "127.0.0.1"),
        # A proxy on this machine speaks for clients from anywhere.
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", ""),
        ("", None),
        ("localhost", None),
    ],
)
def test_nothing_that_is_forwarded_is_local(settings, remote: str, forwarded: str | None) -> None:
    settings.PULSE_TRUSTED_PROXIES = ["127.0.0.1", *PROXIES]
    assert not clients.is_local(request(remote, forwarded))


def test_sign_ups_of_one_ipv6_network_count_together(nobody: Caller) -> None:
    """Whoever is given a /64 has more addresses than a limit could count."""
    answers = [
        nobody.client.post(
            "/api/public/signup",
            {"email": f"ann{number}@example.com", "org_name": "Acme"},
            content_type="application/json",
            REMOTE_ADDR=f"2001:db8::{number}",
        ).status_code
        for number in range(1, 7)
    ]
    assert answers == [202] * 5 + [429]
