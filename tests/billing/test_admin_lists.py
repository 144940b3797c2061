"""The admin's pages of plans, subscriptions and Stripe's events."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing import overrides, plans, subscriptions
from billing.models import PlanVersion, StripeEvent
from pulse.models import AuditEvent
from tests.admin import said, signed_in, text
from tests.billing.admin import BILLING, EVENTS, PLANS, SUBSCRIPTIONS, TEAM, filled, make_event, now
from tests.factories import SYSTEM, acting, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def acme(database: None) -> None:
    make_organization("acme")


@pytest.fixture
def biller(database: None) -> Client:
    return signed_in("billing")


@pytest.fixture
def event(database: None) -> StripeEvent:
    return make_event()


def test_a_new_version_of_a_plan_is_published_and_subscribers_keep_theirs(biller: Client) -> None:
    subscriptions.set_state("acme", state="active", plan="team", actor=SYSTEM)
    path = f"{TEAM}publish/"
    form = biller.get(path).context["form"]
    assert (form["limit_seats"].value(), form["capabilities"].value()) == (
        50,
        ["api", "custom_roles", "audit_export"],
    )
    sent = filled(
        biller, path, capabilities=["api", "sso"], limit_seats="80", limit_nodes="", meters=["api_requests"],
        price_ids="price_a  price_b",
    )  # fmt: skip
    assert said(biller.post(path, sent)) == ["team v2 is published."]
    version = plans.find("team")
    assert plans.describe(version) == {
        "capabilities": ["api", "sso"], "limits": {"seats": 80}, "meters": ["api_requests"],
        "price_ids": ["price_a", "price_b"],
    }  # fmt: skip
    assert AuditEvent.objects.get(verb="plan.publish").reason == "agreed with sales"
    assert now().plan_version == "team v1"
    assert [str(one) for one, _ in biller.get(f"{TEAM}change/").context["versions"]] == ["team v2", "team v1"]


def test_two_operators_do_not_publish_over_one_another(biller: Client) -> None:
    path = f"{TEAM}publish/"
    sent = filled(biller, path, limit_seats="80")
    grace = acting(make_operator("billing", email="grace@pulse.example"))
    plans.publish("team", actor=grace, capabilities=[], limits={"seats": 9}, meters=[])
    plans.publish("team2", actor=SYSTEM, capabilities=[], limits={}, meters=[])
    answer = biller.post(path, sent)
    assert "Somebody has changed this since you read it." in text(answer)
    assert "grace@pulse.example" in text(answer)
    assert plans.find("team").limits == {"seats": 9}


def test_a_plan_is_added_once(biller: Client) -> None:
    sent = {"id": "gold", "name": "Gold", "limit_seats": "9", "reason": "for the rich"}
    answer = biller.post(f"{PLANS}add/", sent)
    assert answer["Location"] == f"{PLANS}gold/change/"
    assert "Somebody has changed this" in text(biller.post(f"{PLANS}add/", sent))
    assert PlanVersion.objects.filter(plan="gold").count() == 1


def test_a_bad_id_of_a_plan_is_refused_beside_it(biller: Client) -> None:
    answer = biller.post(f"{PLANS}add/", {"id": "gold v1", "name": "Gold", "reason": "x"})
    assert answer.context["form"].errors["id"] == ["A plan's id has 1 to 32 of a-z, 0-9, _ and -."]


def test_subscriptions_are_filtered_by_state_and_told_by_what_they_come_to(biller: Client) -> None:
    make_organization("globex")
    subscriptions.set_state("globex", state="canceled", actor=SYSTEM)
    overrides.grant_grace("globex", until=timezone.now() + timedelta(9), actor=SYSTEM, reason="x")
    seen = text(biller.get(SUBSCRIPTIONS, {"state": "canceled"}))
    assert f"{SUBSCRIPTIONS}globex/change/" in seen
    assert f"{SUBSCRIPTIONS}acme/change/" not in seen
    assert ">grace<" in seen.replace("\n", "").replace(" ", "")


def test_a_subscription_leads_to_its_organizations_billing(biller: Client) -> None:
    assert biller.get(f"{SUBSCRIPTIONS}acme/change/")["Location"] == BILLING


@pytest.mark.parametrize("status", ["parked", "unknown_customer"])
def test_events_are_filtered_by_status(status: str, event: StripeEvent, biller: Client) -> None:
    seen = text(biller.get(EVENTS, {"status__exact": status}))
    assert ("evt_1" in seen) == (status == "parked")


@pytest.mark.parametrize("path", [EVENTS, PLANS])
def test_a_list_leads_to_rows_whose_ids_have_signs_that_are_quoted(path: str, biller: Client) -> None:
    make_event(id="evt_1AbC")
    plans.publish("gold_42", actor=SYSTEM, capabilities=[], limits={}, meters=[])
    [link] = re.findall(rf'href="({path}\w*_5F[14]\w+/change/)', text(biller.get(path)))
    page = biller.get(link)
    assert page.status_code == 200
    [button] = page.context["actions_detail"]
    assert biller.get(button["path"]).status_code == 200


def test_an_event_is_shown_with_its_payload_and_error(event: StripeEvent, biller: Client) -> None:
    seen = text(biller.get(f"{EVENTS}evt_1/change/"))
    assert "&quot;note&quot;: &quot;&lt;b&gt;&quot;" in seen
    assert "Stripe&#x27;s status golden is not known" in seen


def test_a_parked_event_is_tried_again(event: StripeEvent, biller: Client) -> None:
    assert f"{EVENTS}evt_5F1/retry/" in text(biller.get(f"{EVENTS}evt_1/change/"))
    assert said(biller.post(f"{EVENTS}evt_1/retry/", {"reason": "upgraded"})) == [
        "evt_1 waits to be processed."
    ]
    event.refresh_from_db()
    assert (event.status, event.attempts) == ("waiting", 0)
    assert AuditEvent.objects.get(verb="billing.retry").reason == "upgraded"
    assert "Only an event that was parked" in text(biller.get(f"{EVENTS}evt_1/retry/"))
    assert "Only an event that was parked" in text(biller.post(f"{EVENTS}evt_1/retry/", {"reason": "again"}))


@pytest.mark.parametrize(
    "path", [PLANS, SUBSCRIPTIONS, EVENTS, f"{TEAM}change/", f"{EVENTS}add/", f"{SUBSCRIPTIONS}add/"]
)
def test_nothing_is_edited_in_place(path: str, biller: Client) -> None:
    assert biller.post(path, {"name": "Gold"}).status_code in (403, 405)
