"""Signing in: who gets in, where to, how often a password may be tried, and that nobody locks others out."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from pulse.models import AuditEvent
from tenants import tasks
from tests.factories import make_operator
from tests.tenants.accounts.people import (
    OTHER,
    PASSWORD,
    ask_for_reset,
    browser_of,
    is_signed_in,
    link,
    make_person,
    reset,
    sign_in,
)
from tests.tenants.scrape import value_of

pytestmark = pytest.mark.usefixtures("database")

REFUSED = "The email address and/or password you specified are not correct."
TOO_MANY = "Too many attempts."


def told(answer) -> str:
    [error] = answer.context["form"].non_field_errors()
    return error


def guess(times: int, *, client: Client | None = None, address: str = "203.0.113.9") -> str:
    """What the last of so many wrong passwords is told."""
    for number in range(times):
        answer = sign_in(password=f"wrong {number}", client=client, REMOTE_ADDR=address)
    return told(answer)


def test_a_member_comes_to_their_account_and_an_operator_to_the_admin() -> None:
    make_person()
    operator = make_operator("support")
    operator.set_password(PASSWORD)
    operator.save()
    assert sign_in("Ann@Example.com")["Location"] == "/account/"
    assert sign_in(operator.email)["Location"] == "/admin/"


def test_a_wrong_password_and_an_unknown_address_are_told_the_same() -> None:
    make_person()
    assert told(sign_in(password="wrong")) == told(sign_in("nobody@example.com")) == REFUSED


@pytest.mark.parametrize("password", ["", "x" * 5000])
def test_somebody_without_a_password_does_not_get_in(password: str) -> None:
    person = make_person()
    person.set_unusable_password()
    person.save()
    assert sign_in(password=password).status_code == 200


def test_a_deactivated_person_does_not_get_in() -> None:
    make_person(is_active=False)
    client = Client()
    assert sign_in(client=client)["Location"] == "/account/inactive/"
    assert not is_signed_in(client)


def test_an_address_that_is_not_verified_is_not_signed_in() -> None:
    person = make_person()
    person.emailaddress_set.update(verified=False)
    client = Client()
    assert sign_in(client=client)["Location"] == "/account/confirm-email/"
    assert not is_signed_in(client)


def test_guessing_is_stopped_and_the_right_password_is_no_use_then() -> None:
    make_person()
    assert TOO_MANY in guess(11)
    assert TOO_MANY in told(sign_in(REMOTE_ADDR="203.0.113.9"))


def test_an_unknown_address_is_stopped_as_a_known_one() -> None:
    answers = [told(sign_in("nobody@example.com")) for _ in range(11)]
    assert answers[9] == REFUSED
    assert TOO_MANY in answers[10]


def test_whoever_guesses_shuts_nobody_out_elsewhere() -> None:
    make_person()
    guess(11)
    assert sign_in(REMOTE_ADDR="198.51.100.7").status_code == 302


def flood() -> None:
    """As many wrong passwords, from as many addresses, as the account takes from strangers in an hour."""
    for number in range(50):
        sign_in(password="wrong", REMOTE_ADDR=f"203.0.113.{number}")
    assert TOO_MANY in told(sign_in(password="wrong", REMOTE_ADDR="203.0.113.99"))


def test_a_flood_does_not_shut_out_a_browser_that_was_signed_in_before() -> None:
    person = make_person()
    home = browser_of(person)
    home.post("/account/logout/")
    flood()
    assert sign_in(client=home).status_code == 302


def test_in_a_flood_the_owner_gets_in_at_a_new_device_by_a_mailed_link() -> None:
    make_person()
    flood()
    ask_for_reset()
    device = Client()
    reset(link(), client=device)
    assert is_signed_in(device)
    device.post("/account/logout/")
    assert sign_in(password=OTHER, client=device).status_code == 302


def test_a_known_browser_guesses_no_more_than_a_stranger() -> None:
    home = browser_of(make_person())
    home.post("/account/logout/")
    assert TOO_MANY in guess(11, client=home)


def test_a_known_browser_of_one_is_a_stranger_to_another() -> None:
    make_person()
    theirs = browser_of(make_person("eve@example.com"))
    theirs.post("/account/logout/")
    flood()
    assert TOO_MANY in told(sign_in(client=theirs))
    assert sign_in("eve@example.com", client=theirs).status_code == 302


def test_a_forged_cookie_makes_no_known_browser() -> None:
    make_person()
    client = Client()
    client.cookies["pulse_device"] = "ann@example.com:forged"
    assert TOO_MANY in guess(11, client=client)


def test_an_address_tries_no_more_than_sixty_passwords_a_minute() -> None:
    answers = [told(sign_in(f"person{number}@example.com")) for number in range(61)]
    assert TOO_MANY in answers[60]
    assert TOO_MANY not in answers[59]


def test_while_redis_is_gone_people_sign_in_and_guessing_is_stopped_all_the_same(settings) -> None:
    make_person()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert sign_in().status_code == 302
    assert TOO_MANY in guess(11)


def test_sign_in_and_sign_out_are_in_the_audit_log() -> None:
    person = make_person()
    before = value_of("pulse_sign_ins_total", outcome="success")
    browser_of(person).post("/account/logout/")
    found = AuditEvent.objects.order_by("sequence").values_list("verb", "actor", "door")
    name = str(person.public_id)
    assert list(found) == [("account.sign_in", name, "page"), ("account.sign_out", name, "page")]
    assert value_of("pulse_sign_ins_total", outcome="success") == before + 1


def test_a_failure_is_in_the_audit_log_of_whoever_has_the_account() -> None:
    person = make_person()
    assert not tasks.record_failed_sign_in.call("", "request")
    assert tasks.record_failed_sign_in.call(str(person.public_id), "request")
    event = AuditEvent.objects.get()
    assert (event.verb, event.after) == ("account.sign_in_failed", {"user": str(person.public_id)})


def test_a_failure_leaves_a_job_for_known_and_unknown_alike() -> None:
    from django_tasks_db.models import DBTaskResult

    person = make_person()
    sign_in(password="wrong")
    sign_in("nobody@example.com")
    left = [task.args_kwargs["args"][0] for task in DBTaskResult.objects.order_by("enqueued_at")]
    assert left == [str(person.public_id), ""]


def test_the_next_page_is_of_this_host_alone() -> None:
    make_person()
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        answer = Client().post(
            "/account/login/", {"login": "ann@example.com", "password": PASSWORD, "next": elsewhere}
        )
        assert (elsewhere, answer["Location"]) == (elsewhere, "/account/")


def test_the_session_has_another_key_after_signing_in() -> None:
    make_person()
    client = Client()
    session = client.session
    session["planted"] = "by another"
    session.save()
    planted = client.cookies["sessionid"].value
    sign_in(client=client)
    assert client.cookies["sessionid"].value != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert not is_signed_in(thief)


def test_the_form_wants_its_csrf_token() -> None:
    make_person()
    assert sign_in(client=Client(enforce_csrf_checks=True)).status_code == 403


@pytest.mark.parametrize("path", ["/account/", "/account/email/", "/account/2fa/", "/account/sessions/"])
def test_an_account_is_shown_to_whom_it_belongs(path: str) -> None:
    assert Client().get(path)["Location"] == f"/account/login/?next={path}"


def test_an_address_that_nobody_has_is_asked_for_as_often_as_one_that_is_known() -> None:
    """Or how long a refusal takes would tell them apart."""
    make_person("ann@known.example")
    asked = []
    for email in ("ann@known.example", "ann@other.example"):
        with CaptureQueriesContext(connection) as queries:
            sign_in(email, "wrong")
        asked.append(len(queries))
    assert asked[0] == asked[1]
