"""The admin's pages of people: operators made, moved between groups, shut out and let in again."""

import json
import re
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.test import Client
from django_tasks_db.models import DBTaskResult

from pulse.models import AuditEvent, Mail
from pulse.problems import PermissionRefused
from tenants import people
from tenants.errors import BeyondYourself
from tenants.models import User
from tests.admin import GROUPS, said, signed_in, text, who_may_open, who_may_post
from tests.factories import acting, make_member, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")

LIST = "/admin/tenants/user/"
CHANGES = ["groups", "reset_link", "remove_factors", "deactivate", "reactivate"]


def form(user: User, name: str) -> str:
    return f"{LIST}{user.pk}/{name}/"


def groups_of(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def shown_secret(page: str) -> str:
    return re.search(r'class="pulse-secret">([^<]+)<', page)[1]


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin", email="ada@pulse.example")


def test_everybody_reads_and_the_group_admin_adds() -> None:
    assert who_may_open(LIST) == set(GROUPS)
    assert who_may_open(f"{LIST}add/") == {"admin"}
    assert who_may_post(f"{LIST}add/") == {"admin"}


@pytest.mark.parametrize("name", CHANGES)
def test_only_the_group_admin_changes_people(name: str) -> None:
    person = make_operator("support")
    assert who_may_open(form(person, name)) == {"admin"}
    assert who_may_post(form(person, name)) == {"admin"}


def test_support_reads_a_person_without_buttons() -> None:
    person = make_operator("billing")
    seen = text(signed_in("support").get(form(person, "change")))
    assert person.email in seen
    assert not [name for name in CHANGES if form(person, name) in seen]


def test_a_forged_change_of_the_model_is_refused(admin: Client) -> None:
    person = make_operator("support")
    sent = {"email": person.email, "is_superuser": "on", "user_permissions": ["1"]}
    assert admin.post(form(person, "change"), sent).status_code == 403
    person.refresh_from_db()
    assert (person.is_superuser, person.user_permissions.count()) == (False, 0)


def test_a_new_operator_signs_in_with_the_password_that_was_shown_once(admin: Client) -> None:
    answer = admin.post(f"{LIST}add/", {"email": "New@Pulse.example", "groups": ["support"]})
    assert "no-store" in answer["Cache-Control"]
    sign_in = {"login": "new@pulse.example", "password": shown_secret(text(answer))}
    assert Client().post("/account/login/?next=/admin/", sign_in)["Location"] == "/admin/"
    assert groups_of(User.objects.get(email="new@pulse.example")) == {"support"}


@pytest.mark.parametrize(
    ("sent", "field", "refusal"),
    [
        ({"email": "nonsense", "groups": ["support"]}, "email", "not a valid e-mail address"),
        ({"email": "ada@pulse.example", "groups": ["support"]}, "email", "exists already"),
        ({"email": "new@pulse.example", "groups": []}, "groups", "This field is required."),
        ({"email": "new@pulse.example", "groups": ["gods"]}, "groups", "not one of the available choices"),
    ],
)
def test_a_new_operator_is_refused_beside_the_field(
    sent: dict[str, object], field: str, refusal: str, admin: Client
) -> None:
    answer = admin.post(f"{LIST}add/", sent)
    assert refusal in answer.context["form"].errors[field][0]
    assert not User.objects.filter(email="new@pulse.example").exists()


def test_changing_groups_changes_what_an_operator_may_do_at_once(admin: Client) -> None:
    make_organization("acme")
    person = make_operator("support")
    theirs = Client()
    theirs.force_login(person)
    suspend = "/admin/tenants/organization/acme/suspend/"
    assert theirs.get(suspend).status_code == 403
    admin.post(form(person, "groups"), {"groups": ["operator"], "seen": "*"})
    assert theirs.get(suspend).status_code == 200


def test_an_operator_without_groups_is_none(admin: Client) -> None:
    person = make_operator("support")
    answer = admin.post(form(person, "groups"), {"groups": [], "seen": "*"})
    person.refresh_from_db()
    assert (said(answer), person.is_staff) == ([f"{person.email} is in no group."], False)


def test_a_member_becomes_an_operator_by_a_group(admin: Client) -> None:
    make_organization("acme")
    person = make_member("acme")
    admin.post(form(person, "groups"), {"groups": ["support"], "seen": "*"})
    person.refresh_from_db()
    assert person.is_staff


def test_a_deactivated_operator_is_shut_out_and_let_in_again(admin: Client) -> None:
    person = make_operator("support")
    theirs = Client()
    theirs.force_login(person)
    admin.post(form(person, "deactivate"), {"reason": "laptop lost"})
    assert theirs.get("/admin/").status_code == 302
    admin.post(form(person, "reactivate"), {})
    theirs.force_login(person)
    assert theirs.get("/admin/").status_code == 200


def test_a_reset_link_is_mailed_and_shown_to_nobody(admin: Client) -> None:
    make_organization("acme")
    person = make_member("acme")
    shown = text(admin.post(form(person, "reset_link"), {}, follow=True))
    [job] = DBTaskResult.objects.filter(task_path="tenants.tasks.mail_password_reset")
    assert job.args_kwargs["args"] == [person.email]
    assert "/password/reset/key/" not in shown


def test_lost_factors_are_removed_with_a_reason_and_the_person_is_told(admin: Client) -> None:
    person = make_operator("support")
    Authenticator.objects.create(user=person, type="totp", data={"secret": "x"})
    page = form(person, "remove_factors")
    assert page in text(admin.get(form(person, "change")))
    assert admin.post(page, {"reason": ""}).context["form"].errors["reason"]
    assert Authenticator.objects.exists()
    admin.post(page, {"reason": "lost the phone; called back"})
    assert not Authenticator.objects.exists()
    assert Mail.objects.get().to == person.email
    event = AuditEvent.objects.get(verb="user.remove_factors")
    assert (event.before, event.reason) == ({"factors": ["totp"]}, "lost the phone; called back")


@pytest.mark.parametrize("name", CHANGES)
def test_nobody_changes_their_own_access(name: str, admin: Client) -> None:
    me = User.objects.get(email="ada@pulse.example")
    seen = text(admin.post(form(me, name), {"reason": "to see", "groups": ["support"]}))
    assert "Nobody changes their own access." in seen
    assert groups_of(me) == {"admin"}
    assert form(me, name) not in text(admin.get(form(me, "change")))


@pytest.mark.parametrize("name", CHANGES)
def test_a_superuser_is_out_of_reach_for_who_is_none(name: str, admin: Client) -> None:
    root = User.objects.create_superuser("root@pulse.example", "a long password")
    seen = text(admin.post(form(root, name), {"reason": "to see", "groups": ["support"]}))
    assert "further than your own permissions" in seen
    root.refresh_from_db()
    assert (root.is_active, root.check_password("a long password")) == (True, True)


def test_nobody_grants_more_than_they_may_do() -> None:
    clerk = make_operator("support")
    clerks = Group.objects.create(name="clerks")
    clerks.permissions.set(Group.objects.get(name="admin").permissions.filter(codename="change_user"))
    clerk.groups.add(clerks)
    with pytest.raises(BeyondYourself):
        people.change_groups(make_operator("support"), groups=["admin"], actor=acting(clerk))


@pytest.mark.parametrize("verb", [people.change_groups, people.deactivate, people.reactivate])
def test_a_verb_itself_refuses_who_may_not(verb: Callable[..., User]) -> None:
    groups = {"groups": ["support"]} if verb is people.change_groups else {}
    with pytest.raises(PermissionRefused):
        verb(make_operator("support"), actor=acting(make_operator("operator")), **groups)


def test_the_audit_names_people_by_public_id_and_never_by_address(admin: Client) -> None:
    admin.post(f"{LIST}add/", {"email": "new@pulse.example", "groups": ["support"]})
    person = User.objects.get(email="new@pulse.example")
    for name in CHANGES:
        admin.post(form(person, name), {"reason": "to see", "groups": ["billing"], "seen": "*"})
    events = AuditEvent.objects.filter(after__user=str(person.public_id))
    assert list(events.order_by("sequence").values_list("verb", flat=True)) == [
        "operator.create", "operator.groups", "user.send_reset_link", "user.remove_factors",
        "user.deactivate", "user.reactivate",
    ]  # fmt: skip
    assert "@" not in json.dumps([[event.before, event.after] for event in events])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "olga"}, {"olga"}),
        ({"is_staff__exact": "0"}, {"owner"}),
        ({"is_active__exact": "0"}, set()),
    ],
)
def test_people_are_found(query: dict[str, str], found: set[str], admin: Client) -> None:
    make_operator("operator", email="olga@pulse.example")
    make_organization("acme")
    seen = text(admin.get(LIST, query))
    cells = {one for one in ("olga", "owner") if f"{one}@" in seen}
    assert cells == found


def test_people_are_filtered_by_group(admin: Client) -> None:
    make_operator("operator", email="olga@pulse.example")
    support = Group.objects.get(name="support")
    assert "olga@" not in text(admin.get(LIST, {"groups__id__exact": support.pk}))
