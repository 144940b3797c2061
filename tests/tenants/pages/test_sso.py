"""The page of single sign-on: set up step by step, by whoever may, with every refusal on it."""

import re
import socket

import pytest
from django.test import Client

from pulse import audit
from tenants.models import Membership, SsoGroup
from tenants.sso import configuration
from tests.admin import text
from tests.factories import SYSTEM, make_member, make_organization, owner_of
from tests.rbac.callers import make_role
from tests.tenants.accounts.people import PASSWORD
from tests.tenants.pages.browsers import browser_of, offered, refusal
from tests.tenants.sso import dns_server
from tests.tenants.sso.conftest import connected

pytestmark = pytest.mark.usefixtures("database")

SSO = "/organization/sso/"
ISSUER, SECRET = "https://idp.example", "a secret that nobody reads again"
PROVIDER = {
    "issuer": ISSUER, "client_id": "pulse", "client_secret": SECRET, "groups_claim": "groups",
    "session_minutes": 60,
}  # fmt: skip


@pytest.fixture
def owner(database: None) -> Client:
    """The browser of acme's owner, who has a password."""
    make_organization("acme")
    person = owner_of("acme")
    person.set_password(PASSWORD)
    person.save()
    return browser_of(person)


@pytest.fixture
def set_up(database: None) -> Client:
    """The same, where all is set up and enabled."""
    connected("acme", issuer=ISSUER)
    return browser_of(owner_of("acme"))


def do(browser: Client, verb: str, **given: object) -> str:
    """What the next page says."""
    answer = browser.post(f"{SSO}{verb}/", given, follow=True)
    assert answer.status_code == 200, refusal(answer)
    [said] = re.findall(r'<p class="success">(.*?)</p>', text(answer), re.DOTALL)
    return said


def test_it_begins_with_what_is_to_be_done_and_where_the_provider_leads_back(owner: Client) -> None:
    page = text(owner.get(SSO))
    assert "/account/sso/acme/callback/" in page
    assert page.count(">to do<") == 2
    assert {"Claim a domain", "Name the provider"} <= offered(owner.get(SSO))


