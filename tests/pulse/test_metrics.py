"""`/metrics`: every name that scripts rely on, for those who may read, and no id of anybody."""

import re
from contextlib import nullcontext
from itertools import product

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from pulse import faults
from rbac.models import Role
from tenants import context, tokens
from tenants.models import Membership, User
from tests.api import Caller
from tests.factories import SYSTEM, make_member, make_operator, make_organization, member_token, owner_of

pytestmark = pytest.mark.usefixtures("database")

NAMES = {
    "pulse_hosted_signups": "counter",
    "pulse_hosted_signups_refused": "counter",
    "pulse_sign_ins": "counter",
    "pulse_mails": "counter",
    "pulse_hosted_provisions": "counter",
    "pulse_hosted_lifecycle_transitions": "counter",
    "pulse_hosted_active_tenants": "gauge",
    "pulse_hosted_provision_seconds": "histogram",
    "pulse_hosted_lifecycle_transition_seconds": "histogram",
    "pulse_billing_propagation_seconds": "histogram",
    "pulse_rbac_open_databases": "gauge",
    "pulse_rbac_role_mutations": "counter",
    "pulse_rbac_access_denials": "counter",
    "pulse_rbac_integrity_checks": "counter",
    "pulse_rbac_isolation_refusals": "counter",
    "pulse_gate_refusals": "counter",
    "pulse_http_requests": "counter",
    "pulse_jobs_oldest_waiting_seconds": "gauge",
}
# The thresholds of the service's objectives, in seconds: each must be a bucket to be counted exactly.
THRESHOLDS = {
    "pulse_hosted_provision_seconds": {2.0, 5.0},
    "pulse_hosted_lifecycle_transition_seconds": {0.5, 2.0},
    "pulse_billing_propagation_seconds": {3600.0, 7200.0},
}
ELSEWHERE = "203.0.113.9"


def scrape(**extra: str) -> str:
    answer = Client().get("/metrics", **extra)
    assert answer.status_code == 200
    return answer.content.decode()


def families() -> dict[str, object]:
    return {family.name: family for family in text_string_to_metric_families(scrape())}


