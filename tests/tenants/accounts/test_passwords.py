"""Passwords: reset by a mailed link, changed, and what becomes of the sessions."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from pulse import faults
from pulse.models import AuditEvent
from tests.admin import signed_in, text
from tests.tenants.accounts.people import (
    OTHER,
    PASSWORD,
    ask_for_reset,
    browser_of,
    is_signed_in,
    link,
    make_person,
    post_comes,
    reset,
    sign_in,
)

pytestmark = pytest.mark.usefixtures("database")


def change(client: Client, old: str = PASSWORD, new: str = OTHER):
    return client.post("/account/password/change/", {"oldpassword": old, "password1": new, "password2": new})


def verbs() -> list[str]:
    return list(AuditEvent.objects.order_by("sequence").values_list("verb", flat=True))


def test_a_mailed_link_sets_a_new_password() -> None:
    make_person()
    ask_for_reset()
    reset(link())
    assert sign_in(password=OTHER).status_code == 302
    assert sign_in().status_code == 200
    assert post_comes()[-1] == ("ann@example.com", "Your password was reset")
    assert "account.password_reset" in verbs()


def test_a_known_and_an_unknown_address_are_answered_alike() -> None:
    make_person()
    known, unknown = ask_for_reset(), ask_for_reset("nobody@example.com")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert post_comes() == [
        ("ann@example.com", "Set a new password"),
        ("nobody@example.com", "There is no account with this address"),
    ]


def test_asking_costs_the_same_queries_for_both(django_assert_num_queries) -> None:
    make_person()
    for email in ("ann@example.com", "nobody@example.com"):
        with django_assert_num_queries(1):
            Client().post("/account/password/reset/", {"email": email})


def test_the_link_works_once_and_opening_it_uses_nothing_up() -> None:
    make_person()
    ask_for_reset()
    path = link()
    for _ in range(3):
        Client().get(path)
    reset(path)
    assert Client().get(path).context["token_fail"]


def test_the_link_expires_after_a_day() -> None:
    make_person()
    ask_for_reset()
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)):
        assert Client().get(link()).context["token_fail"]


def test_a_changed_password_voids_the_link() -> None:
    person = make_person()
    ask_for_reset()
    change(browser_of(person))
    assert Client().get(link()).context["token_fail"]


def test_the_link_leads_to_the_public_address_whatever_the_request_says(settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    make_person()
    ask_for_reset(headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
    assert link().startswith("/account/password/reset/key/")


def test_the_sixth_mail_of_an_hour_is_not_sent() -> None:
    answers = [
        Client().post("/account/password/reset/", {"email": "ann@example.com"}).status_code for _ in range(6)
    ]
    assert answers == [302] * 5 + [429]


@pytest.mark.parametrize("password", ["short", "password1234", "ann@example.com", "iloveyou2024"])
def test_a_weak_one_is_refused(password: str) -> None:
    client = browser_of(make_person())
    assert change(client, new=password).context["form"].errors["password1"]
    assert sign_in().status_code == 302


def test_a_change_ends_the_other_sessions_and_tells_the_person() -> None:
    person = make_person()
    here, there = browser_of(person), browser_of(person)
    change(here)
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)
    assert post_comes() == [("ann@example.com", "Your password was changed")]
    assert "account.password_change" in verbs()


def test_the_admin_leaves_passwords_to_the_account() -> None:
    client = signed_in("support")
    assert client.get("/admin/password_change/")["Location"] == "/account/password/change/"
    assert "/account/" in text(client.get("/admin/"))


def test_a_change_takes_the_old_one() -> None:
    client = browser_of(make_person())
    assert change(client, old="wrong").context["form"].errors["oldpassword"]


def test_a_change_that_cannot_be_finished_is_undone_with_its_event_and_mail() -> None:
    client = browser_of(make_person())
    client.raise_request_exception = False
    events = len(verbs())
    faults.arm("account.recorded", lambda: 1 / 0)
    assert change(client).status_code == 500
    faults.disarm()
    assert (len(verbs()), post_comes()) == (events, [])
    assert sign_in().status_code == 302


def test_a_failed_change_leaves_neither_event_nor_mail() -> None:
    client = browser_of(make_person())
    events = len(verbs())
    change(client, new="short")
    assert (len(verbs()), post_comes()) == (events, [])
