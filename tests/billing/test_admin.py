"""The admin's pages of billing: an organization's layers and buttons, plans, subscriptions, events."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing import overrides, plans, subscriptions
from billing.models import Override, StripeEvent, Subscription
from billing.overrides import Wanted
from pulse.models import AuditEvent
from tests.admin import GROUPS, queries, said, signed_in, text, who_may_open
from tests.billing.admin import (
    BASE,
    BILLING,
    EVENTS,
    PLANS,
    SUBSCRIPTIONS,
    TEAM,
    filled,
    in_days,
    make_event,
    now,
)
from tests.factories import SYSTEM, acting, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")

ALL = set(GROUPS)
BILLERS = {"billing", "admin"}
ON_ACME = [f"{BILLING}{name}/" for name in (
    "override", "extend_trial", "move_plan", "grant_grace", "set_subscription", "override/1/revoke",
)]  # fmt: skip
FORMS = [*ON_ACME, f"{PLANS}add/", f"{TEAM}publish/", f"{EVENTS}evt_1/retry/"]


@pytest.fixture(autouse=True)
def acme(database: None) -> None:
    make_organization("acme")


@pytest.fixture
def biller(database: None) -> Client:
    return signed_in("billing", email="bill@pulse.example")


@pytest.fixture
def event(database: None) -> StripeEvent:
    return make_event()


@pytest.fixture
def laid(database: None) -> Override:
    return overrides.add("acme", Wanted(limits={"seats": 7}), actor=SYSTEM, reason="asked by phone")


@pytest.mark.usefixtures("event")
@pytest.mark.parametrize(
    "path", [BILLING, PLANS, f"{TEAM}change/", SUBSCRIPTIONS, EVENTS, f"{EVENTS}evt_1/change/"]
)
def test_every_operator_reads(path: str) -> None:
    assert who_may_open(path) == ALL


@pytest.mark.usefixtures("event", "laid")
@pytest.mark.parametrize("path", FORMS)
def test_a_form_opens_to_who_bills(path: str) -> None:
    assert who_may_open(path.replace("override/1/", f"override/{Override.objects.get().pk}/")) == BILLERS


@pytest.mark.usefixtures("event", "laid")
@pytest.mark.parametrize("path", FORMS)
def test_a_forged_post_is_refused_to_all_other_groups(path: str) -> None:
    path = path.replace("override/1/", f"override/{Override.objects.get().pk}/")
    for group in ALL - BILLERS:
        sent = {"reason": "spite", "state": "active", "plan": "team v1", "until": in_days(9), "seen": "*"}
        assert signed_in(group).post(path, sent).status_code == 403
    assert (now().state, now().plan_version) == ("trial", "trial v1")
    assert Override.objects.standing().count() == 1
    assert StripeEvent.objects.get().status == "parked"


@pytest.mark.usefixtures("laid", "event")
@pytest.mark.parametrize("path", [BILLING, f"{TEAM}change/", f"{EVENTS}evt_1/change/"])
def test_support_sees_no_buttons(path: str) -> None:
    answer = signed_in("support").get(path)
    assert answer.context["actions_detail"] == []
    assert "/revoke/" not in text(answer)


def test_the_organizations_page_leads_to_its_billing(biller: Client) -> None:
    assert f'href="{BILLING}"' in text(biller.get(f"{BASE}change/"))


def test_every_part_is_told_with_its_origin(biller: Client) -> None:
    ann = acting(make_operator("billing", email="ann@pulse.example"))
    wanted = Wanted(
        plan="team",
        capabilities_added=["sso"],
        limits={"seats": 7},
        valid_until=timezone.now() + timedelta(9),
    )
    override = overrides.add("acme", wanted, actor=ann, reason="asked by phone")
    found = {part.name: (part.value, part.origin) for part in biller.get(BILLING).context["parts"]}
    assert found["State"] == ("trial", "subscription (manual)")
    assert found["Plan"][0] == "team v1"
    assert found["Members"] == ("7", found["Plan"][1])
    assert found["Plan"][1].startswith(f"override #{override.pk} by ann@pulse.example until ")
    assert found["Plan"][1].endswith(" UTC")
    assert found["Export of the audit log"] == ("yes", "plan team v1")
    assert found["Priority support"] == ("", "")


def test_the_layers_stand_from_top_to_bottom_with_who_why_and_whether_they_count(biller: Client) -> None:
    soon = timezone.now() + timedelta(days=3)
    overrides.add("acme", Wanted(state="active"), actor=SYSTEM, reason="first")
    overrides.add("acme", Wanted(plan="team", valid_from=soon), actor=SYSTEM, reason="second")
    gone = overrides.add("acme", Wanted(state="expired"), actor=SYSTEM, reason="third")
    overrides.revoke(gone.pk, actor=SYSTEM)
    standing = biller.get(BILLING).context["standing"]
    assert [(one.override.reason, one.state, one.author) for one in standing] == [
        ("second", "not yet", "job:test"), ("first", "in force", "job:test"),
    ]  # fmt: skip
    assert [one.says for one in standing] == [[("Plan", "team v1")], [("State", "active")]]


def test_what_is_over_says_why_there_is_no_service(biller: Client) -> None:
    subscriptions.set_state("acme", state="suspended", actor=SYSTEM)
    seen = text(biller.get(BILLING))
    assert "Suspended on trial v1: there is no service" in seen
    assert "answered 402, because of the subscription (manual)" in seen


def test_an_organization_without_a_record_has_the_default(biller: Client) -> None:
    Subscription.objects.all().delete()
    answer = biller.get(BILLING)
    assert "Because of the default" in text(answer) or "because of the default" in text(answer)
    assert answer.context["subscription"] is None


def test_an_override_is_laid_in_one_form(biller: Client) -> None:
    path = f"{BILLING}override/"
    until = in_days(30)
    sent = filled(
        biller, path, state="active", plan="team v1", part_sso="give", part_api="take",
        part_storage_gigabytes="take", limit_seats="70", valid_until=until,
    )  # fmt: skip
    answer = biller.post(path, sent)
    override = Override.objects.get()
    assert answer["Location"] == BILLING
    assert said(answer)[0].startswith(f"acme has override #{override.pk}.")
    effective = now()
    assert (effective.state, effective.plan_version, effective.limits["seats"]) == ("active", "team v1", 70)
    assert effective.capabilities == {"custom_roles", "audit_export", "sso"}
    assert effective.meters == {"api_requests"}
    assert f"{override.valid_until:%Y-%m-%dT%H:%M}" == until
    told = AuditEvent.objects.get(verb="billing.override")
    assert (told.door, told.reason, told.after["limits"]["seats"]) == ("admin", "agreed with sales", 70)


@pytest.mark.parametrize(
    ("typed", "field", "refusal"),
    [
        ({"state": "active", "reason": " "}, "reason", "This field is required."),
        ({"state": "golden"}, "state", "Select a valid choice."),
        ({"plan": "gold"}, "plan", "Select a valid choice."),
        ({"limit_seats": "-1"}, "limit_seats", "greater than or equal to 0"),
        ({"limit_seats": "1.5"}, "limit_seats", "Enter a whole number."),
        ({"part_sso": "steal"}, "part_sso", "Select a valid choice."),
        (
            {"state": "active", "valid_until": "2001-01-01T00:00"},
            "valid_until",
            "The end must be in the future",
        ),
        ({"state": "active", "valid_until": "tomorrow"}, "valid_until", "Enter a valid date/time."),
        ({}, "__all__", "An override changes at least one thing."),
    ],
)
def test_a_bad_override_is_refused_beside_the_field(
    typed: dict[str, str], field: str, refusal: str, biller: Client
) -> None:
    path = f"{BILLING}override/"
    answer = biller.post(path, filled(biller, path, **typed))
    assert refusal in answer.context["form"].errors[field][0]
    assert not Override.objects.exists()


@pytest.mark.parametrize(
    ("name", "typed"),
    [("override", {"limit_seats": "70"}), ("set_subscription", {"state": "active"})],
)
def test_the_second_of_two_operators_is_told_and_loses_nothing(
    name: str, typed: dict[str, str], biller: Client
) -> None:
    path = f"{BILLING}{name}/"
    sent = filled(biller, path, **typed)
    overrides.add("acme", Wanted(limits={"seats": 9}), actor=SYSTEM, reason="mine")
    answer = biller.post(path, sent)
    assert "Somebody has changed this since you read it." in text(answer)
    assert "agreed with sales" in text(answer)
    assert (now().state, now().limits["seats"]) == ("trial", 9)
    again = sent | {"seen": answer.context["form"]["seen"].value()}
    assert biller.post(path, again)["Location"] == BILLING


@pytest.mark.parametrize("name", ["override", "set_subscription"])
def test_a_form_without_a_version_changes_nothing(name: str, biller: Client) -> None:
    answer = biller.post(f"{BILLING}{name}/", {"state": "active", "reason": "x"})
    assert "Somebody has changed this" in text(answer)
    assert now().state == "trial"


def test_a_trial_is_extended(biller: Client) -> None:
    subscriptions.set_state("acme", state="expired", actor=SYSTEM)
    until = in_days(40)
    biller.post(f"{BILLING}extend_trial/", {"until": until, "reason": "needs time"})
    assert (now().state, f"{now().trial_ends_at:%Y-%m-%dT%H:%M}") == ("trial", until)


def test_extending_begins_with_two_weeks_after_the_trials_end(biller: Client) -> None:
    begins = biller.get(f"{BILLING}extend_trial/").context["form"]["until"].value()
    assert begins == (now().trial_ends_at + timedelta(days=14)).strftime("%Y-%m-%dT%H:%M")


def test_grace_is_granted(biller: Client) -> None:
    biller.post(f"{BILLING}grant_grace/", {"until": in_days(5), "reason": "the bank is slow"})
    assert (now().state, Override.objects.get().kind) == ("grace", "grace")


@pytest.mark.parametrize("name", ["extend_trial", "grant_grace"])
def test_an_end_in_the_past_is_refused_beside_it(name: str, biller: Client) -> None:
    answer = biller.post(f"{BILLING}{name}/", {"until": "2001-01-01T00:00", "reason": "x"})
    assert answer.context["form"].errors["until"] == [
        "The end must be in the future, and after the beginning."
    ]


def test_a_plan_is_moved(biller: Client) -> None:
    assert biller.get(f"{BILLING}move_plan/").context["form"]["plan"].value() == "trial v1"
    biller.post(f"{BILLING}move_plan/", {"plan": "business v1", "reason": "promised"})
    assert now().plan_version == "business v1"


def test_an_override_is_revoked_with_a_reason_and_once(laid: Override, biller: Client) -> None:
    path = f"{BILLING}override/{laid.pk}/revoke/"
    assert "This field is required." in text(biller.post(path, {"reason": ""}))
    answer = biller.post(path, {"reason": "no longer"})
    assert said(answer) == [f"Override #{laid.pk} is revoked."]
    assert now().limits["seats"] == 5
    assert "The override was revoked already." in text(biller.get(path))
    assert "The override was revoked already." in text(biller.post(path, {"reason": "again"}))


def test_another_organizations_override_is_not_found(laid: Override, biller: Client) -> None:
    make_organization("globex")
    path = f"/admin/tenants/organization/globex/billing/override/{laid.pk}/revoke/"
    assert biller.get(path).status_code == 404
    biller.post(path, {"reason": "spite"})
    assert now().limits["seats"] == 7


def test_a_manual_subscription_is_set(biller: Client) -> None:
    path = f"{BILLING}set_subscription/"
    biller.post(path, filled(biller, path, state="active", plan="team v1"))
    subscription = Subscription.objects.get(organization="acme")
    assert (subscription.state, str(subscription.plan_version), subscription.trial_ends_at) == (
        "active", "team v1", None,
    )  # fmt: skip


def test_a_subscription_of_stripes_is_not_set_by_hand(biller: Client) -> None:
    Subscription.objects.filter(organization="acme").update(source="stripe")
    path = f"{BILLING}set_subscription/"
    assert path not in text(biller.get(BILLING))
    assert "Stripe manages this subscription" in text(biller.get(path))
    sent = filled(biller, path, state="canceled")
    assert "Stripe manages this subscription" in text(biller.post(path, sent))
    assert now().state == "trial"


def test_the_history_tells_what_changed_and_why(biller: Client) -> None:
    overrides.add("acme", Wanted(limits={"seats": 7}), actor=SYSTEM, reason="asked by phone")
    seen = text(biller.get(BILLING))
    assert "limits seats: <del>5</del> → <ins>7</ins>" in seen
    assert "<q>asked by phone</q>" in seen


@pytest.mark.usefixtures("event", "laid")
@pytest.mark.parametrize("path", [BILLING, PLANS, f"{TEAM}change/", SUBSCRIPTIONS, EVENTS])
def test_a_page_takes_as_many_queries_for_many_rows_as_for_few(path: str, biller: Client) -> None:
    few = queries(biller, path)
    kind = StripeEvent.objects.get().type
    for number in range(5):
        make_organization(f"org{number}")
        overrides.add("acme", Wanted(limits={"seats": number + 10}), actor=SYSTEM, reason="x")
        overrides.add(f"org{number}", Wanted(plan="team"), actor=SYSTEM, reason="x")
        StripeEvent.objects.create(id=f"evt_{number}0", type=kind, created=timezone.now(), payload={})
        plans.publish("team", actor=SYSTEM, capabilities=["api"], limits={}, meters=[])
    assert queries(biller, path) == few < 20
