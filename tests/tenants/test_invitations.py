"""Invitations: a mailed link that works once, for one address, with roles that the inviter may still give."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core import mail, signing
from django.test import Client
from django.utils import timezone

from billing import overrides
from pulse import limits, tasks
from pulse.models import Mail
from rbac import assignments
from tenants import context, invitations, members
from tenants.errors import InvitationLinkInvalid
from tenants.invitations import RATE
from tenants.models import Invitation, Membership, User
from tests.api import Caller, code
from tests.factories import SYSTEM, UserFactory, make_member, make_organization, member_token, owner_of
from tests.rbac.callers import make_role
from tests.tenants.states import STEPS

pytestmark = pytest.mark.usefixtures("database")

INVITATIONS = "/api/org/invitations"
EVE = "eve@example.com"
PASSWORD = "seven quiet herons"


@pytest.fixture
def owner(database: None) -> Caller:
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


def invite(caller: Caller, email: str = EVE, **more):
    return caller.post(INVITATIONS, {"email": email, "roles": ["viewer"]} | more)


def link() -> str:
    """The path of the link in the newest mail."""
    tasks.deliver_mails.call()
    return re.search(r"http://127\.0\.0\.1:8000(\S+)", mail.outbox[-1].body)[1]


def invited(caller: Caller, email: str = EVE, **more) -> str:
    assert invite(caller, email, **more).status_code == 201
    return link()


def join(path: str, password: str = PASSWORD, client: Client | None = None):
    return (client or Client()).post(path, {"password": password})


def signed_in(email: str = EVE) -> Client:
    person = UserFactory(email=email)
    person.set_password(PASSWORD)
    person.save()
    browser = Client()
    browser.force_login(person)
    return browser


def roles_of(email: str) -> list[str]:
    with context.organization("acme"):
        return assignments.of_principal(str(User.objects.get(email=email).public_id))


def is_member(email: str = EVE) -> bool:
    return Membership.objects.filter(organization="acme", user__email=email).exists()


def test_a_new_person_joins_with_a_password_and_is_signed_in(owner: Caller) -> None:
    path = invited(owner)
    browser = Client()
    assert "Acme Ltd" in browser.get(path).content.decode()
    assert join(path, client=browser)["Location"] == "/account/"
    assert browser.get("/api/org").json()["id"] == "acme"
    assert roles_of(EVE) == ["viewer"]
    assert owner.get("/api/org/changes").json()["results"][0]["verb"] == "roles.invitation"


def test_a_person_with_an_account_signs_in_and_joins(owner: Caller) -> None:
    path = invited(owner)
    browser = signed_in()
    assert "password" not in browser.get(path).context["form"].fields
    assert browser.post(path)["Location"] == "/account/"
    assert browser.get("/edge/check")["X-Pulse-Org-ID"] == "acme"


def test_a_known_account_is_not_entered_by_the_link_alone(owner: Caller) -> None:
    path = invited(owner)
    signed_in()
    stranger = Client()
    assert "/account/login/?next=%2Finvitation%2F" in stranger.get(path).content.decode()
    assert join(path, "another fine password", client=stranger).status_code == 401
    assert not is_member()
    assert User.objects.get(email=EVE).check_password(PASSWORD)


def test_somebody_else_cannot_use_the_link(owner: Caller) -> None:
    path = invited(owner)
    signed_in()
    mallory = signed_in("mallory@example.com")
    assert "mallory@example.com" in mallory.get(path).content.decode()
    assert mallory.post(path).status_code == 403
    assert not is_member("mallory@example.com")


def test_opening_the_link_changes_nothing(owner: Caller) -> None:
    path = invited(owner)
    for _ in range(2):
        assert Client().get(path).status_code == 200
        assert Client().head(path).status_code == 200
    assert not User.objects.filter(email=EVE).exists()


def test_the_link_works_once(owner: Caller) -> None:
    path = invited(owner)
    join(path)
    assert Client().get(path).status_code == 410
    members.remove("acme", User.objects.get(email=EVE), actor=SYSTEM)
    assert join(path).status_code == 410


def test_one_that_was_revoked_while_it_was_being_accepted_lets_nobody_in(owner: Caller) -> None:
    read_before = invitations.pending(invited(owner).removeprefix("/invitation/"))
    invitations.revoke("acme", read_before.pk, actor=SYSTEM)
    with pytest.raises(InvitationLinkInvalid):
        invitations.accept_with_password(read_before, password=PASSWORD, actor=SYSTEM)
    assert not User.objects.filter(email=EVE).exists()


def test_the_link_expires(owner: Caller) -> None:
    path = invited(owner, days=2)
    with time_machine.travel(timezone.now() + timedelta(days=2, seconds=1)):
        assert join(path).status_code == 410


@pytest.mark.parametrize("forge", [lambda text: text[:-1], lambda text: text.split(":")[0], lambda text: "x",
                                   lambda text: signing.dumps(1)])  # fmt: skip
def test_a_forged_link_is_refused(forge, owner: Caller) -> None:
    text = invited(owner).removeprefix("/invitation/")
    assert join(f"/invitation/{forge(text)}").status_code == 410


def test_only_the_links_hash_is_kept(owner: Caller) -> None:
    secret = invited(owner).removeprefix("/invitation/").split(":")[0]
    assert secret not in str(Invitation.objects.values())
    assert not Mail.objects.exists()


def test_sent_again_the_earlier_link_ends(owner: Caller) -> None:
    first = invited(owner)
    [row] = owner.get(INVITATIONS).json()["results"]
    assert owner.post(f"{INVITATIONS}/{row['id']}/resend").status_code == 200
    assert Client().get(first).status_code == 410
    assert join(link()).status_code == 302


def test_a_revoked_link_ends(owner: Caller) -> None:
    path = invited(owner)
    [row] = owner.get(INVITATIONS).json()["results"]
    assert owner.delete(f"{INVITATIONS}/{row['id']}").status_code == 204
    assert join(path).status_code == 410
    assert code(owner.delete(f"{INVITATIONS}/{row['id']}")) == (404, "invitation_not_found")


def test_an_invitation_of_another_organization_is_unknown(owner: Caller) -> None:
    invite(owner)
    make_organization("globex")
    other = Caller(Client(), member_token("globex"))
    path = f"{INVITATIONS}/{Invitation.objects.get().pk}"
    assert code(other.delete(path)) == code(other.post(f"{path}/resend")) == (404, "invitation_not_found")


def test_whoever_may_give_no_roles_invites_without_any(owner: Caller) -> None:
    make_role("concierge", ("read", "*"), ("write", "members"))
    concierge = Caller(Client(), member_token("acme", make_member("acme", roles=["concierge"])))
    assert code(invite(concierge)) == (403, "permission_denied")
    assert join(invited(concierge, roles=[])).status_code == 302
    assert roles_of(EVE) == []


def test_a_viewer_invites_nobody(owner: Caller) -> None:
    viewer = Caller(Client(), member_token("acme", make_member("acme", roles=["viewer"])))
    assert code(invite(viewer)) == (403, "permission_denied")


@pytest.mark.parametrize("loss", ["demoted", "demoted, though an operator", "removed", "deactivated"])
def test_an_inviter_who_has_lost_the_right_gives_no_roles(loss: str, owner: Caller) -> None:
    inviter = make_member("acme", roles=["admin"])
    path = invited(Caller(Client(), member_token("acme", inviter)), roles=["admin"])
    if "operator" in loss:
        inviter.groups.add(Group.objects.get(name="admin"))
    if "demoted" in loss:
        with context.organization("acme"):
            assignments.assign(str(inviter.public_id), roles=["viewer"], actor=SYSTEM)
    elif loss == "removed":
        members.remove("acme", inviter, actor=SYSTEM)
    else:
        User.objects.filter(pk=inviter.pk).update(is_active=False)
    assert join(path).status_code == 410
    assert not is_member()


def test_unknown_roles_are_refused(owner: Caller) -> None:
    assert code(invite(owner, roles=["none"])) == (400, "unknown_roles")
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"email": "eve"}, (400, "invalid_email")),
        ({"email": "Owner@ACME.example"}, (409, "already_a_member")),
        ({"days": 0}, (400, "invalid_expiry")),
        ({"days": 31}, (400, "invalid_expiry")),
    ],
)
def test_what_cannot_be_is_refused(body, refusal, owner: Caller) -> None:
    assert code(invite(owner, **body)) == refusal


def test_a_second_invitation_for_an_address_waits_for_the_first_to_expire(owner: Caller) -> None:
    invite(owner)
    assert code(invite(owner, "EVE@example.com")) == (409, "already_invited")
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert invite(owner).status_code == 201


def test_an_organization_does_not_write_to_the_world(owner: Caller) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        assert [invite(owner, f"p{n}@example.com").status_code for n in range(4)] == [201] * 4
        for _ in range(96):
            limits.hit(RATE, "invitations", "acme")
        refused = invite(owner)
    assert (code(refused), refused["Retry-After"] > "0") == ((429, "rate_limit_exceeded"), True)


def test_the_mail_repeats_no_name_that_somebody_typed(owner: Caller) -> None:
    make_organization("spam", name="Buy at evil.example now")
    invited(Caller(Client(), member_token("spam")))
    [(html, _)] = mail.outbox[-1].alternatives
    assert "evil.example" not in mail.outbox[-1].body + html


def test_seats_are_limited_when_inviting_and_when_joining(owner: Caller) -> None:
    overrides.put("acme", {"limits": {"seats": 2}}, actor=SYSTEM, reason="a test")
    first, second = invited(owner), invited(owner, "bob@example.com")
    assert join(first).status_code == 302
    assert join(second).status_code == 402
    assert not User.objects.filter(email="bob@example.com").exists()
    assert code(invite(owner, "dan@example.com")) == (402, "seat_limit_reached")


@pytest.mark.parametrize("state", ["suspended", "pending_deletion"])
def test_nobody_joins_an_organization_that_is_not_active(state: str, owner: Caller) -> None:
    path = invited(owner)
    for step in STEPS[state]:
        step("acme")
    assert join(path).status_code == 410


def test_a_deactivated_person_does_not_come_back_by_an_invitation(owner: Caller) -> None:
    UserFactory(email=EVE, is_active=False)
    assert join(invited(owner)).status_code == 410


def test_an_owner_does_not_lose_their_roles_to_an_invitation_of_their_own(owner: Caller) -> None:
    assert code(invite(owner, owner_of("acme").email)) == (409, "already_a_member")
