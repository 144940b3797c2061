"""The subscription as a part of each tenant: made, verified, exported and purged with it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from billing import overrides
from billing.models import StripeEvent, Subscription
from billing.overrides import Wanted
from billing.tenant_resource import TABLES, Billing
from pulse import faults
from tenants import lifecycle, resources
from tenants.errors import ProvisioningFailed
from tenants.models import Organization
from tests.billing.stripe_world import SECRET, checkout, deliver, event, process, subscription
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


@pytest.fixture
def every_table(database: None, settings) -> None:
    """acme has a row in each of billing's tables."""
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    make_organization("acme")
    overrides.add("acme", Wanted(state="active"), actor=SYSTEM, reason="asked")
    deliver(event(1, subscription()))
    process()


@pytest.mark.usefixtures("every_table")
def test_the_export_has_a_row_of_each_table(tmp_path) -> None:
    Billing().export(Organization.objects.get(id="acme"), tmp_path)
    files = tmp_path.glob("*.jsonl")
    rows = {file.stem: [json.loads(line) for line in file.read_text().splitlines()] for file in files}
    assert {name: len(found) for name, found in rows.items()} == {
        "subscription": 1, "overrides": 1, "stripe_subscriptions": 1, "stripe_events": 1,
    }  # fmt: skip
    assert rows["overrides"][0]["reason"] == "asked"
    assert rows["stripe_subscriptions"][0]["described"]["customer"] == "cus_1"
    assert rows["stripe_events"][0]["payload"]["type"] == "customer.subscription.updated"


@pytest.mark.usefixtures("every_table")
def test_a_purge_erases_each_table_and_a_late_event_brings_nothing_back() -> None:
    lifecycle.soft_delete("acme", actor=SYSTEM, retention_days=1)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        lifecycle.purge("acme", actor=SYSTEM)
        assert not any(model._default_manager.exists() for model in TABLES.values())
        deliver(event(2, subscription("canceled")))
        late = checkout(customer_details={"email": "ann@acme.example"})
        deliver(event(3, late, kind="checkout.session.completed"))
        process()
    kept = StripeEvent.objects.values_list("status", "payload")
    assert list(kept) == [("irrelevant", {}), ("irrelevant", {})]
    assert not Subscription.objects.exists()


def exported_events(into: Path) -> str:
    into.mkdir()
    Billing().export(Organization.objects.get(id="acme"), into)
    return (into / "stripe_events.jsonl").read_text()


@pytest.mark.usefixtures("every_table")
def test_what_stripe_says_of_its_customer_is_exported_and_goes_with_it(tmp_path) -> None:
    """Also what had no effect yet, so that nothing has said which organization it is of."""
    waiting = subscription("levitating", metadata={"note": "ann@acme.example"})
    deliver(event(2, waiting | {"id": "sub_2"}))
    assert "ann@acme.example" in exported_events(tmp_path / "export")
    Billing().purge(Organization.objects.get(id="acme"))
    assert not StripeEvent.objects.exists()


@pytest.mark.usefixtures("every_table")
def test_what_may_be_of_another_organization_of_the_same_customer_stays(tmp_path) -> None:
    make_organization("globex")
    deliver(event(2, subscription(id="sub_2", metadata={"organization": "globex"})))
    process()
    deliver(event(3, subscription("paused", id="sub_2", metadata={})))
    assert "evt_000003" not in exported_events(tmp_path / "export")
    Billing().purge(Organization.objects.get(id="acme"))
    process()
    assert Subscription.objects.get(organization="globex").state == "suspended"


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
