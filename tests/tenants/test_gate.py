"""The gate's steps from the lifecycle on, and their order, for members, browsers and proxies."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client

from billing import overrides, subscriptions
from billing.overrides import Wanted
from tenants import lifecycle, provisioning
from tests.api import Caller, code
from tests.factories import (
    SYSTEM,
    make_member,
    make_organization,
    member_token,
    owner_of,
)
from tests.tenants.scrape import value_of
from tests.tenants.states import STEPS

pytestmark = pytest.mark.usefixtures("database")

HERE = "/api/org"
EDGE = "/edge/check"


@pytest.fixture
def member(database: None) -> Caller:
    """The owner of `acme`, with a token."""
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


@pytest.fixture
def browser(database: None) -> Caller:
    """The owner of `acme`, signed in."""
    make_organization("acme")
    client = Client()
    client.force_login(owner_of("acme"))
    return Caller(client, None)


def bring(state: str, organization_id: str = "acme") -> None:
    for step in STEPS[state]:
        step(organization_id)


def subscribe(state: str, ends_at: datetime | None = None) -> None:
    subscriptions.set_state("acme", state=state, trial_ends_at=ends_at, actor=SYSTEM)


# Step 4: lifecycle


@pytest.mark.parametrize("path", [HERE, EDGE])
@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ("suspended", "org_suspended"),
        ("pending_deletion", "org_pending_deletion"),
        ("past its retention", "org_pending_deletion"),
    ],
)
def test_only_an_active_organization_passes(member: Caller, path, state, refusal) -> None:
    assert member.get(path).status_code in (200, 204)
    bring(state)
    assert code(member.get(path)) == (403, refusal)


def test_a_pending_deletion_tells_the_purge_date(member: Caller) -> None:
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False):
        bring("pending_deletion")
        body = member.get(HERE).json()
    assert datetime.fromisoformat(body["purge_after"]) == datetime(2030, 1, 31, tzinfo=UTC)


def test_the_people_of_a_purged_organization_are_nobody(browser: Caller) -> None:
    bring("purged")
    assert code(browser.get(HERE)) == (401, "not_authenticated")


@pytest.mark.parametrize("undo", ["unsuspend", "restore"])
def test_it_lets_in_again_at_once(member: Caller, undo) -> None:
    bring("suspended" if undo == "unsuspend" else "pending_deletion")
    assert member.get(HERE).status_code == 403
    getattr(lifecycle, undo)("acme", actor=SYSTEM)
    assert member.get(HERE).status_code == 200


@pytest.mark.parametrize("state", ["suspended", "pending_deletion"])
def test_a_person_in_a_browser_gets_a_page(browser: Caller, settings, state) -> None:
    settings.PULSE_SUPPORT_CONTACT = "help@pulse.example"
    bring(state)
    answer = browser.get(EDGE, accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.status_code == 403
    assert answer["Content-Type"].startswith("text/html")
    assert "help@pulse.example" in answer.content.decode()


@pytest.mark.parametrize(
    "table", ["tenants_organization", "tenants_membership", "django_session", "tenants_user"]
)
def test_a_state_that_cannot_be_read_is_never_a_pass(browser: Caller, table) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO broken")
    for path in (HERE, EDGE):
        answer = browser.get(path)
        assert answer.status_code == 503
        assert answer.json()["code"] in ("state_unavailable", "unavailable")


def test_a_token_that_cannot_be_looked_up_is_never_a_pass(member: Caller) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_apitoken RENAME TO broken")
    assert member.get(EDGE).status_code == 503


# Step 5: subscription


@pytest.mark.parametrize("state", ["expired", "suspended", "canceled"])
def test_without_a_subscription_in_force_it_is_402(member: Caller, state) -> None:
    subscribe(state)
    assert code(member.get(HERE)) == (402, "subscription_required")


@pytest.mark.parametrize("state", ["active", "grace"])
def test_a_subscription_in_force_passes(member: Caller, state) -> None:
    subscribe(state)
    assert member.get(HERE).status_code == 200


def test_a_trial_is_over_at_its_end_and_without_one(member: Caller) -> None:
    end = datetime.now(UTC) + timedelta(days=1)
    subscribe("trial", end)
    with time_machine.travel(end - timedelta(seconds=1), tick=False):
        assert member.get(HERE).status_code == 200
    with time_machine.travel(end, tick=False):
        assert code(member.get(HERE)) == (402, "subscription_required")
    subscribe("trial")
    assert code(member.get(HERE)) == (402, "subscription_required")


# Step 6: the tenant's rate


def test_over_its_rate_an_organization_is_refused_with_the_limits_headers(member: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = "2/minute"
    assert [member.get(HERE).status_code for _ in range(2)] == [200, 200]
    refused = member.get(HERE)
    assert code(refused) == (429, "tenant_rate_limit_exceeded")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert (refused["X-RateLimit-Limit"], refused["X-RateLimit-Remaining"]) == ("2", "0")
    assert refused["X-Pulse-Org-ID"] == "acme"


def test_the_rate_is_shared_by_its_people_and_of_one_organization_alone(member: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    make_organization("globex")
    colleague = Caller(Client(), member_token("acme", make_member("acme", roles=["viewer"])))
    assert member.get(HERE).status_code == 200
    assert colleague.get(HERE).status_code == 429
    assert Caller(Client(), member_token("globex")).get(HERE).status_code == 200


def test_an_entitlement_raises_the_rate(member: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    wanted = Wanted(limits={"requests_per_minute": 3})
    overrides.add("acme", wanted, actor=SYSTEM, reason="asked")
    assert [member.get(HERE).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_the_default_organization_has_no_rate_and_needs_no_subscription(settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    provisioning.reconcile(actor=SYSTEM)
    subscriptions.set_state("default", state="expired", actor=SYSTEM)
    caller = Caller(Client(), member_token("default", make_member("default", roles=["viewer"])))
    assert [caller.get(HERE).status_code for _ in range(3)] == [200] * 3


# Their order


def test_the_steps_are_passed_in_their_order(member: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    stranger = Caller(Client(), member_token("acme", make_member("acme")))
    stranger.get(HERE)
    bring("suspended")
    subscribe("expired")
    make_organization("theirs")
    bring("suspended", "theirs")
    codes = []
    settings.PULSE_HOSTED_MODE = "false"
    codes.append(code(stranger.get(HERE)))
    settings.PULSE_HOSTED_MODE = "true"
    codes.append(code(Caller(Client(), "pulse_wrong").get(HERE, x_pulse_org_id="theirs")))
    codes.append(code(stranger.get(HERE, x_pulse_org_id="theirs")))
    codes.append(code(stranger.get(HERE)))
    lifecycle.unsuspend("acme", actor=SYSTEM)
    codes.append(code(stranger.get(HERE)))
    subscribe("active")
    codes.append(code(stranger.get(HERE)))
    settings.PULSE_TENANT_RATE = "100/minute"
    codes.append(code(stranger.get(HERE)))
    assert codes == [
        (404, "not_found"),
        (401, "invalid_token"),
        (403, "access_denied"),
        (403, "org_suspended"),
        (402, "subscription_required"),
        (429, "tenant_rate_limit_exceeded"),
        (403, "permission_denied"),
    ]


def test_each_refusal_is_counted_by_its_code(member: Caller) -> None:
    before = value_of("pulse_gate_refusals_total", code="org_suspended")
    bring("suspended")
    member.get(HERE)
    member.get(EDGE)
    assert value_of("pulse_gate_refusals_total", code="org_suspended") == before + 2


def test_the_gate_stops_no_operator_from_outside(operator: Caller) -> None:
    make_organization("acme")
    bring("suspended")
    subscribe("expired")
    assert operator.get("/api/admin/orgs/acme", x_pulse_org_id="nobody").status_code == 200


def test_the_edge_says_who_asks_for_which_organization(member: Caller) -> None:
    answer = member.get(EDGE, x_pulse_user="forged")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["X-Pulse-Org-ID"] == "acme"
    assert answer["X-Pulse-User"] == str(owner_of("acme").public_id)


def test_no_organization_stays_current_after_a_request(member: Caller) -> None:
    from tenants import context

    member.get(HERE)
    bring("suspended")
    member.get(HERE)
    with pytest.raises(context.NoOrganization):
        context.current()
