"""The pages of an organization's members: who sees and does what, and refusals that are said on the page."""

import pytest
from django.test import Client

from billing import overrides
from rbac import assignments
from tenants import context, invitations, lifecycle, members, support
from tenants.models import Invitation, Membership, Organization, User
from tests.admin import text
from tests.factories import (
    SYSTEM,
    acting,
    make_member,
    make_operator,
    make_organization,
    member_token,
    owner_of,
)
from tests.rbac.callers import make_role
from tests.tenants.pages.browsers import MEMBERS, PAGE, browser_of, offered, page_of, refusal

pytestmark = pytest.mark.usefixtures("database")

INVITE = "/organization/invitations/new/"


@pytest.fixture
def owner(database: None) -> Client:
    """The browser of acme's owner."""
    make_organization("acme")
    return browser_of(owner_of("acme"))


def roles_of(person: User) -> list[str]:
    with context.organization("acme"):
        return assignments.of_principal(str(person.public_id))


def invited(email: str = "eve@example.com", roles: tuple[str, ...] = ()) -> Invitation:
    return invitations.invite("acme", email=email, roles_given=roles, actor=SYSTEM)


def test_members_are_listed_with_roles_and_seats(owner: Client) -> None:
    bob = make_member("acme", roles=["viewer", "auditor"])
    shown = text(owner.get(MEMBERS))
    assert "2 of 5 seats are taken." in shown
    assert bob.email in shown
    assert "Auditor, Viewer" in shown


def test_an_owner_alone_is_told_so(owner: Client) -> None:
    assert "Nobody but you is here yet." in text(owner.get(MEMBERS))


def test_long_lists_have_pages(owner: Client) -> None:
    people = User.objects.bulk_create(User(email=f"p{n}@example.com") for n in range(50))
    Membership.objects.bulk_create(Membership(user=one, organization_id="acme") for one in people)
    assert "Page 1 of 2" in text(owner.get(MEMBERS))
    assert "p49@example.com" in text(owner.get(MEMBERS + "?page=2"))


def test_somebody_is_found_by_a_part_of_their_address(owner: Client) -> None:
    make_member("acme")
    shown = text(owner.get(MEMBERS + "?q=OWNER%40acme"))
    assert "2 of 5 seats are taken." in shown
    assert [one.user for one in owner.get(MEMBERS + "?q=OWNER%40acme").context["listed"]] == [
        owner_of("acme")
    ]
    assert "Nobody is called so." in text(owner.get(MEMBERS + "?q=nobody%22%3E"))
    assert "Nobody is called so." in text(owner.get(MEMBERS + "?q=%00nobody"))


def test_a_viewer_reads_and_is_offered_nothing_but_to_leave(owner: Client) -> None:
    viewer = make_member("acme", roles=["viewer"])
    invited()
    browser = browser_of(viewer)
    assert offered(browser.get(MEMBERS)) - {viewer.name, owner_of("acme").email} == {"Leave Acme Ltd"}
    assert offered(browser.get(page_of(owner_of("acme")))) == {"All members"}
    for path in (INVITE, page_of(owner_of("acme"), "remove/")):
        assert refusal(browser.post(path)) == refusal(browser.get(path)) == (403, "permission_denied")


def test_an_owner_is_offered_what_they_may_do(owner: Client) -> None:
    bob = make_member("acme", roles=["viewer"])
    everything = {"Change roles", "Make an owner", "Transfer ownership", "Sign out", "Remove"}
    assert offered(owner.get(page_of(bob))) == {*everything, "All members"}
    assert offered(owner.get(page_of(owner_of("acme")))) == {"leave", "All members"}


def test_an_admin_is_not_offered_what_owners_do(owner: Client) -> None:
    admin = browser_of(make_member("acme", roles=["admin"]))
    assert offered(admin.get(page_of(make_member("acme")))) == {
        "Change roles", "Sign out", "Remove", "All members",
    }  # fmt: skip
    assert "Remove" not in offered(admin.get(page_of(owner_of("acme"))))


def test_who_may_give_no_roles_is_offered_to_remove_only_who_has_none(owner: Client) -> None:
    make_role("concierge", ("read", "*"), ("write", "members"))
    concierge = browser_of(make_member("acme", roles=["concierge"]))
    assert "Remove" in offered(concierge.get(page_of(make_member("acme"))))
    assert "Remove" not in offered(concierge.get(page_of(make_member("acme", roles=["viewer"]))))
    assert "Viewer" not in text(concierge.get(INVITE))


def test_somebody_is_invited_with_roles(owner: Client) -> None:
    sent = owner.post(INVITE, {"email": "eve@example.com", "roles": ["viewer"], "days": 3}, follow=True)
    assert "An invitation is on its way to eve@example.com." in text(sent)
    assert "eve@example.com" in text(owner.get(MEMBERS))
    assert Invitation.objects.get().roles == ["viewer"]


