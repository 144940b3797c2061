"""Second factors: enrolled, asked for, and required of operators outside development."""

import json
import time
from hashlib import sha256

import pytest
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django_tasks_db.models import DBTaskResult
from fido2.webauthn import (
    AuthenticationResponse,
    AuthenticatorAssertionResponse,
    AuthenticatorData,
    CollectedClientData,
)

from pulse import sealing
from pulse.models import AuditEvent
from tenants.models import User
from tests.api import Caller, code
from tests.factories import make_operator, operator_token
from tests.tenants.accounts.people import PAGE, PASSWORD, browser_of, make_person, post_comes, sign_in
from tests.tenants.scrape import value_of

pytestmark = pytest.mark.usefixtures("database")

REQUIRED = pytest.mark.usefixtures("required")


@pytest.fixture
def required(settings) -> None:
    settings.PULSE_REQUIRE_OPERATOR_MFA = True


@pytest.fixture
def operator():
    person = make_operator("admin")
    person.set_password(PASSWORD)
    person.save()
    return person


def code_of(secret: str, *, at: float | None = None) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, int(at or time.time()) // 30))


def enrol(client: Client) -> str:
    """Add an authenticator app; its secret."""
    client.get("/account/2fa/totp/activate/")
    secret = client.session["mfa.totp.secret"]
    answer = client.post("/account/2fa/totp/activate/", {"code": code_of(secret)})
    assert answer.status_code == 302, answer.content.decode()
    return secret


@REQUIRED
def test_an_operator_without_a_factor_can_only_enrol(operator) -> None:
    client = browser_of(operator)
    assert client.get("/admin/", follow=True).request["PATH_INFO"] == "/account/2fa/"
    assert client.get("/admin/tenants/organization/").status_code == 302
    assert code(client.get("/api/admin/orgs", headers={"accept": "*/*"})) == (403, "second_factor_required")


@REQUIRED
def test_with_one_they_are_let_in(operator) -> None:
    client = browser_of(operator)
    enrol(client)
    assert client.get("/admin/").status_code == 200
    assert client.get("/api/admin/orgs", headers={"accept": "*/*"}).status_code == 200


@REQUIRED
def test_while_redis_is_gone_they_sign_in_with_one_and_a_code_is_used_once(operator, settings) -> None:
    gone = "redis://127.0.0.1:1/0"
    settings.REDIS_URL = gone
    settings.CACHES = {"default": {"BACKEND": "pulse.caches.RedisOrMemory", "LOCATION": gone}}
    secret = enrol(browser_of(operator))
    for expected in (302, 200):
        client = Client(headers=PAGE)
        sign_in(operator.email, client=client)
        answer = client.post("/account/2fa/authenticate/", {"code": code_of(secret)})
        assert answer.status_code == expected


@REQUIRED
def test_a_token_needs_none() -> None:
    assert Caller(Client(), operator_token()).get("/api/admin/orgs").status_code == 200


def test_in_development_none_is_needed(operator) -> None:
    assert browser_of(operator).get("/admin/").status_code == 200


@REQUIRED
def test_recovery_codes_alone_are_no_factor(operator) -> None:
    codes = {"seed": sealing.seal("seed"), "used_mask": 0}
    Authenticator.objects.create(user=operator, type="recovery_codes", data=codes)
    client = Client()
    client.force_login(operator)
    assert client.get("/admin/", follow=True).request["PATH_INFO"] == "/account/2fa/"


def test_sign_in_asks_for_the_code(operator) -> None:
    secret = enrol(browser_of(operator))
    client = Client(headers=PAGE)
    assert sign_in(operator.email, client=client)["Location"].startswith("/account/2fa/authenticate/")
    assert client.get("/admin/").status_code == 302
    assert client.post("/account/2fa/authenticate/", {"code": "000000"}).status_code == 200
    later = code_of(secret, at=time.time() + 30)
    assert client.post("/account/2fa/authenticate/", {"code": later}).status_code == 200
    assert client.get("/admin/").status_code == 302


