"""Invitation codes: who is let in by one at the stage private_beta, how often, and until when."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import timezone

from pulse import hosted_mode
from tenants import errors, invitation_codes
from tenants.models import InvitationCode, Organization
from tests.admin import GROUPS, signed_in, text, who_may_open, who_may_post
from tests.api import Caller, code
from tests.factories import SYSTEM, make_organization, member_token, operator_token
from tests.tenants.test_signup_links import finish, link, post_comes

pytestmark = pytest.mark.usefixtures("database")

LIST = "/admin/tenants/invitationcode/"


@pytest.fixture(autouse=True)
def private_beta(settings, monkeypatch) -> None:
    settings.PULSE_STAGE = "private_beta"
    settings.PULSE_SIGNUP_DIRECT = False
    settings.SECURE_SSL_REDIRECT = False
    monkeypatch.setattr(hosted_mode, "verdict_stands", lambda stage: True)


def make(**terms: object) -> str:
    return invitation_codes.make(actor=SYSTEM, **terms)[1]


def ask(caller: Caller, invitation: str, email: str = "ann@example.com"):
    wanted = {"email": email, "org_name": "Acme", "invitation": invitation}
    return caller.post("/api/public/signup", wanted)


def test_a_code_lets_somebody_in_and_is_counted(nobody: Caller) -> None:
    assert ask(nobody, make()).status_code == 202
    assert InvitationCode.objects.get().used == 0
    post_comes()
    assert finish(link()).status_code == 302
    assert InvitationCode.objects.get().used == 1


def test_a_code_that_is_used_up_lets_nobody_in(nobody: Caller) -> None:
    invitation = make()
    ask(nobody, invitation)
    ask(nobody, invitation, "bob@example.com")
    post_comes()
    links = [link()]
    finish(links[0])
    assert code(ask(nobody, invitation, "eve@example.com")) == (403, "invitation_required")


def test_of_two_who_finish_by_the_last_use_one_is_let_in(nobody: Caller) -> None:
    invitation = make()
    paths = []
    for name in ("ann", "bob"):
        ask(nobody, invitation, f"{name}@example.com")
        post_comes()
        paths.append(link())
    assert finish(paths[0]).status_code == 302
    assert "invitation" in finish(paths[1]).content.decode()
    assert Organization.objects.exclude(id="default").count() == 1


@pytest.mark.parametrize("invitation", ["", "invite-nonsense", "\x00"])
def test_without_a_code_nobody_is_let_in(invitation: str, nobody: Caller) -> None:
    make()
    assert ask(nobody, invitation).status_code in (400, 403)


def test_a_code_for_one_address_is_for_nobody_else(nobody: Caller) -> None:
    invitation = make(email="Ann@Example.com")
    assert code(ask(nobody, invitation, "bob@example.com")) == (403, "invitation_required")
    assert ask(nobody, invitation).status_code == 202


def test_a_revoked_and_an_expired_code_let_nobody_in(nobody: Caller) -> None:
    revoked, expired = make(), make(days=1)
    invitation_codes.revoke(InvitationCode.objects.earliest("pk"), actor=SYSTEM)
    assert ask(nobody, revoked).status_code == 403
    with time_machine.travel(timezone.now() + timedelta(days=1, seconds=1)):
        assert ask(nobody, expired).status_code == 403


def test_a_code_that_is_revoked_meanwhile_finishes_nothing(nobody: Caller) -> None:
    ask(nobody, make())
    post_comes()
    invitation_codes.revoke(InvitationCode.objects.get(), actor=SYSTEM)
    finish(link())
    assert not Organization.objects.exclude(id="default").exists()


def test_twenty_at_once_use_a_code_of_seven_seven_times() -> None:
    make(uses=7)
    invitation = InvitationCode.objects.get()
    together = Barrier(20)

    def use(number: int) -> bool:
        together.wait()
        try:
            invitation_codes.count_use(invitation)
        except errors.InvitationRequired:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(use, range(20))) == 7
    assert InvitationCode.objects.get().used == 7


@pytest.mark.parametrize(
    "terms", [{"uses": 0}, {"uses": 10_001}, {"days": 0}, {"days": 366}, {"note": "a\nb"}]
)
def test_terms_beyond_measure_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(errors.InvalidInvitation):
        make(**terms)


def test_an_operator_makes_one_in_the_admin_and_sees_it_once(nobody: Caller) -> None:
    shown = text(
        signed_in("operator").post(f"{LIST}add/", {"email": "", "uses": "3", "days": "7", "note": ""})
    )
    invitation = re.search(r'class="pulse-secret">([^<]+)<', shown)[1]
    assert ask(nobody, invitation).status_code == 202
    page = f"{LIST}{InvitationCode.objects.get().pk}/change/"
    assert invitation not in text(signed_in("operator").get(page))
    assert "0 of 3" in text(signed_in("support").get(LIST))


def test_a_code_for_an_address_has_one_use(database: None) -> None:
    answer = signed_in("admin").post(f"{LIST}add/", {"email": "ann@example.com", "uses": "2", "days": "7"})
    assert answer.context["form"].errors["uses"] == ["A code for one e-mail address is good for one use."]


def test_support_reads_codes_and_operators_make_and_revoke_them() -> None:
    make()
    number = InvitationCode.objects.get().pk
    assert who_may_open(LIST) == who_may_open(f"{LIST}{number}/change/") == set(GROUPS)
    assert who_may_post(f"{LIST}add/") == {"operator", "admin"}
    assert who_may_post(f"{LIST}{number}/revoke/") == {"operator", "admin"}


def test_revoking_in_the_admin_ends_it(nobody: Caller) -> None:
    invitation = make()
    signed_in("admin").post(f"{LIST}{InvitationCode.objects.get().pk}/revoke/")
    assert ask(nobody, invitation).status_code == 403


def test_the_command_makes_lists_and_revokes(nobody: Caller, capsys) -> None:
    call_command("invitation", "make", "--uses", "2", "--json")
    made = json.loads(capsys.readouterr().out)
    assert ask(nobody, made["code"]).status_code == 202
    call_command("invitation", "revoke", made["prefix"])
    call_command("invitation", "list", "--json")
    [row] = json.loads(capsys.readouterr().out.partition("\n")[2].partition("\n")[2])
    assert (row["used"], row["uses"], row["usable"]) == (0, 2, False)


def test_the_page_asks_for_the_code() -> None:
    refused = Client().post("/signup", {"email": "ann@example.com", "org_name": "Acme", "invitation": "x"})
    assert "invitation" in refused.context["form"].errors


API = "/api/admin/invitation-codes"


def test_a_code_is_made_by_the_api_shown_once_and_revoked(operator: Caller, nobody: Caller) -> None:
    made = operator.post(API, {"uses": 2, "note": "the first wave"}).json()
    assert ask(nobody, made["code"]).status_code == 202
    [listed] = operator.get(API).json()["results"]
    assert listed == {name: value for name, value in made.items() if name != "code"}
    assert operator.post(f"{API}/{made['id']}/revoke").json()["revoked_at"] is not None
    assert ask(nobody, made["code"], "bob@example.com").status_code == 403


def test_the_api_refuses_what_cannot_be(operator: Caller) -> None:
    assert code(operator.post(API, {"uses": 0})) == (400, "invalid_invitation")
    assert code(operator.post(API, {"email": "ann@example.com", "uses": 2})) == (400, "invalid_invitation")
    assert code(operator.post(API, {"email": "ann"})) == (400, "invalid_email")
    assert code(operator.post(f"{API}/4711/revoke")) == (404, "invitation_not_found")
    assert not InvitationCode.objects.exists()


def test_the_api_holds_to_the_operators_permissions() -> None:
    make()
    reader = Caller(Client(), operator_token("support"))
    assert reader.get(API).json()["count"] == 1
    assert code(reader.post(API)) == (403, "permission_denied")
    assert code(reader.post(f"{API}/{InvitationCode.objects.get().pk}/revoke")) == (403, "permission_denied")
    make_organization("acme")
    assert code(Caller(Client(), member_token("acme")).get(API)) == (403, "permission_denied")
