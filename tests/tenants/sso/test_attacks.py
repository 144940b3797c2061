"""What a sign-in by an organization's provider withstands: its people's tricks, its own, and strangers'."""

import socket

import pytest
import requests
from django.test import Client

from pulse.models import AuditEvent
from tenants.models import Membership, User
from tenants.sso import configuration, errors, network
from tests.factories import acting, make_operator, make_organization, owner_of
from tests.needs import oidc_provider
from tests.tenants.accounts.people import PASSWORD, make_person
from tests.tenants.sso.provider import (
    ANN,
    SECRET,
    Provider,
    begin,
    come_back,
    refusal_of,
    sign_in,
    with_parameters,
)

pytestmark = [pytest.mark.usefixtures("database"), oidc_provider]


def is_anybody(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def refusals() -> list[str]:
    """What acme's administrator sees of them."""
    events = AuditEvent.objects.filter(organization="acme", verb="sso.refused").order_by("sequence")
    return [event.after["code"] for event in events]


def test_an_answer_is_taken_once_and_a_code_is_good_once(acme, provider: Provider, browser) -> None:
    answer = provider.lets_in(begin(browser), "ann")
    assert come_back(browser, answer).status_code == 302
    assert refusal_of(come_back(browser, answer)) == (400, "sso_state_unknown")
    other = Client()
    fresh = with_parameters(provider.lets_in(begin(other), "ann"))
    spent = with_parameters(fresh, code=_code(answer))
    assert refusal_of(come_back(other, spent)) == (502, "sso_provider_failed")
    assert not is_anybody(other)


def test_an_answer_is_of_the_browser_that_began(acme, provider: Provider, browser) -> None:
    answer = provider.lets_in(begin(browser), "ann")
    begin(victim := Client())
    assert refusal_of(come_back(victim, answer)) == (400, "sso_state_unknown")
    assert not is_anybody(victim)
    forged = with_parameters(answer, state="of nobody")
    assert refusal_of(come_back(browser, forged)) == (400, "sso_state_unknown")
    assert refusals() == ["sso_state_unknown", "sso_state_unknown"]


def test_another_nonce_is_refused(acme, provider: Provider, browser) -> None:
    address = with_parameters(begin(browser), nonce="of another sign-in")
    answer = come_back(browser, provider.lets_in(address, "ann"))
    assert refusal_of(answer) == (403, "sso_token_refused")
    assert not is_anybody(browser)


def test_a_code_that_another_browser_asked_for_is_refused(acme, provider: Provider, browser) -> None:
    """By the verifier, which never leaves the session: the thief has the code and a state of their own."""
    stolen = provider.lets_in(begin(browser), "ann")
    thief = Client()
    own = with_parameters(provider.lets_in(begin(thief), "ann"), code=_code(stolen))
    assert refusal_of(come_back(thief, own)) == (502, "sso_provider_failed")


def test_a_provider_that_names_another_issuer_is_not_used(acme, provider: Provider, browser) -> None:
    provider.answers(issuer="https://evil.example")
    assert refusal_of(browser.get("/account/sso/acme/")) == (502, "sso_issuer_mismatch")
    provider.answers()
    answer = with_parameters(provider.lets_in(begin(browser), "ann"), iss="https://evil.example")
    assert refusal_of(come_back(browser, answer)) == (502, "sso_issuer_mismatch")


def test_a_token_of_another_key_is_refused(acme, provider: Provider, browser) -> None:
    answer = provider.lets_in(begin(browser), "ann")
    provider.answers(keysAreForeign=True)
    assert refusal_of(come_back(browser, answer)) == (403, "sso_token_refused")
    assert not User.objects.filter(email=ANN["email"]).exists()


@pytest.mark.parametrize(
    "lies",
    [
        {"token": {}, "algorithm": "none"},
        {"token": {}, "algorithm": "HS256"},
        {"token": {"iss": "https://evil.example"}},
        {"token": {"aud": "another client"}},
        {"token": {"aud": ["pulse", "another client"], "azp": "another client"}},
        {"token": {"exp": 1_700_000_000}},
        {"token": {"nonce": None}},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(acme, provider: Provider, browser, lies) -> None:
    provider.answers(**lies)
    assert refusal_of(sign_in(provider, client=browser)) == (403, "sso_token_refused")
    assert not is_anybody(browser)


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"email_verified": False}, "sso_email_unverified"),
        ({"email_verified": None}, "sso_email_unverified"),
        ({"email": None}, "sso_email_unverified"),
        ({"email": "owner@beta.example"}, "sso_email_elsewhere"),
        ({"groups": ["engineers"] * 501}, "sso_claims_refused"),
        ({"groups": ["engineers", "g" * 256]}, "sso_claims_refused"),
        ({"groups": [{"name": "engineers"}]}, "sso_claims_refused"),
        ({"groups": ["engineers"], "name": "n" * 40_000}, "sso_claims_refused"),
    ],
)
def test_what_a_provider_says_of_a_person_is_not_believed(acme, provider, browser, claims, refusal) -> None:
    make_organization("beta")
    provider.knows(ann={name: value for name, value in (ANN | claims).items() if value is not None})
    before = User.objects.count()
    assert refusal_of(sign_in(provider, client=browser)) == (403, refusal)
    assert not is_anybody(browser)
    assert User.objects.count() == before
    assert refusals() == [refusal]


def test_no_account_of_another_organization_is_taken_over(acme, provider: Provider, browser) -> None:
    person = make_person(ANN["email"])
    Membership.objects.create(user=person, organization=make_organization("beta"))
    assert refusal_of(sign_in(provider, client=browser)) == (403, "sso_account_elsewhere")
    assert not is_anybody(browser)
    assert not Membership.objects.filter(user=person, organization="acme").exists()