def test_the_right_code_lets_in(operator) -> None:
    secret = enrol(browser_of(operator))
    client = Client(headers=PAGE)
    sign_in(operator.email, client=client)
    assert client.post("/account/2fa/authenticate/", {"code": code_of(secret)})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_code_works_once(operator) -> None:
    secret = enrol(browser_of(operator))
    for expected in (302, 200):
        client = Client(headers=PAGE)
        sign_in(operator.email, client=client)
        answer = client.post("/account/2fa/authenticate/", {"code": code_of(secret)})
        assert answer.status_code == expected


def test_a_recovery_code_lets_in_once(operator) -> None:
    here = browser_of(operator)
    enrol(here)
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    for expected in (302, 200):
        client = Client(headers=PAGE)
        sign_in(operator.email, client=client)
        assert client.post("/account/2fa/authenticate/", {"code": codes[0]}).status_code == expected


def test_the_secret_is_sealed_at_rest(operator) -> None:
    secret = enrol(browser_of(operator))
    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in kept
    assert sealing.unseal(kept) == secret


def test_enrolling_is_told_and_recorded(operator) -> None:
    enrol(browser_of(operator))
    assert (operator.email, "An authenticator app was added") in post_comes()
    event = AuditEvent.objects.filter(verb="account.factor_add").latest("sequence")
    assert event.after["factor"] in ("totp", "recovery_codes")


def test_removing_one_takes_recent_authentication() -> None:
    client = browser_of(make_person())
    enrol(client)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 16 * 60
    session.save()
    answer = client.post("/account/2fa/totp/deactivate/")
    assert answer["Location"].startswith("/account/reauthenticate/")
    assert Authenticator.objects.filter(type="totp").exists()


def test_a_member_may_have_one_and_needs_none(settings) -> None:
    settings.PULSE_REQUIRE_OPERATOR_MFA = True
    assert browser_of(make_person()).get("/account/").status_code == 200


PASSKEY = "/account/2fa/webauthn/login/"


def test_a_passkey_alone_is_asked_whether_it_knows_its_person() -> None:
    asked = Client().get(PASSKEY, headers={"accept": "application/json"}).json()["request_options"]
    assert asked["publicKey"]["userVerification"] == "required"


@pytest.mark.parametrize(
    "credential", ["", "null", "[1]", "[" * 10_000, '{"id": "x"}', '{"response": {"userHandle": "MQ"}}']
)
def test_what_is_no_answer_of_a_passkey_signs_nobody_in(credential: str) -> None:
    make_person()
    client = Client()
    client.get(PASSKEY, headers={"accept": "application/json"})
    assert client.post(PASSKEY, {"credential": credential})["Location"] == "/account/login/"
    assert client.get("/account/").status_code == 302


def forged(person: User) -> str:
    """What a passkey says that nobody has registered, and that claims to be this person's."""
    asked = CollectedClientData.create("webauthn.get", b"any challenge", "http://testserver")
    held = AuthenticatorData.create(sha256(b"testserver").digest(), AuthenticatorData.FLAG.UP, 1)
    handle = user_pk_to_url_str(person).encode()
    said = AuthenticatorAssertionResponse(
        client_data=asked, authenticator_data=held, signature=b"none", user_handle=handle
    )
    return json.dumps(dict(AuthenticationResponse(raw_id=b"a key", response=said)))


def test_a_passkey_that_is_refused_is_a_failed_sign_in_of_whose_it_claims_to_be() -> None:
    person = make_person()
    before = value_of("pulse_sign_ins_total", outcome="failure")
    client = Client()
    for credential in (forged(person), "{}"):
        client.get(PASSKEY, headers={"accept": "application/json"})
        client.post(PASSKEY, {"credential": credential})
    assert value_of("pulse_sign_ins_total", outcome="failure") == before + 2
    left = [task.args_kwargs["args"][0] for task in DBTaskResult.objects.order_by("enqueued_at")]
    assert left == [str(person.public_id), ""]


def test_an_address_asks_for_no_more_than_sixty_challenges_a_minute() -> None:
    answers = [Client().get(PASSKEY, headers={"accept": "application/json"}) for _ in range(61)]
    assert [answer.status_code for answer in answers[-2:]] == [200, 429]
