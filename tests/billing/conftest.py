"""A real mock of Stripe, Stripe's own, on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.processes import free_port, running, wait_for


@pytest.fixture(scope="session")
def stripe_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running stripe-mock."""
    port, https_port = free_port(), free_port()
    log: Path = tmp_path_factory.mktemp("stripe") / "stripe-mock.log"
    argv = ["stripe-mock", "-http-port", str(port), "-https-port", str(https_port)]
    address = f"http://127.0.0.1:{port}"
    with running(argv, env=os.environ, log=log):
        wait_for(lambda: requests.get(address, timeout=2).status_code, what="stripe-mock", log=log)
        yield address


@pytest.fixture
def stripe(stripe_mock: str, settings) -> str:
    """Pulse is configured for the mock."""
    settings.STRIPE_API_BASE = stripe_mock
    settings.STRIPE_SECRET_KEY = "sk_test_123"
    return stripe_mock
