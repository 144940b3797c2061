"""One provider for all tests, and organizations that are connected to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import DomainClaim, Organization
from tenants.sso import configuration
from tests.factories import acting, make_organization, owner_of
from tests.tenants.accounts.people import PASSWORD
from tests.tenants.sso.provider import ANN, CLIENT, PULSE, SECRET, START, Provider, started


@pytest.fixture(autouse=True)
def quick_hashes(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def running_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    log = tmp_path_factory.mktemp("provider") / "node.log"
    with started(log, callbacks=[f"{PULSE}{START}callback/"]) as provider:
        yield provider


@pytest.fixture
def provider(running_provider: Provider) -> Provider:
    """It knows Ann, of the engineers, and tells the truth."""
    running_provider.answers()
    running_provider.knows(ann=ANN)
    return running_provider


@pytest.fixture
def connect(database: None) -> Callable[..., Organization]:
    return connected


@pytest.fixture
def acme(provider: Provider, connect: Callable[..., Organization]) -> Organization:
    """Its engineers are operators, its admins admins; acme.example is its domain."""
    return connect("acme", issuer=provider.issuer)


@pytest.fixture
def browser() -> Client:
    return Client()


def connected(organization_id: str, *, issuer: str, **more: Any) -> Organization:
    organization = make_organization(organization_id)
    owner = owner_of(organization_id)
    owner.set_password(PASSWORD)
    owner.save()
    actor = acting(owner)
    configuration.configure(
        organization_id, issuer=issuer, client_id=CLIENT, client_secret=SECRET, actor=actor, **more
    )
    pairs = [("engineers", "operator"), ("admins", "admin")]
    configuration.map_groups(organization_id, pairs=pairs, actor=actor)
    configuration.name_emergency_owner(organization_id, owner, actor=actor)
    DomainClaim.objects.create(
        organization=organization, domain=f"{organization_id}.example", verified_at=timezone.now()
    )
    configuration.enable(organization_id, actor=actor)
    return organization