def test_another_subject_with_the_same_address_is_somebody_else(acme, provider: Provider, browser) -> None:
    provider.knows(eve=ANN)
    sign_in(provider, client=browser)
    assert refusal_of(sign_in(provider, "eve", client=Client())) == (403, "sso_account_elsewhere")


def test_an_operator_never_comes_in_so(acme, provider: Provider, browser) -> None:
    make_operator(email=ANN["email"])
    assert refusal_of(sign_in(provider, client=browser)) == (403, "sso_account_elsewhere")
    assert not is_anybody(browser)


def test_who_becomes_an_operator_has_no_power_in_such_a_session(acme, provider: Provider, browser) -> None:
    sign_in(provider, client=browser)
    User.objects.filter(email=ANN["email"]).update(is_staff=True, is_superuser=True)
    assert browser.get("/admin/", follow=True).status_code == 403
    assert browser.get("/api/admin/orgs").status_code == 403


def test_one_who_was_shut_out_stays_out(acme, provider: Provider, browser) -> None:
    sign_in(provider, client=Client())
    User.objects.filter(email=ANN["email"]).update(is_active=False)
    assert refusal_of(sign_in(provider, client=browser)) == (403, "sso_account_elsewhere")


def test_the_owner_for_emergencies_comes_by_password_alone(acme, provider: Provider, browser) -> None:
    provider.knows(ann=ANN | {"email": "owner@acme.example", "groups": ["engineers"]})
    assert refusal_of(sign_in(provider, client=browser)) == (403, "sso_emergency_owner_by_password")
    answer = browser.post("/account/login/", {"login": "owner@acme.example", "password": PASSWORD})
    assert answer.status_code == 302


def test_the_way_back_is_not_taken_from_the_request(acme, browser, settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    answer = browser.get("/account/sso/acme/", headers={"host": "evil.example"})
    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A8000%2Faccount%2Fsso%2Facme" in answer["Location"]
    assert "code_challenge_method=S256" in answer["Location"]


def test_the_secret_is_sealed_where_it_is_kept(acme) -> None:
    connection = configuration.connection_of("acme")
    assert "secret" not in connection.sealed_secret
    assert connection.sealed_secret.startswith("gAAAA")
    told = str([(event.before, event.after) for event in AuditEvent.objects.all()])
    assert "a secret that the provider" not in told


@pytest.mark.parametrize(
    "issuer",
    ["https://127.0.0.1", "https://10.0.0.8", "https://169.254.169.254/latest", "https://[::1]",
     "https://[::ffff:127.0.0.1]", "https://localhost", "https://[64:ff9b::7f00:1]"],
)  # fmt: skip
def test_no_address_within_the_network_is_asked(settings, issuer) -> None:
    settings.PULSE_SSO_PRIVATE_ISSUERS = False
    with pytest.raises(errors.AddressRefused):
        network.Session().get(issuer)


@pytest.mark.parametrize(
    ("answers", "reached"),
    [
        ([["93.184.215.14"], ["127.0.0.1"]], ["93.184.215.14"]),
        ([["93.184.215.14", "127.0.0.1"]], []),
        ([["127.0.0.1"], ["93.184.215.14"]], []),
    ],
)
def test_a_name_reaches_only_what_was_looked_at(monkeypatch, settings, answers, reached) -> None:
    settings.PULSE_SSO_PRIVATE_ISSUERS = False
    told, connected = iter(answers), []

    def resolve(host: str, port: int, **more: object) -> list[tuple]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in next(told)]

    def connect(address: tuple[str, int], **more: object) -> socket.socket:
        connected.append(address[0])
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises((errors.AddressRefused, requests.ConnectionError)):
        network.Session().get("https://rebinding.example")
    assert connected == reached


def test_no_log_has_the_secret_or_a_code(acme, provider: Provider, browser, caplog, capfd) -> None:
    caplog.set_level("DEBUG")
    answer = provider.lets_in(begin(browser), "ann")
    come_back(browser, answer)
    provider.answers(keysAreForeign=True)
    sign_in(provider, client=Client())
    logged = caplog.text + "".join(capfd.readouterr())
    assert "/token" in logged
    assert SECRET not in logged
    assert _code(answer) not in logged


@pytest.mark.parametrize(
    "issuer", ["http://idp.example", "ftp://idp.example", "https://a:b@idp.example", "https:"]
)
def test_an_issuer_is_a_public_https_address(acme, settings, issuer) -> None:
    settings.PULSE_SSO_PRIVATE_ISSUERS = False
    with pytest.raises(errors.InvalidConnection):
        configuration.configure("acme", issuer=issuer, client_id="x", actor=acting(owner_of("acme")))


def test_a_provider_leads_nowhere_else_and_is_not_read_without_end(provider: Provider) -> None:
    assert network.Session().get(provider.issuer + "/away").status_code == 302
    with pytest.raises(errors.ProviderFailed):
        network.Session().get(provider.issuer + "/large")


def test_a_broken_provider_is_a_page_with_the_requests_id(acme, browser) -> None:
    named = {"issuer": "http://127.0.0.1:9", "client_id": "x", "client_secret": SECRET}
    configuration.configure("acme", **named, actor=acting(owner_of("acme")))
    answer = browser.get("/account/sso/acme/")
    assert refusal_of(answer) == (502, "sso_provider_failed")
    assert answer["X-Request-ID"] in answer.content.decode()
    assert refusals() == ["sso_provider_failed"]


def _code(answer: str) -> str:
    return answer.partition("code=")[2].partition("&")[0]
