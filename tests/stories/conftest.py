"""A service with customers, and an operator who has signed in to it."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from pulse.actors import from_job
from rbac import tasks as rbac_tasks
from runbooks import seeding
from tenants import organizations, provisioning, tokens
from tests.billing.stripe_world import SECRET
from tests.factories import ALL_SCOPES, acting, make_operator, owner_of
from tests.processes import web_server
from tests.stories.operator import PASSWORD, Operator, at_the_admin

EMAIL = "ada.lindqvist@pulse.example"
# Beside those that a random seed makes up.
CUSTOMERS = {
    "fjord-analytics": "Fjord Analytics",
    "harbour-clinics": "Harbour Clinics",
    "northwind-energy": "Northwind Energy",
}
SIGNUPS = from_job("signups")


def staff(group: str, email: str) -> None:
    person = make_operator(group, email=email)
    person.set_password(PASSWORD)
    person.save()


@pytest.fixture
def customers(database: None) -> None:
    """As they are five days later, so that not everything has happened just now."""
    with time_machine.travel(timezone.now() - timedelta(days=5)):
        seeding.seed(
            organizations=60, events=600, random_seed=7, databases=True, actor=SIGNUPS,
            progress=lambda rows, *_: rows,
        )  # fmt: skip
        for organization_id, name in CUSTOMERS.items():
            email = f"owner@{organization_id}.example"
            provisioning.provision(email=email, name=name, organization_id=organization_id, actor=SIGNUPS)
        staff("admin", EMAIL)
    call_command("reconcile", stdout=StringIO())
    rbac_tasks.back_up_all.call()


@pytest.fixture
def token(customers: None) -> str:
    """Of Fjord Analytics' product."""
    owner = owner_of("fjord-analytics")
    organization = organizations.living("fjord-analytics")
    return tokens.create_for_member(owner, organization, actor=acting(owner), scopes=ALL_SCOPES)[1]


@pytest.fixture
def base(tmp_path: Path, customers: None, settings) -> Iterator[str]:
    """The address of the running server, whose secret key this process has too."""
    own = {"PULSE_SECRET_KEY": settings.SECRET_KEY, "STRIPE_WEBHOOK_SECRETS": SECRET}
    with web_server(tmp_path, workers=1, **own) as address:
        yield address


@pytest.fixture
def ada(base: str, tmp_path: Path) -> Iterator[Operator]:
    with at_the_admin(base, tmp_path) as operator:
        operator.sign_in(EMAIL)
        operator.reads("Hosted mode is open")
        yield operator
