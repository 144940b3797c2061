"""What an organization's administrator sets up over HTTP; the client secret goes in and never comes out."""

import pytest
from django.test import Client

from pulse.models import AuditEvent
from tenants.models import Membership
from tests.api import Caller, code
from tests.factories import make_member, make_organization, member_token, owner_of
from tests.needs import oidc_provider
from tests.rbac.callers import make_role
from tests.tenants.accounts.people import PASSWORD
from tests.tenants.sso.provider import SECRET, Provider

pytestmark = pytest.mark.usefixtures("database")

SSO = "/api/org/sso"
CONNECTION = {"issuer": "https://idp.example", "client_id": "pulse", "client_secret": SECRET}


@pytest.fixture
def owner(database: None) -> Caller:
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


@pytest.fixture
def connected(connect) -> Caller:
    connect("acme", issuer="https://idp.example")
    return Caller(Client(), member_token("acme"))


def test_before_anything_is_there_it_says_what_is_missing_and_where_the_provider_leads_back(owner) -> None:
    shown = owner.get(SSO).json()
    assert shown["missing"] == ["connection", "domain", "groups", "emergency_owner"]
    assert shown["redirect_uri"].endswith("/account/sso/acme/callback/")
    assert (shown["issuer"], shown["has_secret"], shown["enabled"]) == ("", False, False)
    assert code(owner.post(f"{SSO}/enable")) == (404, "sso_not_found")


def test_a_kept_secret_goes_to_no_other_issuer(connected) -> None:
    other = {"issuer": "https://other.example", "client_id": "pulse"}
    assert code(connected.put(SSO, other)) == (400, "sso_secret_needed")
    assert connected.get(SSO).json()["issuer"] == "https://idp.example"
    assert connected.put(SSO, other | {"client_secret": SECRET}).status_code == 200
    assert connected.put(SSO, other | {"session_minutes": 60}).status_code == 200


def test_it_is_set_up_step_by_step(owner, connect) -> None:
    assert owner.put(SSO, CONNECTION).json()["missing"] == ["domain", "groups", "emergency_owner"]
    pairs = [{"group": "engineers", "role": "operator"}]
    assert owner.put(f"{SSO}/groups", {"groups": pairs}).json() == {"groups": pairs}
    assert owner.get(f"{SSO}/groups").json() == {"groups": pairs}
    person = owner_of("acme")
    person.set_password(PASSWORD)
    person.save()
    named = owner.put(f"{SSO}/emergency-owner", {"user": str(person.public_id)}).json()
    assert (named["emergency_owner"], named["missing"]) == (str(person.public_id), ["domain"])
    assert code(owner.post(f"{SSO}/enable")) == (409, "sso_not_ready")
    person.memberships.get().organization.domain_claims.create(
        domain="acme.example", verified_at=person.date_joined
    )
    assert owner.post(f"{SSO}/enable").json()["enabled"] is True
    assert owner.post(f"{SSO}/require").json()["sso_only"] is True
    assert owner.post(f"{SSO}/allow-passwords").json()["sso_only"] is False
    assert owner.post(f"{SSO}/disable").json()["enabled"] is False
    assert owner.delete(SSO).status_code == 204
    assert owner.get(SSO).json()["issuer"] == ""


def test_the_secret_never_comes_back(connected: Caller) -> None:
    answers = [
        connected.put(SSO, CONNECTION),
        connected.put(SSO, CONNECTION | {"client_secret": 7}),
        connected.get(SSO),
        connected.get("/api/org/changes"),
    ]
    assert answers[2].json()["has_secret"] is True
    kept = [str(event.before) + str(event.after) for event in AuditEvent.objects.all()]
    assert not any(SECRET in text for text in [*(answer.content.decode() for answer in answers), *kept])


def test_an_empty_secret_keeps_the_present_one(connected: Caller) -> None:
    kept = {"issuer": "https://idp.example", "client_id": "pulse", "session_minutes": 60}
    assert connected.put(SSO, kept).json()["session_minutes"] == 60


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (CONNECTION | {"session_minutes": 1}, "invalid_sso_connection"),
        (CONNECTION | {"issuer": ["https://idp.example"]}, "invalid_sso_connection"),
        (CONNECTION | {"client_secret": ""}, "sso_secret_needed"),
    ],
)
def test_what_is_not_well_formed_is_refused_by_its_code(owner, body, refusal) -> None:
    assert code(owner.put(SSO, body)) == (400, refusal)
    assert owner.get(SSO).json()["has_secret"] is False


