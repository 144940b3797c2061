"""The first page: what needs attention, the worst first, then figures that link to what they count."""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import Override, StripeEvent, Subscription
from pulse import faults, jobs
from rbac import backups, databases, integrity
from runbooks import incidents
from tenants import counting, lifecycle, provisioning
from tenants.errors import ProvisioningFailed
from tenants.models import DailyCount, Organization, User
from tests.admin import signed_in, text
from tests.factories import SYSTEM, make_organization
from tests.runbooks.world import drilled

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin")


@pytest.fixture
def alive(database: None) -> None:
    """As after a start."""
    provisioning.reconcile(actor=SYSTEM)
    for role in ("worker", "scheduler"):
        jobs.beat(name=role, role=role, now=timezone.now())


def concerns(client: Client) -> list[str]:
    page = client.get("/admin/").content.decode()
    return [
        unescape(" ".join(re.sub("<[^>]+>", "", item).split()))
        for item in re.findall(r'<li class="pulse-harm.*?</li>', page, re.S)
    ]


def figures(client: Client) -> dict[str, tuple[str, str]]:
    """The number and the address of each `panel: label`."""
    page = client.get("/admin/").content.decode()
    panels = re.findall(r'<section class="pulse-panel".*?</section>', page, re.S)
    found = {}
    for panel in panels:
        title = re.search(r"</span> ([^<]+)</h2>", panel)[1]
        for path, label, number in re.findall(r'<dt><a href="([^"]+)">([^<]+)</a></dt><dd>([^<]+)', panel):
            found[f"{title}: {label}"] = (number, unescape(path))
    return found


def fail_provisioning() -> None:
    def fail() -> None:
        raise OSError("disk full")

    faults.arm("clone.copied", fail)
    with pytest.raises(ProvisioningFailed):
        provisioning.provision(email="ann@acme.example", name="Acme Ltd", actor=SYSTEM)
    faults.disarm()


def test_an_empty_healthy_system_says_so(admin: Client, alive: None) -> None:
    assert "Nothing needs attention." in text(admin.get("/admin/"))
    assert concerns(admin) == []


def test_a_dead_worker_is_told(admin: Client) -> None:
    assert "Worker: no live worker See the queue" in concerns(admin)


def test_a_damaged_database_comes_before_a_dead_worker_and_leads_to_its_restore(admin: Client) -> None:
    make_organization("acme")
    databases.close_all()
    databases.file_of("acme").write_bytes(b"junk")
    integrity.verify("acme")

    first, *others = concerns(admin)

    assert first.startswith("The database of acme fails verify")
    assert any(other.startswith("Worker") for other in others)
    assert 'href="/admin/tenants/organization/acme/database/"' in admin.get("/admin/").content.decode()


def test_a_database_that_passes_again_is_told_no_more(admin: Client, alive: None) -> None:
    make_organization("acme")
    databases.close_all()
    kept = databases.file_of("acme").read_bytes()
    databases.file_of("acme").write_bytes(b"junk")
    integrity.verify("acme")
    databases.file_of("acme").write_bytes(kept)
    integrity.verify("acme")

    assert concerns(admin) == []
    assert figures(admin)["Databases: Failing verify"][0] == "0"


def test_an_organization_without_a_backup_of_the_last_day_and_a_half_is_told(
    admin: Client, alive: None
) -> None:
    make_organization("acme")
    make_organization("beta")
    Organization.objects.update(created_at=timezone.now() - timedelta(hours=37))
    backups.make("default", actor=SYSTEM)
    backups.make("beta", actor=SYSTEM)

    number, path = figures(admin)["Databases: No backup for 36 h"]

    assert number == "1"
    assert "1 organization has no backup of the last 36 h See them" in concerns(admin)
    assert "acme" in text(admin.get(path))
    assert "beta" not in text(admin.get(path))


def test_a_provisioning_that_failed_is_counted_and_told(admin: Client, alive: None) -> None:
    fail_provisioning()

    number, path = figures(admin)["Arrivals: Failed in 24 h"]

    assert number == "1"
    assert "1 provisioning failed in the last hour See why" in concerns(admin)
    assert "organization.provision_failed" in text(admin.get(path))


def test_changes_since_yesterday_and_last_week_are_told(admin: Client) -> None:
    today = timezone.now().date()
    make_organization("acme")
    counting.keep(today=today - timedelta(days=6))
    make_organization("beta")
    counting.keep(today=today)
    make_organization("gamma")

    assert "+1 since yesterday, +2 in a week" in text(admin.get("/admin/"))


def test_a_day_is_counted_once_and_forgotten_after_four_hundred() -> None:
    with time_machine.travel(timezone.now() - timedelta(days=401)):
        counting.keep()

    assert counting.keep() == 4
    assert counting.keep() == 0
    assert set(DailyCount.objects.values_list("day", flat=True)) == {timezone.now().date()}


