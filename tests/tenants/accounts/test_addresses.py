"""Changing one's e-mail address: it counts once it is confirmed, and both addresses are told."""

import pytest
from django.test import Client

from pulse.models import AuditEvent
from tenants.models import User
from tests.tenants.accounts.people import browser_of, is_signed_in, link, make_person, post_comes, sign_in

pytestmark = pytest.mark.usefixtures("database")

NEW = "ann@elsewhere.example"


def ask(client: Client, email: str = NEW):
    return client.post("/account/email/", {"email": email, "action_add": ""})


def gets_in(email: str) -> bool:
    client = Client()
    sign_in(email, client=client)
    return is_signed_in(client)


def test_it_counts_once_it_is_confirmed() -> None:
    person = make_person()
    client = browser_of(person)
    assert ask(client).status_code == 302
    assert not gets_in(NEW)
    assert post_comes()[:1] == [(NEW, "Confirm your e-mail address")]
    client.get(link())
    assert User.objects.get(pk=person.pk).email == "ann@example.com"
    client.post(link())
    assert User.objects.get(pk=person.pk).email == NEW
    assert (gets_in(NEW), gets_in("ann@example.com")) == (True, False)


def test_both_addresses_are_told_and_it_is_recorded() -> None:
    client = browser_of(make_person())
    ask(client)
    post_comes()
    client.post(link())
    told = set(post_comes())
    assert ("ann@example.com", "Your e-mail address has changed") in told
    assert (NEW, "Your e-mail address is confirmed") in told
    assert AuditEvent.objects.filter(verb="account.email_change").exists()


def test_somebody_elses_address_is_answered_alike_and_stays_theirs() -> None:
    bob = make_person("bob@example.com")
    client = browser_of(make_person())
    free, taken = ask(client), ask(client, "bob@example.com")
    assert (free.status_code, free["Location"]) == (taken.status_code, taken["Location"])
    post_comes()
    client.post(link())
    assert User.objects.get(email="bob@example.com").pk == bob.pk


def test_it_takes_recent_authentication() -> None:
    client = browser_of(make_person())
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 16 * 60
    session.save()
    assert ask(client)["Location"].startswith("/account/reauthenticate/")
    assert post_comes() == []


def test_a_link_for_a_person_who_is_signed_out_asks_for_the_password() -> None:
    client = browser_of(make_person())
    ask(client)
    post_comes()
    stranger = Client()
    stranger.post(link())
    assert stranger.get("/account/").status_code == 302


def test_an_operator_with_a_second_factor_may_change_theirs() -> None:
    from tests.tenants.accounts.test_factors import enrol

    client = browser_of(make_person())
    enrol(client)
    assert ask(client).status_code == 302
    assert (NEW, "Confirm your e-mail address") in post_comes()


@pytest.mark.parametrize(
    "email", ["a@b.example\r\nBcc: eve@example.com", "a@b.example\nSubject: x", "nonsense"]
)
def test_no_header_comes_in_by_an_address(email: str) -> None:
    assert ask(browser_of(make_person()), email).context["form"].errors["email"]
    assert post_comes() == []