def test_a_role_that_is_not_there_is_given_to_no_group(connected: Caller) -> None:
    pairs = [{"group": "engineers", "role": "nothing-of-ours"}]
    assert code(connected.put(f"{SSO}/groups", {"groups": pairs})) == (400, "unknown_roles")
    assert connected.get(f"{SSO}/groups").json()["groups"][0]["role"] == "admin"


def test_settings_alone_name_no_provider(connected: Caller) -> None:
    make_role("settler", ("write", "settings"), ("read", "settings"))
    settler = Caller(Client(), member_token("acme", make_member("acme", roles=["settler"])))
    assert settler.get(SSO).status_code == 200
    for answer in (settler.put(SSO, CONNECTION), settler.post(f"{SSO}/test"), settler.post(f"{SSO}/disable")):
        assert code(answer) == (403, "permission_denied")


def test_nobody_of_another_organization_sees_or_releases_anybody(connected: Caller) -> None:
    make_organization("rival")
    rival = Caller(Client(), member_token("rival"))
    assert rival.get(SSO).json()["issuer"] == ""
    bob = make_member("acme", roles=["viewer"])
    assert code(rival.post(f"{SSO}/members/{bob.public_id}/release")) == (409, "not_a_member")
    stranger = {"user": str(owner_of("acme").public_id)}
    assert code(rival.put(f"{SSO}/emergency-owner", stranger)) == (409, "not_a_member")


def test_whom_the_provider_has_let_in_is_listed_and_released(connected: Caller) -> None:
    bob = make_member("acme", roles=["viewer"])
    Membership.objects.filter(user=bob).update(vouched_until="2026-01-01T00:00:00Z")
    [listed] = connected.get(f"{SSO}/members").json()["results"]
    assert (listed["id"], listed["vouched_until"]) == (str(bob.public_id), "2026-01-01T00:00:00Z")
    assert connected.post(f"{SSO}/members/{bob.public_id}/release").json()["vouched_until"] is None
    assert connected.get(f"{SSO}/members").json()["results"] == []


def refusals(caller: Caller) -> list[str]:
    tested = caller.post(f"{SSO}/test").json()
    assert tested["passed"] == (not tested["checks"][-1]["refusal"])
    return [check["refusal"] for check in tested["checks"]]


@oidc_provider
def test_a_sound_provider_passes_every_check(acme, provider: Provider) -> None:
    assert refusals(Caller(Client(), member_token("acme"))) == [""] * 5


@oidc_provider
def test_another_issuer_is_told_before_anybody_signs_in(acme, provider: Provider) -> None:
    provider.answers(issuer="https://elsewhere.example")
    assert (
        refusals(Caller(Client(), member_token("acme")))[-1]
        == "It says that it is 'https://elsewhere.example'."
    )


@pytest.mark.parametrize(
    "issuer", ["https://127.0.0.1", "https://169.254.169.254", "https://[::ffff:10.0.0.1]"]
)
def test_no_address_within_the_network_is_asked(connected: Caller, settings, issuer: str) -> None:
    settings.PULSE_SSO_PRIVATE_ISSUERS = False
    connected.put(SSO, CONNECTION | {"issuer": issuer})
    assert refusals(connected) == ["The sign-in's address is not a public https address."]


def test_a_provider_that_does_not_answer_is_told(connected: Caller) -> None:
    connected.put(SSO, CONNECTION | {"issuer": "http://127.0.0.1:9"})
    [told] = refusals(connected)
    assert told == "http://127.0.0.1:9/.well-known/openid-configuration does not answer, or not in time."


def test_a_provider_is_asked_only_so_often(connected: Caller) -> None:
    connected.put(SSO, CONNECTION | {"issuer": "http://127.0.0.1:9"})
    answers = [connected.post(f"{SSO}/test").status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
