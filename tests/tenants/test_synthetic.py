"""Synthetic organizations: not counted, not mailed about, not billed, and erased whole when asked."""

import pytest
from django.core import mail
from django.test import override_settings
from django_tasks_db.models import DBTaskResult
from prometheus_client import REGISTRY

from billing import checkout, mails, reconciliation
from billing.errors import NothingToPay
from billing.models import Source, Subscription
from pulse.health import metrics_page
from pulse.problems import PermissionRefused
from rbac import databases
from tenants import counting, errors, lifecycle, organizations, provisioning, reaper, synthetic
from tenants.models import Organization, User
from tests.admin import signed_in, text
from tests.api import Caller, code
from tests.factories import SYSTEM, acting, make_operator, make_organization, owner_of

pytestmark = pytest.mark.usefixtures("database")

ORGS = "/api/admin/orgs"


def make_synthetic(organization_id: str = "drill-1") -> Organization:
    return provisioning.provision(
        email=synthetic.address(organization_id),
        name="Drill",
        organization_id=organization_id,
        is_synthetic=True,
        actor=SYSTEM,
    ).organization


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_it_is_not_among_the_active_tenants(rf) -> None:
    make_organization("acme")
    make_synthetic()
    page = text(metrics_page(rf.get("/metrics")))
    assert "pulse_hosted_active_tenants 1.0" in page


def test_it_takes_no_place_under_the_cap() -> None:
    make_synthetic()
    with override_settings(PULSE_TENANT_CAP=1):
        make_organization("acme")
        make_synthetic("drill-2")
        with pytest.raises(errors.TenantCapReached):
            make_organization("blue")


def test_it_raises_no_alert_of_provisioning_or_the_lifecycle() -> None:
    provisions = sample("pulse_hosted_provisions_total", status="success")
    suspensions = {"from_status": "active", "to_status": "suspended"}
    suspended = sample("pulse_hosted_lifecycle_transitions_total", **suspensions)
    make_synthetic()
    lifecycle.suspend("drill-1", actor=SYSTEM)
    assert sample("pulse_hosted_provisions_total", status="success") == provisions
    assert sample("pulse_hosted_lifecycle_transitions_total", **suspensions) == suspended


def test_nobody_is_mailed_about_it() -> None:

    make_synthetic()
    lifecycle.suspend("drill-1", actor=SYSTEM)
    assert not DBTaskResult.objects.filter(task_path="tenants.tasks.mail_owners").exists()
    assert mails.send("drill-1", "active") == 0
    assert mail.outbox == []


def test_it_cannot_be_paid_for() -> None:
    make_synthetic()
    with pytest.raises(NothingToPay):
        checkout.start("drill-1", plan="team", actor=SYSTEM)


def test_it_is_not_compared_with_stripe(settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_none"
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    make_synthetic()
    Subscription.objects.filter(organization="drill-1").update(
        source=Source.STRIPE, stripe_subscription="sub_1"
    )
    assert list(reconciliation.reconcile(actor=SYSTEM)) == []


def test_the_admin_shows_it_when_asked_alone() -> None:
    make_organization("acme")
    make_synthetic()
    admin = signed_in("admin")
    listed = "/admin/tenants/organization/"
    assert "drill-1" not in text(admin.get(listed))
    assert "drill-1" in text(admin.get(listed, {"synthetic": "only"}))
    assert "acme" not in text(admin.get(listed, {"synthetic": "only"}))
    both = text(admin.get(listed, {"synthetic": "too"}))
    assert "acme" in both
    assert "drill-1" in both
    assert counting.by_status()["active"] == 2
    assert "drill-1" not in text(admin.get("/admin/billing/subscription/"))


def test_the_api_lists_it_when_asked_alone(settings, operator: Caller) -> None:
    settings.PULSE_HOSTED_MODE = "true"
    make_synthetic()
    assert [one["id"] for one in operator.get(ORGS).json()["results"]] == ["default"]
    assert [one["id"] for one in operator.get(f"{ORGS}?synthetic=true").json()["results"]] == ["drill-1"]


def test_making_one_takes_the_permission_to_purge() -> None:
    with pytest.raises(PermissionRefused):
        provisioning.provision(
            email="a@drill.invalid", name="Drill", is_synthetic=True, actor=acting(make_operator("operator"))
        )


def test_its_retention_ends_when_asked_and_the_reaper_then_purges_it(settings, operator: Caller) -> None:
    settings.PULSE_HOSTED_MODE = "true"
    make_organization("acme")
    lifecycle.soft_delete("acme", retention_days=1, actor=SYSTEM)
    made = {"email": "a@drill.invalid", "name": "Drill", "id": "drill-1", "synthetic": True}
    assert operator.post(ORGS, made).status_code == 201
    early = f"{ORGS}/drill-1/end-retention"
    assert code(operator.post(early)) == (409, "not_pending_deletion")
    operator.post(f"{ORGS}/drill-1/soft-delete", {"retention_days": 1})
    reap = {"ids": ["drill-1", "acme"]}
    assert operator.post("/api/admin/reaper", reap).json()["results"] == []
    assert operator.post(early).status_code == 200
    purged = operator.post("/api/admin/reaper", reap).json()["results"]
    assert [one["id"] for one in purged] == ["drill-1"]
    assert operator.get(f"{ORGS}/acme").json()["status"] == "pending_deletion"


def test_the_retention_of_a_customer_is_never_ended_early() -> None:
    make_organization("acme")
    lifecycle.soft_delete("acme", actor=SYSTEM)
    with pytest.raises(errors.NotSynthetic):
        synthetic.end_retention("acme", actor=SYSTEM)
    with pytest.raises(errors.NotSynthetic):
        synthetic.erase("acme", actor=SYSTEM)
    assert list(reaper.reap(actor=SYSTEM)) == []


@pytest.mark.parametrize("verb", [lifecycle.suspend, lifecycle.soft_delete, organizations.living])
def test_erasing_leaves_no_row_no_file_and_no_person(verb) -> None:
    make_synthetic()
    verb("drill-1", **({} if verb is organizations.living else {"actor": SYSTEM}))
    owner = owner_of("drill-1")
    assert synthetic.erase("drill-1", actor=SYSTEM)
    assert not synthetic.erase("drill-1", actor=SYSTEM)
    assert not Organization.objects.filter(id="drill-1").exists()
    assert not databases.file_of("drill-1").exists()
    assert not User.objects.filter(pk=owner.pk).exists()


def test_erasing_takes_the_permission_to_purge() -> None:
    make_synthetic()
    with pytest.raises(PermissionRefused):
        synthetic.erase("drill-1", actor=acting(make_operator("operator")))


def test_a_drills_person_is_dismissed_and_nobody_else() -> None:
    user = make_operator(email=synthetic.address("operator"))
    other = make_operator(email="ann@example.com")
    assert synthetic.dismiss(user.email, actor=SYSTEM)
    assert not synthetic.dismiss(user.email, actor=SYSTEM)
    with pytest.raises(errors.NotSynthetic):
        synthetic.dismiss(other.email, actor=SYSTEM)
    assert User.objects.filter(pk=other.pk).exists()
