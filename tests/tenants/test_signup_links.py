"""Sign-up by a mailed link: nothing is made before it is followed, and it works once."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.core import mail, signing
from django.test import Client
from django.utils import timezone

from pulse import tasks as pulse_tasks
from tenants import errors, signups, tasks
from tenants.models import Organization, SignupRequest, User
from tests.api import Caller, code
from tests.factories import SYSTEM, UserFactory, make_organization
from tests.tenants.scrape import value_of
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")

ANN = "ann@example.com"
PASSWORD = "seven quiet herons"


@pytest.fixture(autouse=True)
def by_mail(settings) -> None:
    settings.PULSE_SIGNUP_DIRECT = False


def ask(caller: Caller, email: str = ANN, **more: str):
    return caller.post("/api/public/signup", {"email": email, "org_name": "Acme Ltd"} | more)


def post_comes() -> list[str]:
    """What the worker sends; the subjects."""
    tasks.answer_signups.call()
    pulse_tasks.deliver_mails.call()
    return [sent.subject for sent in mail.outbox]


def link() -> str:
    """The path of the link in the last mail."""
    return re.search(r"http://127\.0\.0\.1:8000(\S+)", mail.outbox[-1].body)[1]


def mailed_link(caller: Caller, email: str = ANN) -> str:
    assert ask(caller, email).status_code == 202
    post_comes()
    return link()


def finish(path: str, password: str = PASSWORD, client: Client | None = None):
    return (client or Client()).post(path, {"password": password})


def organizations() -> int:
    return Organization.objects.living().exclude(id="default").count()


def test_nothing_is_made_by_asking(nobody: Caller) -> None:
    ask(nobody)
    assert (organizations(), User.objects.count(), mail.outbox) == (0, 0, [])


def test_the_link_makes_the_organization_and_signs_its_owner_in(nobody: Caller, operator: Caller) -> None:
    path = mailed_link(nobody)
    browser = Client()
    assert "Acme Ltd" in browser.get(path).content.decode()
    assert finish(path, client=browser)["Location"] == "/account/"
    shown = browser.get("/api/org").json()
    assert (shown["id"], shown["owner_email"]) == ("acme-ltd", ANN)
    assert operator.get("/api/admin/orgs/acme-ltd/verify").json()["whole"]
    assert finish_again_signs_in()


def finish_again_signs_in() -> bool:
    """Whether the owner signs in with the password that they chose."""
    answer = Client().post("/account/login/", {"login": ANN, "password": PASSWORD})
    return answer.status_code == 302 and answer["Location"] == "/account/"


def test_a_mail_scanner_that_opens_the_link_uses_nothing_up(nobody: Caller) -> None:
    path = mailed_link(nobody)
    for _ in range(3):
        assert Client().get(path).status_code == 200
        assert Client().head(path).status_code == 200
    assert organizations() == 0
    assert finish(path).status_code == 302


def test_the_link_works_once(nobody: Caller) -> None:
    path = mailed_link(nobody)
    finish(path)
    assert finish(path, "another fine password").status_code == 410
    assert Client().get(path).status_code == 410
    assert User.objects.get(email=ANN).check_password(PASSWORD)


def test_the_link_expires_after_a_day(nobody: Caller) -> None:
    path = mailed_link(nobody)
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)):
        assert finish(path).status_code == 410
    assert organizations() == 0


@pytest.mark.parametrize(
    "forge", [lambda token: token[:-2], lambda token: signing.dumps(1), lambda token: "x"]
)
def test_a_forged_link_is_refused(forge, nobody: Caller) -> None:
    token = mailed_link(nobody).removeprefix("/signup/")
    assert finish(f"/signup/{forge(token)}").status_code == 410
    assert organizations() == 0


def test_of_two_links_of_one_address_one_makes_it(nobody: Caller) -> None:
    first, second = mailed_link(nobody), mailed_link(nobody)
    assert finish(second).status_code == 302
    late = finish(first, "another fine password")
    assert "not valid any more" in late.content.decode()
    assert organizations() == 1


@pytest.mark.parametrize("password", ["short", "password1234", "ann@example.com", "qwertyuiop", "1111111111"])
def test_a_weak_password_is_refused_and_the_link_still_works(password: str, nobody: Caller) -> None:
    path = mailed_link(nobody)
    assert finish(path, password).context["form"].errors["password"]
    assert organizations() == 0
    assert finish(path).status_code == 302


@pytest.mark.parametrize("state", ["active", "suspended", "pending_deletion"])
def test_a_known_address_is_answered_alike_and_written_to_otherwise(state: str, nobody: Caller) -> None:
    organization_in(state, "known")
    new = ask(nobody)
    known = ask(nobody, email="Owner@KNOWN.example")
    assert (known.status_code, known.content) == (new.status_code, new.content)
    assert sorted(post_comes()) == ["Finish your sign-up", "You already have an account"]
    assert {to for sent in mail.outbox for to in sent.to} == {ANN, "owner@known.example"}


def test_known_and_unknown_cost_the_same_queries(nobody: Caller, django_assert_num_queries) -> None:
    make_organization("known")
    ask(nobody, "first@example.com")
    for email in (ANN, "owner@known.example"):
        with django_assert_num_queries(5):
            ask(nobody, email)


def test_a_person_without_an_organization_of_their_own_keeps_their_password(nobody: Caller) -> None:
    person = UserFactory(email=ANN)
    person.set_password(PASSWORD)
    person.save()
    path = mailed_link(nobody)
    assert "password" not in Client().get(path).context["form"].fields
    assert finish(path, "another fine password")["Location"] == "/account/login/"
    person.refresh_from_db()
    assert (person.check_password(PASSWORD), organizations()) == (True, 1)


def test_a_password_that_was_set_while_the_link_was_open_stays(nobody: Caller) -> None:
    ask(nobody)
    request = SignupRequest.objects.get()
    UserFactory(email=ANN, password=make_password(PASSWORD))
    signups.finish(request, password="another fine password", actor=SYSTEM)
    assert User.objects.get(email=ANN).check_password(PASSWORD)


def test_a_link_that_was_used_while_it_was_open_makes_nothing_more(nobody: Caller) -> None:
    ask(nobody)
    request = SignupRequest.objects.get()
    signups.finish(request, password=PASSWORD, actor=SYSTEM)
    Organization.objects.filter(signup_email=ANN).update(signup_email=None)
    with pytest.raises(errors.SignupLinkInvalid):
        signups.finish(request, password=PASSWORD, actor=SYSTEM)
    assert organizations() == 1


def test_the_mail_is_sent_once_however_often_the_jobs_run(nobody: Caller) -> None:
    ask(nobody)
    post_comes()
    assert len(post_comes()) == 1


def test_the_mail_repeats_nothing_that_was_typed(nobody: Caller) -> None:
    ask(nobody, org_name="Buy at evil.example")
    post_comes()
    [(html, _)] = mail.outbox[0].alternatives
    assert "evil" not in mail.outbox[0].body + html


def test_the_link_leads_to_the_public_address_whatever_the_request_says(nobody: Caller, settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    nobody.post("/api/public/signup", {"email": ANN, "org_name": "Acme"}, host="evil.example")
    post_comes()
    assert "evil.example" not in mail.outbox[0].body
    assert link().startswith("/signup/")


def test_the_fourth_of_an_hour_for_one_mailbox_is_refused(nobody: Caller) -> None:
    before = value_of("pulse_hosted_signups_refused_total", reason="email_rate")
    answers = [ask(nobody, f"ann+{number}@example.com").status_code for number in range(4)]
    assert answers == [202, 202, 202, 429]
    assert value_of("pulse_hosted_signups_refused_total", reason="email_rate") == before + 1


def test_the_ceiling_holds_for_all_together(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_CEILING = "2/hour"
    answers = [ask(nobody, f"ann{number}@example.com").status_code for number in range(3)]
    assert answers == [202, 202, 429]
    assert SignupRequest.objects.count() == 2


@pytest.mark.parametrize("email", ["ann@mailinator.com", "ann@deep.mailinator.com", "ann@spam.example"])
def test_disposable_and_blocked_domains_are_refused(email: str, nobody: Caller, data_dir, settings) -> None:
    settings.PULSE_BLOCKED_DOMAINS = str(data_dir / "blocked")
    (data_dir / "blocked").write_text("# ours\nspam.example  # a nuisance\n\n")
    assert code(ask(nobody, email)) == (400, "email_domain_refused")
    assert not SignupRequest.objects.exists()


def test_at_the_cap_it_is_refused_and_counted(nobody: Caller, settings) -> None:
    settings.PULSE_TENANT_CAP = 1
    make_organization("acme")
    before = value_of("pulse_hosted_signups_refused_total", reason="tenant_cap_reached")
    assert code(ask(nobody)) == (503, "tenant_cap_reached")
    assert value_of("pulse_hosted_signups_refused_total", reason="tenant_cap_reached") == before + 1


def test_a_link_that_comes_after_the_cap_was_reached_makes_nothing(nobody: Caller, settings) -> None:
    path = mailed_link(nobody)
    settings.PULSE_TENANT_CAP = 1
    make_organization("acme")
    assert "at present" in finish(path).content.decode() or organizations() == 1
    settings.PULSE_TENANT_CAP = 2
    assert finish(path).status_code == 302


def test_requests_do_not_pile_up(nobody: Caller) -> None:
    ask(nobody)
    assert tasks.tidy_signups.call() == 0
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)):
        assert tasks.tidy_signups.call() == 1


def test_the_page_asks_and_tells_to_look_into_the_mail() -> None:
    answer = Client().post("/signup", {"email": ANN, "org_name": "Acme Ltd"})
    assert (answer.status_code, SignupRequest.objects.count()) == (200, 1)
    assert "mail" in answer.content.decode()


def test_the_page_shows_a_refusal_beside_its_field() -> None:
    answer = Client().post("/signup", {"email": "ann", "org_name": "a/b"})
    assert answer.status_code == 400
    assert answer.context["form"].errors["email"] == ["This is not a valid e-mail address."]


def test_the_page_and_the_api_share_the_limit(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_RATE = "1/hour"
    assert Client().post("/signup", {"email": ANN, "org_name": "Acme"}).status_code == 200
    assert ask(nobody).status_code == 429
    refused = Client().post("/signup", {"email": ANN, "org_name": "Acme"})
    assert (refused.status_code, refused["Retry-After"] > "0") == (429, True)


def test_the_page_wants_its_csrf_token() -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.post("/signup", {"email": ANN, "org_name": "Acme"}).status_code == 403
    assert not SignupRequest.objects.exists()