def value(name: str, **labels: str) -> float:
    """The sample's value; 0 before its first."""
    found = [
        sample.value
        for family in families().values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return found[0] if found else 0.0


def status_elsewhere(**headers: str) -> int:
    return Client().get("/metrics", REMOTE_ADDR=ELSEWHERE, headers=headers).status_code


def scraper_token(**changes: object) -> str:
    _, text = tokens.create_for_operator(make_operator(), actor=SYSTEM, scopes=["metrics"], **changes)
    return text


def test_every_name_is_there_with_its_kind() -> None:
    assert {name: family.type for name, family in families().items() if name in NAMES} == NAMES


@pytest.mark.parametrize("name", THRESHOLDS)
def test_the_buckets_include_each_objectives_threshold(name: str) -> None:
    bounds = {float(sample.labels["le"]) for sample in families()[name].samples if "le" in sample.labels}
    assert THRESHOLDS[name] <= bounds


def test_active_tenants_are_counted_in_the_database_at_each_scrape(operator: Caller) -> None:
    make_organization("acme")
    make_organization("other")
    assert value("pulse_hosted_active_tenants") == 2
    operator.post("/api/admin/orgs/other/suspend")
    assert value("pulse_hosted_active_tenants") == 1


def test_a_refusal_at_the_gate_is_counted_by_its_code(client) -> None:
    make_organization("acme")
    before = value("pulse_gate_refusals_total", code="invalid_token")
    Caller(client, "pulse_wrong").get("/api/org")
    assert value("pulse_gate_refusals_total", code="invalid_token") == before + 1


def test_a_sign_up_is_counted(nobody: Caller) -> None:
    before = value("pulse_hosted_signups_total")
    nobody.post("/api/public/signup", {"email": "ann@example.com", "org_name": "Acme"})
    nobody.post("/api/public/signup", {"email": "no address", "org_name": "Acme"})
    assert value("pulse_hosted_signups_total") == before + 1


def asked(area: str, outcome: str) -> float:
    return value("pulse_http_requests_total", area=area, outcome=outcome)


@pytest.mark.parametrize(
    ("path", "area", "outcome"),
    [
        ("/api/admin/orgs", "admin_api", "served"),
        ("/api/admin/orgs/nobody", "admin_api", "refused"),
        ("/api/org", "tenant_api", "refused"),
        ("/edge/check", "edge", "refused"),
        ("/admin/", "admin", "served"),
        ("/nowhere", "other", "refused"),
    ],
)
def test_a_request_is_counted_by_its_area_and_outcome(operator, path: str, area: str, outcome: str) -> None:
    before = asked(area, outcome)
    operator.get(path)
    assert asked(area, outcome) == before + 1


def test_a_view_that_fails_is_counted_as_failed(operator: Caller) -> None:
    faults.arm("provision.row", explode)
    before = asked("signup", "failed")
    Caller(Client(), None).post("/api/public/signup", {"email": "ann@example.com", "org_name": "Acme"})
    assert asked("signup", "failed") == before + 1


def test_the_database_failing_outside_the_view_is_counted_as_failed(operator: Caller) -> None:
    """The session cannot be read: a middleware's failure, not a view's."""
    operator.client.force_login(make_operator())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_session RENAME TO mislaid")
    before = asked("admin_api", "failed")
    Caller(operator.client, None).get("/api/admin/orgs")
    assert asked("admin_api", "failed") == before + 1


def test_a_cap_that_was_set_fails_no_request(settings, nobody: Caller) -> None:
    settings.PULSE_TENANT_CAP = 1
    make_organization("acme")
    before = asked("signup", "refused")
    nobody.post("/api/public/signup", {"email": "ann@example.com", "org_name": "Acme"})
    assert asked("signup", "refused") == before + 1


@pytest.mark.parametrize(("area", "outcome"), [*product(["admin_api", "signup"], ["served", "failed"])])
def test_what_objectives_count_is_exposed_before_its_first(area: str, outcome: str) -> None:
    """Prometheus sees no increase in a series that appears with its first count."""
    assert {"area": area, "outcome": outcome} in [
        sample.labels for sample in families()["pulse_http_requests"].samples
    ]


@pytest.mark.parametrize(("current", "kind"), [("", "no_organization"), ("other", "other_organization")])
def test_a_reach_for_a_tenants_data_from_outside_it_is_counted(database, current: str, kind: str) -> None:
    for organization_id in ("acme", "other"):
        make_organization(organization_id)
    with context.organization("acme"):
        role = Role.objects.get(id="viewer")
    before = value("pulse_rbac_isolation_refusals_total", kind=kind)
    within = context.organization(current) if current else nullcontext()
    with within, pytest.raises(RuntimeError):
        role.refresh_from_db()
    assert value("pulse_rbac_isolation_refusals_total", kind=kind) == before + 1


def explode() -> None:
    raise RuntimeError("armed by a test")


def test_no_label_carries_an_id_of_anybody(operator: Caller) -> None:
    for organization_id in ("acme-4711", "other-4711"):
        make_organization(organization_id)
    drive(operator)
    labels = {
        f"{name}={text}"
        for family in families().values()
        for sample in family.samples
        for name, text in sample.labels.items()
    }
    ids = {str(user.public_id) for user in User.objects.all()} | {user.email for user in User.objects.all()}
    for needle in {"4711", "@", "nowhere", "orgs/", *ids}:
        assert [label for label in labels if needle in label] == []
    assert [label for label in labels if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", label)] == []


def drive(operator: Caller) -> None:
    """Requests of all kinds: known and unknown, let through and refused, by everybody."""
    member = make_member("acme-4711", roles=["viewer"])
    people = [
        operator,
        Caller(Client(), member_token("acme-4711")),
        Caller(Client(), member_token("acme-4711", member)),
        Caller(Client(), "pulse_4711"),
        Caller(Client(), None),
    ]
    person = owner_of("acme-4711").public_id
    for caller in people:
        caller.get("/api/org", x_pulse_org_id="other-4711")
        caller.get("/api/org/members?search=4711")
        caller.get(f"/api/org/users/{person}/roles")
        caller.post("/api/org/check", {"user": "4711", "action": "read", "resource": "vms:4711"})
        caller.get("/edge/check")
        caller.get("/api/admin/orgs/acme-4711")
        caller.post("/api/admin/orgs/acme-4711/suspend", {"reason": "4711"})
        caller.post("/api/admin/orgs/acme-4711/unsuspend")
        caller.get("/nowhere/4711")
        caller.client.generic("ODD4711", "/api/org")
    Membership.objects.filter(user=member).delete()


def test_several_processes_count_into_one_exposition(monkeypatch, tmp_path) -> None:
    """What is counted in the database is beside what the processes have left in their files."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert set(families()) == {
        "pulse_billing_stripe_events_held",
        "pulse_hosted_active_tenants",
        "pulse_incident_clock_breaches",
        "pulse_incidents_open",
        "pulse_jobs_oldest_waiting_seconds",
    }


def test_loopback_may_read() -> None:
    assert Client().get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert Client().get("/metrics", REMOTE_ADDR="::1").status_code == 200


def test_nobody_else_may_without_a_token() -> None:
    assert status_elsewhere() == 403


@pytest.mark.parametrize("forwarded", ["127.0.0.1", "::1", "127.0.0.1, 127.0.0.1"])
@pytest.mark.parametrize("remote", [ELSEWHERE, "10.0.0.1", "127.0.0.1"])
@pytest.mark.parametrize("proxies", [[], ["10.0.0.0/8", "127.0.0.1"]])
def test_a_forwarded_request_is_never_local(
    settings, proxies: list[str], remote: str, forwarded: str
) -> None:
    settings.PULSE_TRUSTED_PROXIES = proxies
    answer = Client().get("/metrics", REMOTE_ADDR=remote, headers={"x-forwarded-for": forwarded})
    assert answer.status_code == 403


def test_an_operators_token_with_the_scope_may() -> None:
    assert status_elsewhere(authorization=f"Bearer {scraper_token()}") == 200


@pytest.mark.parametrize("scopes", [["read"], ["read", "write", "check"]])
def test_an_operators_token_without_the_scope_may_not(scopes: list[str]) -> None:
    _, text = tokens.create_for_operator(make_operator(), actor=SYSTEM, scopes=scopes)
    assert status_elsewhere(authorization=f"Bearer {text}") == 403


def test_a_tenants_token_may_not_whatever_its_scope() -> None:
    make_organization("acme")
    text = member_token("acme", scopes=["metrics"])
    assert status_elsewhere(authorization=f"Bearer {text}") == 403


@pytest.mark.parametrize("authorization", ["Bearer pulse_wrong", "Bearer", "Basic YTpi", "nonsense", ""])
def test_a_wrong_token_may_not(authorization: str) -> None:
    assert status_elsewhere(authorization=authorization) == 403
