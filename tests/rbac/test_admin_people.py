"""The admin's pages of who has which role in an organization, and of what changed."""

import pytest
from django.test import Client

from pulse.models import AuditEvent
from rbac import roles
from rbac.drafts import Draft
from tenants import context
from tests.admin import said, signed_in, text
from tests.factories import SYSTEM, make_member, make_operator, owner_of
from tests.rbac.admin import ACCESS, GRANTS, give, held_by, make_acme, person, seen_in

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def acme(database: None) -> None:
    make_acme()


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin", email="ada@pulse.example")


def test_people_are_listed_by_their_e_mail_with_their_roles(admin: Client) -> None:
    member = make_member("acme", roles=["viewer", "deployer"])
    idle = make_member("acme")
    give("bot-7", "viewer")
    answer = admin.get(f"{ACCESS}people/")
    found = {name.name: held for name, held in answer.context["people"]}
    assert found == {
        "owner@acme.example": ["admin"], member.email: ["deployer", "viewer"], "bot-7": ["viewer"],
    }  # fmt: skip
    assert [one.name for one in answer.context["idle"]] == [idle.email]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "bot"}, {"bot-7"}),
        ({"q": "OWNER@acme.example"}, {"owner@acme.example"}),
        ({"role": "viewer"}, {"bot-7"}),
        ({"role": "deployer"}, set()),
    ],
)
def test_people_are_found(asked: dict[str, str], found: set[str], admin: Client) -> None:
    give("bot-7", "viewer")
    assert {one.name for one, _ in admin.get(f"{ACCESS}people/", asked).context["people"]} == found


def test_what_a_persons_roles_come_to_is_told_with_its_origin(admin: Client) -> None:
    give("crew/7?a=b&c", "deployer")
    seen = text(admin.get(person("crew%2F7%3Fa%3Db%26c")))
    assert "crew/7?a=b&amp;c" in seen
    assert "through deployer" in seen


def test_roles_are_assigned_as_a_whole_list(admin: Client) -> None:
    member = make_member("acme", roles=["viewer"])
    path = person(member.email, "assign")
    answer = admin.post(path, {"roles": ["deployer", "operator"], "seen": seen_in(admin, path)})
    assert (answer["Location"], held_by(member.public_id)) == (
        person(member.public_id), ["deployer", "operator"],
    )  # fmt: skip
    assert said(answer) == [f"{member.email} has deployer, operator."]
    event = AuditEvent.objects.filter(verb="roles.assign").first()
    assert (event.door, event.organization) == ("admin", "acme")


def test_a_stale_list_of_roles_is_refused_and_kept(admin: Client) -> None:
    path = person("bot-7", "assign")
    seen = seen_in(admin, path)
    give("bot-7", "auditor")
    answer = admin.post(path, {"roles": ["viewer"], "seen": seen})
    assert "As it is now: auditor." in text(answer)
    assert answer.context["form"]["roles"].value() == ["viewer"]
    assert held_by("bot-7") == ["auditor"]


def test_the_last_admin_stays(admin: Client) -> None:
    owner = owner_of("acme").public_id
    path = person(owner, "assign")
    seen = text(admin.post(path, {"roles": ["viewer"], "seen": seen_in(admin, path)}))
    assert "The organization would be left without an admin." in seen
    assert held_by(owner) == ["admin"]


def test_nobody_assigns_roles_to_themselves() -> None:
    operator = make_operator("admin")
    client = Client(headers={"accept": "text/html"})
    client.force_login(operator)
    path = person(operator.public_id, "assign")
    assert "Nobody changes their own roles." in text(client.get(path))
    assert "Nobody changes their own roles." in text(client.post(path, {"roles": ["admin"], "seen": "*"}))
    assert held_by(operator.public_id) == []


@pytest.mark.parametrize("principal", ["", "x" * 129, "bell%07"])
def test_what_is_no_principal_is_refused(principal: str, admin: Client) -> None:
    assert admin.get(person(principal)).status_code == 400


def test_changes_are_told_rule_by_rule_and_filtered(admin: Client) -> None:
    with context.organization("acme"):
        roles.change("deployer", Draft("Deployer", parent="viewer", permissions=GRANTS[:1]), actor=SYSTEM)
    give("bot-7", "viewer")
    newest = admin.get(f"{ACCESS}changes/", {"verb": "roles.change"}).context["changes"]
    assert [
        (one["subject"], [(d.field, d.before, d.after) for d in one["differences"]]) for one in newest
    ] == [("deployer", [("description", "Puts things up.", ""), ("rule", "deny read on nodes", None)])]
    [given] = admin.get(f"{ACCESS}changes/", {"subject": "bot-7"}).context["changes"]
    assert [(d.field, d.before, d.after) for d in given["differences"]] == [("role", None, "viewer")]
    assert "No changes match." in text(admin.get(f"{ACCESS}changes/", {"subject": "nobody"}))


@pytest.mark.parametrize(
    ("page", "asked", "found"),
    [
        ("", "roles/?q=deploy", ["deployer,Deployer,Puts things up.,viewer,False,0,0"]),
        ("people/", "people/?q=bot", ["bot-7,,viewer"]),
        ("people/", "people/?role=deployer", []),
        ("changes/", "changes/?subject=nobody", []),
    ],
)
def test_each_list_is_a_file_with_its_filters(page: str, asked: str, found: list[str], admin: Client) -> None:
    give("bot-7", "viewer")
    name, _, query = asked.partition("/")
    assert f"{ACCESS}export/{name}/?{query.removeprefix('?')}" in text(admin.get(f"{ACCESS}{page}{query}"))
    answer = admin.post(f"{ACCESS}export/{asked}", {"kind": "csv"})
    _, *rows = b"".join(answer.streaming_content).decode().splitlines()
    assert rows == found
    event = AuditEvent.objects.get(verb="list.export")
    assert (event.organization, event.after["list"]) == ("acme", f"rbac.{name}")


def test_a_list_of_the_roles_is_not_for_who_may_not_export(database: None) -> None:
    assert signed_in("support").get(f"{ACCESS}export/roles/").status_code == 403
