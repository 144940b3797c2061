"""The subscription as a part of each tenant: made, verified, exported and purged with it."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from billing.models import Subscription
from billing.tenant_resource import Billing
from pulse import faults
from tenants import lifecycle, resources
from tenants.errors import ProvisioningFailed
from tenants.models import Organization
from tests.factories import SYSTEM, make_organization

pytestmark = pytest.mark.usefixtures("database")


def test_it_is_one_of_the_registered_parts() -> None:
    assert "billing" in [resource.name for resource in resources.registered()]


def test_provisioning_makes_a_subscription() -> None:
    assert Billing().verify(make_organization("acme")) == []
    assert Subscription.objects.filter(organization="acme").exists()


def test_a_provisioning_that_fails_leaves_none() -> None:
    def fail() -> None:
        raise OSError("no space left on device")

    faults.arm("provision.billing", fail)
    with pytest.raises(ProvisioningFailed):
        make_organization("acme")
    assert not Subscription.objects.exists()


def test_verify_finds_a_subscription_that_is_missing(operator) -> None:
    make_organization("acme")
    Subscription.objects.all().delete()
    answer = operator.get("/api/admin/orgs/acme/verify").json()
    assert answer == {"whole": False, "findings": {"billing": ["there is no subscription"]}}


def test_the_default_organization_needs_none() -> None:
    assert Billing().verify(Organization.objects.get(id="default")) == []


def test_the_export_holds_the_state_and_the_trials_end(tmp_path) -> None:
    organization = make_organization("acme")
    Billing().export(organization, tmp_path)
    (line,) = (tmp_path / "subscription.jsonl").read_text().splitlines()
    assert json.loads(line)["state"] == "trial"


def test_the_export_of_an_organization_without_one_has_empty_files(tmp_path) -> None:
    Billing().export(Organization.objects.get(id="default"), tmp_path)
    assert "".join(file.read_text() for file in tmp_path.glob("*.jsonl")) == ""


def test_a_purge_erases_it() -> None:
    make_organization("acme")
    lifecycle.soft_delete("acme", actor=SYSTEM, retention_days=1)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        lifecycle.purge("acme", actor=SYSTEM)
    assert not Subscription.objects.exists()


def test_it_leaves_no_orphans() -> None:
    make_organization("acme")
    assert Billing().orphans() == []
    assert Billing().clear("acme") is None
