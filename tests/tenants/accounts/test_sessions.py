"""Sessions: a person sees where they are signed in, and ends the others."""

import pytest

from tests.tenants.accounts.people import browser_of, is_signed_in, make_person

pytestmark = pytest.mark.usefixtures("database")


def test_they_are_listed_with_address_and_browser() -> None:
    person = make_person()
    browser_of(person)
    page = browser_of(person).get("/account/sessions/").content.decode()
    assert page.count("127.0.0.1") == 2


def test_the_others_are_ended() -> None:
    person = make_person()
    here, there = browser_of(person), browser_of(person)
    here.post("/account/sessions/")
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)


def test_nobody_elses_are_seen() -> None:
    browser_of(make_person("eve@example.com"))
    page = browser_of(make_person()).get("/account/sessions/").content.decode()
    assert page.count("127.0.0.1") == 1


def test_signing_out_ends_one() -> None:
    person = make_person()
    here, there = browser_of(person), browser_of(person)
    there.post("/account/logout/")
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)


def test_a_link_signs_nobody_out() -> None:
    client = browser_of(make_person())
    client.get("/account/logout/")
    assert is_signed_in(client)