def test_who_cannot_be_invited_is_refused_at_the_field(owner: Client) -> None:
    for email in ("eve", "eve@example.com\r\nBcc: x@example.com", "owner@acme.example"):
        answer = owner.post(INVITE, {"email": email, "days": 7})
        assert answer.status_code in (400, 409), email
        assert answer.context["form"].errors["email"], email
    assert not Invitation.objects.exists()


def test_a_full_organization_offers_no_invitation_and_says_why(owner: Client) -> None:
    overrides.put("acme", {"limits": {"seats": 1}}, actor=SYSTEM, reason="a test")
    assert "Invite somebody" not in offered(owner.get(MEMBERS))
    answer = owner.post(INVITE, {"email": "eve@example.com", "days": 7})
    assert refusal(answer) == (402, "seat_limit_reached")
    assert 'value="eve@example.com"' in text(answer)


def test_an_open_invitation_is_sent_again_and_revoked(owner: Client) -> None:
    path = f"/organization/invitations/{invited().pk}"
    first = Invitation.objects.get().token_hash
    assert "A new invitation is on its way" in text(owner.post(f"{path}/resend/", follow=True))
    assert Invitation.objects.get().token_hash != first
    assert "works no more" in text(owner.get(f"{path}/revoke/"))
    assert Invitation.objects.get().revoked_at is None
    assert "is revoked" in text(owner.post(f"{path}/revoke/", follow=True))
    assert refusal(owner.post(f"{path}/revoke/")) == (404, "invitation_not_found")


def test_roles_are_changed(owner: Client) -> None:
    bob = make_member("acme", roles=["viewer"])
    form = owner.get(page_of(bob, "roles/")).context["form"]
    assert form["roles"].value() == ["viewer"]
    owner.post(page_of(bob, "roles/"), {"roles": ["operator"], "seen": form["seen"].value()})
    assert roles_of(bob) == ["operator"]


def test_roles_that_somebody_else_has_just_changed_are_not_overwritten(owner: Client) -> None:
    bob = make_member("acme", roles=["viewer"])
    seen = owner.get(page_of(bob, "roles/")).context["form"]["seen"].value()
    with context.organization("acme"):
        assignments.assign(str(bob.public_id), roles=["auditor"], actor=SYSTEM)
    answer = owner.post(page_of(bob, "roles/"), {"roles": ["operator"], "seen": seen})
    assert refusal(answer) == (412, "stale_version")
    assert roles_of(bob) == ["auditor"]


def test_nobody_changes_their_own_roles(owner: Client) -> None:
    path = page_of(owner_of("acme"), "roles/")
    assert refusal(owner.post(path, {"roles": ["viewer"]})) == (403, "self_assignment")


def test_opening_a_page_that_removes_changes_nothing_and_its_button_does(owner: Client) -> None:
    bob = make_member("acme", roles=["viewer"])
    assert "is out from the next request on" in text(owner.get(page_of(bob, "remove/")))
    assert Membership.objects.filter(user=bob).exists()
    answer = owner.post(page_of(bob, "remove/"))
    assert (answer["Location"], Membership.objects.filter(user=bob).exists()) == (MEMBERS, False)


def test_a_member_is_signed_out(owner: Client) -> None:
    bob = make_member("acme", roles=["viewer"])
    theirs = browser_of(bob)
    members_page = theirs.get(MEMBERS)
    owner.post(page_of(bob, "sign-out/"))
    refused = theirs.get(MEMBERS)
    assert (members_page.status_code, refusal(refused)) == (200, (401, "session_ended"))
    assert offered(refused) == {"Sign out"}


def test_the_last_owner_is_told_on_the_page_that_they_cannot_leave(owner: Client) -> None:
    assert refusal(owner.post("/organization/leave/")) == (409, "last_owner")
    assert Membership.objects.filter(organization="acme").count() == 1


def test_who_leaves_is_back_at_their_account(owner: Client) -> None:
    bob = make_member("acme")
    browser = browser_of(bob)
    browser.post("/organization", {"organization": "acme"})
    assert "Leave" in offered(browser.get("/organization/"))
    assert "You have left Acme Ltd." in text(browser.post("/organization/leave/", follow=True))
    assert browser.get(MEMBERS)["Location"] == "/account/"


def test_who_leaves_one_of_two_is_in_the_other(owner: Client) -> None:
    bob = make_member("acme")
    make_organization("globex")
    Membership.objects.create(user=bob, organization_id="globex")
    browser = browser_of(bob)
    browser.post("/organization", {"organization": "acme"})
    browser.post("/organization/leave/")
    assert "Globex Ltd" in text(browser.get("/organization/"))