def test_where_people_come_in_is_not_taken_from_the_request(set_up: Client, settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    page = text(set_up.get(SSO, headers={"host": "evil.example"}))
    assert "<code>http://127.0.0.1:8000/account/sso/acme/</code>" in page
    assert "evil.example" not in page


def test_it_is_set_up_enabled_and_required_by_its_pages(owner: Client, settings) -> None:
    do(owner, "domain-claim", domain="acme.example")
    name, published = re.findall(
        r"<code>(_pulse-verification\S+?|pulse-verification=\S+?)</code>", text(owner.get(SSO))
    )
    with dns_server.serving() as records:
        settings.PULSE_DNS_SERVERS = [records.address]
        records[name] = [published]
        [claim] = re.findall(r"/organization/sso/(domains/\d+/check)/", text(owner.get(SSO)))
        assert "is proven to be yours" in do(owner, claim)
    do(owner, "configure", **PROVIDER)
    do(owner, "group-add", group="engineers", role="operator")
    assert "Enable sign-in" not in offered(owner.get(SSO))
    do(owner, "emergency-owner", owner=str(owner_of("acme").public_id))
    assert "Enable sign-in" in offered(owner.get(SSO))
    do(owner, "enable")
    do(owner, "require")
    page = text(owner.get(SSO))
    assert "Your provider alone lets people in." in page
    assert SECRET not in page
    do(owner, "allow-passwords")
    do(owner, "disable")
    do(owner, "remove")
    assert "Name the provider" in offered(owner.get(SSO))


def test_the_secret_is_in_no_form(set_up: Client) -> None:
    form = text(set_up.get(f"{SSO}configure/"))
    assert ISSUER in form
    assert "a secret" not in form


def test_a_group_loses_one_role_and_keeps_the_others(set_up: Client) -> None:
    do(set_up, "group-take", group="admins", role="admin")
    assert list(SsoGroup.objects.values_list("group", "role")) == [("engineers", "operator")]


@pytest.mark.parametrize(
    ("verb", "given", "refused"),
    [
        ("configure", PROVIDER | {"issuer": "ftp://idp.example"}, (400, "invalid_sso_connection")),
        (
            "configure",
            PROVIDER | {"issuer": "https://other.example", "client_secret": ""},
            (400, "sso_secret_needed"),
        ),
        ("domain-claim", {"domain": "gmail.com"}, (400, "domain_refused")),
        ("domain-claim", {"domain": "acme.example"}, (409, "already_claimed")),
        ("group-add", {"group": "a\tb", "role": "viewer"}, (400, "invalid_sso_groups")),
    ],
)
def test_a_refusal_is_at_the_field_that_it_blames(set_up: Client, verb, given, refused) -> None:
    answer = set_up.post(f"{SSO}{verb}/", given)
    assert f"({refused[0]} {refused[1]})" in text(answer)
    assert answer.status_code == refused[0]
    assert "aria-invalid" in text(answer)


def test_a_test_says_what_the_provider_does_wrong(set_up: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    do(set_up, "configure", **PROVIDER | {"issuer": f"http://127.0.0.1:{port}"})
    page = text(set_up.post(f"{SSO}test/"))
    assert "The provider cannot be used yet" in page
    assert "does not answer, or not in time." in page


def test_people_of_the_provider_are_ended_and_released(set_up: Client) -> None:
    bob = make_member("acme", roles=["viewer"])
    Membership.objects.filter(user=bob).update(vouched_until="2099-01-01T00:00:00Z")
    assert bob.email in text(set_up.get(SSO))
    do(set_up, f"members/{bob.public_id}/end")
    assert Membership.objects.get(user=bob).signed_out_at is not None
    do(set_up, f"members/{bob.public_id}/release")
    assert Membership.objects.get(user=bob).vouched_until is None


def test_who_was_refused_and_why_is_shown_with_the_request(set_up: Client) -> None:
    audit.record("sso.refused", actor=SYSTEM, organization="acme", after={"code": "sso_no_group"})
    audit.record("sso.refused", actor=SYSTEM, organization="rival", after={"code": "sso_account_elsewhere"})
    page = text(set_up.get(SSO))
    assert "sso_no_group" in page
    assert "sso_account_elsewhere" not in page


def test_a_reader_of_settings_sees_it_and_is_offered_nothing(set_up: Client) -> None:
    make_role("auditor-of-settings", ("read", "settings"))
    reader = browser_of(make_member("acme", roles=["auditor-of-settings"]))
    assert ISSUER in text(reader.get(SSO))
    assert offered(reader.get(SSO)) == {"the sign-in of organizations"}
    assert refusal(reader.post(f"{SSO}disable/")) == (403, "permission_denied")


def test_one_without_the_settings_does_not_see_it(set_up: Client) -> None:
    assert refusal(browser_of(make_member("acme")).get(SSO)) == (403, "permission_denied")


def test_another_organizations_claims_and_people_are_not_there(set_up: Client) -> None:
    make_organization("rival")
    rival = browser_of(owner_of("rival"))
    claim = configuration.domains.DomainClaim.objects.get()
    for part in (
        f"domains/{claim.pk}/check",
        f"domains/{claim.pk}/release",
        f"members/{owner_of('acme').public_id}/end",
    ):
        assert rival.post(f"{SSO}{part}/").status_code == 404
    assert ISSUER not in text(rival.get(SSO))


def test_what_lets_people_in_asks_for_a_recent_sign_in(set_up: Client) -> None:
    session = set_up.session
    session["account_authentication_methods"] = [
        one | {"at": one["at"] - 3600} for one in session["account_authentication_methods"]
    ]
    session.save()
    answer = set_up.post(f"{SSO}disable/")
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert configuration.connection_of("acme").enabled
