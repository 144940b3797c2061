"""The palette: everything is found by what an operator has at hand, by those who may open it alone."""

import re

import pytest
from django.test import Client

from billing.models import Source, State, Subscription
from pulse.models import AuditEvent
from tenants import lifecycle, tokens
from tenants.models import Organization, User
from tests.admin import signed_in, text
from tests.billing.admin import make_event
from tests.factories import SYSTEM, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")

ORGANIZATION = "/admin/tenants/organization/"


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin")


def found(client: Client, words: str) -> list[str]:
    """Where the lines of the palette lead."""
    return re.findall(r'href="([^"]+)"', text(client.get("/admin/search/", {"s": words, "extended": "1"})))


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("audit", "/admin/pulse/auditevent/"),
        ("Stripe", "/admin/billing/stripeevent/"),
        ("shut hosted", "/admin/pulse/killswitch/kill/"),
        ("add org", f"{ORGANIZATION}add/"),
    ],
)
def test_pages_and_actions_are_found_by_their_names(words: str, page: str, admin: Client) -> None:
    assert page in found(admin, words)


@pytest.mark.parametrize("words", ["blue-sky", "blue", "BLUE-SKY", "sky ltd", "owner@blue-sky.example"])
def test_an_organization_is_found_by_its_id_name_or_owner(words: str, admin: Client) -> None:
    make_organization("blue-sky", name="Blue Sky Ltd")
    make_organization("acme")
    assert f"{ORGANIZATION}blue-sky/change/" in found(admin, words)
    assert f"{ORGANIZATION}acme/change/" not in found(admin, words)


def test_an_organization_is_found_once(admin: Client) -> None:
    make_organization("acme", email="acme@acme.example")
    assert found(admin, "acme").count(f"{ORGANIZATION}acme/change/") == 1


@pytest.mark.parametrize("words", ["suspend acme", "extend trial acme", "back up acme"])
def test_an_action_on_an_organization_is_found_by_its_words(words: str, admin: Client) -> None:
    make_organization("acme")
    action = words.removesuffix(" acme").replace(" ", "_")
    assert [page.split("/")[-2] for page in found(admin, words)] == [action]


def test_an_action_is_not_offered_where_it_does_not_apply(admin: Client) -> None:
    make_organization("acme")
    lifecycle.suspend("acme", actor=SYSTEM)
    assert f"{ORGANIZATION}acme/suspend/" not in found(admin, "suspend acme")
    assert f"{ORGANIZATION}acme/unsuspend/" in found(admin, "unsuspend acme")


def test_a_person_is_found_by_their_address(admin: Client) -> None:
    make_organization("acme")
    owner = User.objects.get(email="owner@acme.example")
    assert f"/admin/tenants/user/{owner.pk}/change/" in found(admin, "Owner@acme")


def test_a_token_is_found_by_its_beginning_or_by_the_whole_of_it(admin: Client) -> None:
    token, whole = tokens.create_for_operator(make_operator(), actor=SYSTEM, scopes=["read"])
    page = f"/admin/tenants/apitoken/{token.pk}/change/"
    assert found(admin, token.prefix) == found(admin, whole) == [page]


def test_billing_is_found_by_stripes_ids(admin: Client) -> None:
    make_organization("acme")
    Subscription.objects.update_or_create(
        organization=Organization.objects.get(id="acme"),
        defaults={"source": Source.STRIPE, "state": State.ACTIVE, "stripe_customer": "cus_AbC"},
    )
    event = make_event()
    assert found(admin, "cus_AbC") == [f"{ORGANIZATION}acme/billing/"]
    assert found(admin, event.id) == [f"/admin/billing/stripeevent/{event.id.replace('_', '_5F')}/change/"]


def test_the_audit_log_is_found_by_number_and_by_request(admin: Client) -> None:
    make_organization("acme")
    answer = admin.post(f"{ORGANIZATION}acme/suspend/", {"reason": "leak"})
    request_id = answer["X-Request-ID"]
    event = AuditEvent.objects.filter(request_id=request_id).get()
    page = f"/admin/pulse/auditevent/{event.sequence}/change/"
    assert found(admin, f"#{event.sequence}")[0] == found(admin, str(event.sequence))[0] == page
    assert found(admin, request_id) == [f"/admin/pulse/auditevent/?q={request_id}"]


@pytest.mark.parametrize("words", ["nothing of that name", "\x00", "9" * 30, "%", "'; --", " "])
def test_what_is_not_there_is_not_found(words: str, admin: Client) -> None:
    assert found(admin, words) == []


def test_nobody_finds_what_they_may_not_open() -> None:
    token, _ = tokens.create_for_operator(make_operator(), actor=SYSTEM, scopes=["read"])
    make_organization("acme")
    support = signed_in("support")
    assert f"{ORGANIZATION}acme/change/" in found(support, "acme")
    assert found(support, "suspend acme") == found(support, "shut hosted") == []
    outsider = make_operator("support")
    outsider.groups.clear()
    client = Client()
    client.force_login(outsider)
    words = ("acme", "owner@acme.example", token.prefix, "1", "audit")
    assert [found(client, one) for one in words] == [[]] * len(words)


def test_a_permission_that_is_lost_is_lost_at_once() -> None:
    make_organization("acme")
    operator = make_operator("support")
    client = Client()
    client.force_login(operator)
    assert found(client, "acme")
    operator.groups.clear()
    assert found(client, "acme") == []


def test_strangers_search_nothing() -> None:
    assert Client().get("/admin/search/", {"s": "acme"}).status_code == 302
