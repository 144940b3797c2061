"""Pulse asks its own web server under a name that it answers to."""

import pytest
from django.test import Client

from pulse.hosts import host_for


@pytest.mark.parametrize(
    ("allowed", "asked", "told"),
    [
        (["127.0.0.1"], "127.0.0.1:8000", "127.0.0.1:8000"),
        (["[::1]"], "[::1]:8000", "[::1]:8000"),
        (["pulse.example.com", "127.0.0.1"], "127.0.0.1:8000", "127.0.0.1:8000"),
        (["pulse.example.com"], "127.0.0.1:8000", "pulse.example.com"),
        ([".example.com"], "[::1]:8000", "example.com"),
    ],
)
def test_the_host_that_is_told_is_accepted(
    client: Client, settings, allowed: list[str], asked: str, told: str
) -> None:
    settings.ALLOWED_HOSTS = allowed
    assert host_for(asked) == told
    assert client.get("/healthz", headers={"host": told}).status_code == 200