def test_ownership_is_made_and_transferred(owner: Client) -> None:
    first, bob, ann = owner_of("acme"), make_member("acme"), make_member("acme")
    owner.post(page_of(bob, "owner/"))
    owner.post(page_of(ann, "transfer/"))
    owners = Membership.objects.filter(organization="acme", is_owner=True).order_by("pk")
    assert [one.user for one in owners] == [bob, ann]
    assert roles_of(ann) == ["admin"] == roles_of(first)


def test_passing_on_ownership_asks_who_is_there(owner: Client) -> None:
    browser = Client(headers=PAGE)
    browser.force_login(owner_of("acme"))
    bob = make_member("acme")
    asked = browser.post(page_of(bob, "transfer/"))
    assert asked["Location"].startswith("/account/reauthenticate/?next=%2Forganization%2Fmembers")
    assert owner_of("acme") != bob


def test_members_and_invitations_of_others_are_not_there(owner: Client) -> None:
    make_organization("globex")
    stranger = owner_of("globex")
    theirs = invitations.invite("globex", email="eve@example.com", actor=SYSTEM)
    for path in (*(page_of(stranger, part) for part in ("", "roles/", "owner/", "transfer/", "remove/")),
                 f"/organization/invitations/{theirs.pk}/resend/"):  # fmt: skip
        assert refusal(owner.get(path))[0] == 404
        if path != page_of(stranger):
            assert refusal(owner.post(path))[0] == 404
    assert Invitation.objects.get().revoked_at is None


def test_a_form_without_its_csrf_token_changes_nothing(owner: Client) -> None:
    browser = Client(enforce_csrf_checks=True, headers=PAGE)
    browser.cookies = owner.cookies
    bob = make_member("acme")
    assert browser.post(page_of(bob, "remove/")).status_code == 403
    assert Membership.objects.filter(user=bob).exists()


def test_names_are_shown_as_text(owner: Client) -> None:
    bob = make_member("acme")
    User.objects.filter(pk=bob.pk).update(name="<script>x</script>")
    Organization.objects.filter(pk="acme").update(display_name="<b>{who}</b>")
    for path in (MEMBERS, page_of(bob, "remove/")):
        shown = text(owner.get(path))
        assert "<script>x" not in shown
        assert "&lt;b&gt;{who}" in shown


def test_who_has_not_signed_in_does_so_and_comes_back() -> None:
    make_organization("acme")
    browser = Client(headers=PAGE)
    assert browser.get(MEMBERS)["Location"] == "/account/login/?next=/organization/members/"


def test_a_token_opens_no_page(owner: Client) -> None:
    answer = Client(headers={**PAGE, "authorization": f"Bearer {member_token('acme')}"}).get(MEMBERS)
    assert refusal(answer) == (409, "session_needed")


def test_who_belongs_to_several_is_led_to_the_choice(owner: Client) -> None:
    make_organization("globex")
    Membership.objects.create(user=owner_of("acme"), organization_id="globex")
    assert owner.get(MEMBERS)["Location"] == "/account/"
    shown = owner.get("/account/")
    assert {"Use this one"} <= offered(shown)
    owner.post("/organization", {"organization": "globex"})
    assert "Globex Ltd" in text(owner.get("/organization/"))


def test_who_was_removed_from_the_one_in_use_can_choose_the_other(owner: Client) -> None:
    make_organization("globex")
    bob = make_member("acme")
    Membership.objects.create(user=bob, organization_id="globex")
    browser = browser_of(bob)
    browser.post("/organization", {"organization": "acme"})
    members.remove("acme", bob, actor=SYSTEM)
    assert "Use this one" in offered(browser.get("/account/"))


def test_the_account_leads_to_the_organization_in_use_while_there_is_one(owner: Client, settings) -> None:
    link = '<a href="/organization/">Acme Ltd</a>'
    assert link in text(owner.get("/account/email/"))
    settings.PULSE_HOSTED_MODE = "false"
    for path in ("/account/", "/account/email/"):
        assert "/organization/" not in text(owner.get(path))


def test_the_gate_holds_for_pages(owner: Client, settings) -> None:
    lifecycle.suspend("acme", actor=SYSTEM, reason="a test")
    assert refusal(owner.get(MEMBERS)) == (403, "org_suspended")
    settings.PULSE_HOSTED_MODE = "false"
    assert text(owner.get(MEMBERS)) == text(owner.get("/nowhere"))


def test_support_reads_and_is_offered_nothing(owner: Client) -> None:
    operator = make_operator("support")
    support.start("acme", reason="ticket 4711", actor=acting(operator))
    browser = browser_of(operator)
    browser.post("/organization", {"organization": "acme"})
    shown = browser.get(MEMBERS)
    assert offered(shown) == {owner_of("acme").email}
    assert browser.post(INVITE, {"email": "x@example.com"}).status_code == 403
