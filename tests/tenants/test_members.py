"""Members leave, are removed and signed out, and pass ownership on; an owner and an admin always remain."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from pulse import tasks
from pulse.models import AuditEvent
from pulse.problems import PermissionRefused
from rbac import assignments
from tenants import context, invitations, members
from tenants.models import ApiToken, Invitation, Membership, User
from tests.api import Caller, code
from tests.factories import (
    SYSTEM,
    acting,
    make_member,
    make_operator,
    make_organization,
    member_token,
    owner_of,
)
from tests.rbac.callers import assign, make_role
from tests.tenants.states import STEPS

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def owner(database: None) -> Caller:
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


def caller_of(user: User) -> Caller:
    return Caller(Client(), member_token("acme", user))


def path_of(user: User, part: str = "") -> str:
    return f"/api/org/members/{user.public_id}{part}"


def roles_of(user: User) -> list[str]:
    with context.organization("acme"):
        return assignments.of_principal(str(user.public_id))


def people() -> list[str]:
    return list(Membership.objects.filter(organization="acme").values_list("user__email", flat=True))


def verbs() -> list[str]:
    return list(
        AuditEvent.objects.filter(organization="acme").order_by("sequence").values_list("verb", flat=True)
    )


def test_a_removed_member_is_out_with_roles_tokens_and_invitations(owner: Caller) -> None:
    bob = make_member("acme", roles=["admin"])
    theirs = caller_of(bob)
    invitations.invite("acme", email="eve@example.com", actor=acting(bob))
    assert owner.delete(path_of(bob)).status_code == 204
    assert code(theirs.get("/api/org")) == (401, "invalid_token")
    assert roles_of(bob) == []
    assert owner.get("/api/org/invitations").json()["count"] == 0
    assert verbs()[-3:] == ["roles.withdraw", "token.revoke", "member.remove"]
    assert owner.get("/api/org/changes").json()["results"][0]["verb"] == "roles.withdraw"


def test_one_who_comes_back_finds_no_old_token_alive(owner: Caller) -> None:
    bob = make_member("acme")
    theirs = caller_of(bob)
    owner.delete(path_of(bob))
    Membership.objects.create(user=bob, organization_id="acme")
    assert code(theirs.get("/api/org")) == (401, "invalid_token")


def test_the_removed_are_told_by_mail(owner: Caller) -> None:
    bob = make_member("acme")
    owner.delete(path_of(bob))
    tasks.deliver_mails.call()
    assert [(sent.to, sent.subject) for sent in mail.outbox] == [
        ([bob.email], "You have been removed from an organization")
    ]


def test_a_member_without_any_role_may_leave(owner: Caller) -> None:
    bob = make_member("acme")
    assert caller_of(bob).post("/api/org/leave").status_code == 204
    assert people() == ["owner@acme.example"]
    assert verbs()[-1] == "member.leave"


def test_the_last_owner_cannot_leave(owner: Caller) -> None:
    make_member("acme", roles=["admin"])
    assert code(owner.post("/api/org/leave")) == (409, "last_owner")
    assert roles_of(owner_of("acme")) == ["admin"]


def test_the_last_admin_cannot_leave(owner: Caller) -> None:
    bob = make_member("acme", roles=["viewer"])
    owner.post(path_of(bob, "/owner"))
    with context.organization("acme"):
        assignments.assign(str(bob.public_id), roles=["viewer"], actor=SYSTEM)
    assert code(owner.post("/api/org/leave")) == (409, "last_admin")
    assert len(people()) == 2


def test_ownership_is_transferred_with_the_role_of_an_admin(owner: Caller) -> None:
    former, bob = owner_of("acme"), make_member("acme", roles=["viewer"])
    assert owner.post(path_of(bob, "/transfer")).json()["is_owner"] is True
    assert (owner_of("acme"), roles_of(bob), roles_of(former)) == (bob, ["admin", "viewer"], ["admin"])
    assert owner.post("/api/org/leave").status_code == 204


def test_an_admin_who_is_no_owner_neither_makes_nor_removes_owners(owner: Caller) -> None:
    bob = make_member("acme", roles=["admin"])
    theirs, first, other = caller_of(bob), owner_of("acme"), make_member("acme")
    assert code(theirs.post(path_of(bob, "/owner"))) == (403, "owners_only")
    assert code(theirs.post(path_of(other, "/transfer"))) == (403, "owners_only")
    assert code(theirs.delete(path_of(first))) == (403, "owners_only")


def test_one_owner_removes_another_but_nobody_themselves(owner: Caller) -> None:
    bob, first = make_member("acme"), owner_of("acme")
    owner.post(path_of(bob, "/owner"))
    assert code(owner.delete(path_of(first))) == (403, "not_yourself")
    assert owner.delete(path_of(bob)).status_code == 204


def test_taking_roles_away_takes_the_right_to_give_them(owner: Caller) -> None:
    make_role("concierge", ("read", "*"), ("write", "members"))
    concierge = caller_of(make_member("acme", roles=["concierge"]))
    admin, idle = make_member("acme", roles=["admin"]), make_member("acme")
    assert code(concierge.delete(path_of(admin))) == (403, "permission_denied")
    assert concierge.delete(path_of(idle)).status_code == 204


def test_a_viewer_removes_nobody(owner: Caller) -> None:
    viewer = caller_of(make_member("acme", roles=["viewer"]))
    assert code(viewer.delete(path_of(make_member("acme")))) == (403, "permission_denied")


def test_members_of_others_cannot_be_reached(owner: Caller) -> None:
    make_organization("globex")
    stranger = owner_of("globex")
    for answer in (owner.delete(path_of(stranger)), owner.post(path_of(stranger, "/owner"))):
        assert code(answer) == (409, "not_a_member")


def test_signing_somebody_out_ends_their_tokens_and_sessions_there(owner: Caller) -> None:
    bob = make_member("acme", roles=["viewer"])
    theirs, browser = caller_of(bob), Client()
    browser.force_login(bob)
    assert browser.get("/api/org").status_code == 200
    assert owner.post(path_of(bob, "/sign-out")).status_code == 204
    assert code(theirs.get("/api/org")) == (401, "invalid_token")
    assert code(browser.get("/api/org")) == (401, "session_ended")


def test_who_was_signed_out_may_sign_in_again(owner: Caller) -> None:
    bob = make_member("acme", roles=["viewer"])
    bob.set_password("seven quiet herons")
    bob.save()
    members.sign_out("acme", bob, actor=SYSTEM)
    EmailAddress.objects.create(user=bob, email=bob.email, verified=True, primary=True)
    browser = Client()
    browser.post("/account/login/", {"login": bob.email, "password": "seven quiet herons"})
    assert browser.get("/api/org").status_code == 200


def test_an_operator_acts_from_outside_with_the_permission_alone(owner: Caller) -> None:
    bob = make_member("acme")
    with pytest.raises(PermissionRefused):
        members.remove("acme", bob, actor=acting(make_operator("support")))
    members.transfer_ownership("acme", to=bob, actor=acting(make_operator("admin")))
    assert owner_of("acme") == bob


def test_an_operator_who_is_a_member_has_a_members_power_there(owner: Caller) -> None:
    make_role("concierge", ("read", "*"), ("write", "members"))
    person, admin = make_operator("admin"), make_member("acme", roles=["admin"])
    Membership.objects.create(user=person, organization_id="acme")
    assign(str(person.public_id), "concierge")
    theirs = caller_of(person)
    assert code(theirs.post(path_of(admin, "/transfer"))) == (403, "owners_only")
    assert code(theirs.post(path_of(person, "/owner"))) == (403, "owners_only")
    assert code(theirs.delete(path_of(admin))) == (403, "permission_denied")
    assert owner_of("acme").email == "owner@acme.example"


def test_a_purge_leaves_no_invitation_behind(owner: Caller) -> None:
    invitations.invite("acme", email="eve@example.com", actor=SYSTEM)
    for step in STEPS["purged"]:
        step("acme")
    assert not Invitation.objects.exists()


# Which organization a session acts in


def test_a_person_of_several_organizations_chooses_among_them() -> None:
    person = make_member_of("acme", "globex")
    browser = Caller(Client(), None)
    browser.client.force_login(person)
    listed = browser.get("/api/me/organizations").json()["results"]
    assert [one["id"] for one in listed] == ["acme", "globex"]
    assert browser.put("/api/me/organization", {"organization": "globex"}).status_code == 204
    assert browser.get("/edge/check")["X-Pulse-Org-ID"] == "globex"
    assert browser.client.post("/organization", {"organization": "acme"}).status_code == 302
    assert browser.get("/edge/check")["X-Pulse-Org-ID"] == "acme"


def test_the_accounts_page_has_a_button_for_each_other_organization() -> None:
    browser = Client(headers={"accept": "text/html"})
    browser.force_login(make_member_of("acme", "globex"))
    browser.post("/organization", {"organization": "globex"})
    shown = browser.get("/account/").content.decode()
    assert ("Use acme" in shown, "Use globex" in shown, "in use" in shown) == (True, False, True)


@pytest.mark.parametrize("wanted", ["theirs", "nobody", "", "x" * 63, "a\x00"])
def test_what_is_not_ones_own_cannot_be_chosen(wanted: str) -> None:
    person = make_member_of("acme")
    make_organization("theirs")
    browser = Caller(Client(), None)
    browser.client.force_login(person)
    assert browser.put("/api/me/organization", {"organization": wanted}).status_code in (400, 403)
    assert code(browser.client.post("/organization", {"organization": wanted})) == (403, "access_denied")
    assert browser.get("/edge/check")["X-Pulse-Org-ID"] == "acme"


def test_a_token_sees_its_own_organization_and_chooses_none() -> None:
    person = make_member_of("acme", "globex")
    caller = Caller(Client(), member_token("globex", person))
    assert [one["id"] for one in caller.get("/api/me/organizations").json()["results"]] == ["globex"]
    assert code(caller.put("/api/me/organization", {"organization": "acme"})) == (409, "session_needed")


def make_member_of(*organization_ids: str) -> User:
    for one in organization_ids:
        make_organization(one)
    person = make_member(organization_ids[0])
    for one in organization_ids[1:]:
        Membership.objects.create(user=person, organization_id=one)
    return person


def test_tokens_of_other_organizations_outlive_a_leave() -> None:
    person = make_member_of("acme", "globex")
    kept = Caller(Client(), member_token("globex", person))
    members.leave("acme", actor=acting(person))
    assert kept.get("/edge/check").status_code == 204
    assert ApiToken.objects.filter(revoked_at=None).count() == 1