def test_each_figure_links_to_a_list_of_as_many(admin: Client) -> None:
    make_organization("acme")
    make_organization("beta")
    Subscription.objects.filter(organization="acme").update(trial_ends_at=timezone.now() + timedelta(days=3))
    for day in (2, 3):
        Override.objects.create(
            organization_id="beta", reason="x", author="x", valid_until=timezone.now() + timedelta(days=day)
        )

    shown = figures(admin)
    for label, ours, other in (("Trials", "acme", "beta"), ("Overrides", "beta", "acme")):
        number, path = shown[f"Ending this week: {label}"]
        page = text(admin.get(path))
        assert number == "1"
        assert ours in page
        assert other not in page


def test_organizations_are_counted_by_status(admin: Client) -> None:
    make_organization("acme")
    lifecycle.suspend("acme", actor=SYSTEM)

    shown = figures(admin)
    states = ("Active", "Suspended", "Pending Deletion", "Purged")
    assert [shown[f"Tenants: {state}"][0] for state in states] == ["1", "1", "0", "0"]
    assert "acme" in text(admin.get(shown["Tenants: Suspended"][1]))


def test_a_trial_that_is_over_counts_as_expired(admin: Client) -> None:
    make_organization("acme")
    Subscription.objects.update(trial_ends_at=timezone.now() - timedelta(hours=1))

    shown = figures(admin)
    assert (shown["Subscriptions: Trial"][0], shown["Subscriptions: Expired"][0]) == ("0", "1")
    assert "acme" not in text(admin.get(shown["Subscriptions: Trial"][1]))
    assert "acme" in text(admin.get(shown["Subscriptions: Expired"][1]))


def test_stripe_events_that_need_a_person_are_told_each_with_their_list(admin: Client, alive: None) -> None:
    """What is of another product's customer is left alone, so it is the least of all harms."""
    for number, status in enumerate(("unknown_customer", "parked")):
        StripeEvent.objects.create(
            id=f"evt_{number}", type="x", created=timezone.now(), payload={}, status=status
        )

    assert concerns(admin) == [
        "1 event of Stripe's could not be applied See why",
        "1 event of unknown customers came from Stripe See whose",
    ]
    listed = "/admin/billing/stripeevent/?status__exact="
    page = admin.get("/admin/").content.decode()
    assert f'href="{listed}parked"' in page
    assert f'href="{listed}unknown_customer"' in page


def test_an_operator_of_no_group_is_told_whom_to_ask() -> None:
    client = signed_in("support")
    User.objects.get(is_staff=True).groups.clear()

    assert "You are in no group of operators" in text(client.get("/admin/"))


def test_the_page_asks_no_more_of_twenty_organizations_than_of_none(admin: Client, alive: None) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            admin.get("/admin/")
        return len(queries)

    make_organization("first")
    before = asked()
    for number in range(20):
        make_organization(f"acme-{number}")

    assert asked() <= before


def test_an_open_incident_is_told_with_the_clock_that_ends_first(admin: Client, alive: None) -> None:
    incidents.open_by_hand(playbook="p1-cross-tenant-leak", title="A leak", actor=SYSTEM)

    (told,) = concerns(admin)

    assert "A leak (acknowledge within " in told
    assert figures(admin)["Open incidents: P1"][0] == "1"


def test_a_drill_that_failed_last_is_told_until_it_passes(admin: Client, alive: None) -> None:
    drilled("gate-closing", state="failed")
    failed = concerns(admin)
    drilled("gate-closing")

    assert failed[0].startswith("The drill gate-closing failed")
    assert concerns(admin) == []


def test_a_stage_without_a_verdict_is_told(admin: Client, alive: None, settings) -> None:
    settings.PULSE_STAGE = "private_beta"

    assert "No verdict stands for private_beta: the gate is shut See what is missing" in concerns(admin)
    assert figures(admin)["Readiness: Verdict"][0] == "never signed"


def test_drills_own_are_not_counted(admin: Client) -> None:
    make_organization("acme")
    Organization.objects.filter(pk="acme").update(is_synthetic=True)
    ends_at = timezone.now() + timedelta(days=2)
    Subscription.objects.update(trial_ends_at=ends_at)
    Override.objects.create(organization_id="acme", reason="x", author="x", valid_until=ends_at)

    shown = figures(admin)
    assert shown["Tenants: Active"][0] == "1"
    ours = ("Subscriptions: Trial", "Ending this week: Trials", "Ending this week: Overrides")
    assert [shown[figure][0] for figure in ours] == ["0", "0", "0"]
