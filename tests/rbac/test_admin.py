"""The admin's pages of an organization's access: its roles, and the audited look at them."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from pulse.models import AuditEvent
from rbac import roles
from rbac.drafts import Draft, Grant
from tenants import context, lifecycle
from tests.admin import GROUPS, queries, said, signed_in, text, who_may_open
from tests.factories import SYSTEM, make_member, make_organization
from tests.rbac.admin import ACCESS, BASE, ROLE, document, give, make_acme, person, seen_in, sent

pytestmark = pytest.mark.usefixtures("database")

READERS = {"operator", "admin"}


@pytest.fixture(autouse=True)
def acme(database: None) -> None:
    make_acme()


@pytest.fixture
def admin(database: None) -> Client:
    return signed_in("admin", email="ada@pulse.example")


EMPTY_ROW = {"action": "", "resource": "", "effect": "allow"}
FORMS = [
    f"{ACCESS}add_role/",
    *(f"{ROLE}{name}/" for name in ("change", "copy", "delete")),
    person("x", "assign"),
]
PAGES = [ACCESS, ROLE, f"{ACCESS}people/", f"{ACCESS}changes/", person("x")]


@pytest.mark.parametrize("path", [*PAGES, *FORMS])
def test_a_page_opens_to_who_manages_access(path: str) -> None:
    assert who_may_open(path) == READERS


@pytest.mark.parametrize("path", FORMS)
def test_a_forged_post_is_refused_to_all_other_groups(path: str) -> None:
    for group in set(GROUPS) - READERS:
        assert signed_in(group).post(path, sent()).status_code == 403
    assert document()["name"] == "Deployer"


def test_the_organizations_page_leads_there_only_who_may_go() -> None:
    seen = {group: f'href="{ACCESS}"' in text(signed_in(group).get(f"{BASE}change/")) for group in GROUPS}
    assert {group for group, has_tab in seen.items() if has_tab} == READERS


def test_the_roles_are_listed_with_what_they_say(admin: Client) -> None:
    seen = text(admin.get(ACCESS))
    assert "allow write on vms:* when region is &quot;eu&quot;" in seen
    assert "deny read on nodes" in seen
    assert seen.count(">built in<") == 0
    assert seen.count("built in") == 4


def test_the_list_is_searched(admin: Client) -> None:
    found = admin.get(ACCESS, {"q": "DEPLOY"}).context["page"].object_list
    assert [role.id for role in found] == ["deployer"]
    assert "No roles match." in text(admin.get(ACCESS, {"q": "nothing"}))


def test_a_role_is_made_with_its_permissions(admin: Client) -> None:
    rows = [{"action": "write", "resource": "nodes:*", "conditions": '{"own": true}'}, EMPTY_ROW]
    answer = admin.post(
        f"{ACCESS}add_role/", sent(*rows, id="builder", name="Builder", parent="viewer", priority="7")
    )
    assert (answer["Location"], said(answer)) == (f"{ACCESS}role/builder/", ["The role builder is made."])
    assert document("builder") == {
        "id": "builder", "name": "Builder", "description": "", "parent": "viewer", "built_in": False,
        "priority": 7,
        "permissions": [
            {"action": "write", "resource": "nodes:*", "effect": "allow", "conditions": {"own": True}}
        ],
    }  # fmt: skip


def test_more_rows_keep_what_was_typed(admin: Client) -> None:
    rows = [{"conditions": "{half"}, EMPTY_ROW]
    answer = admin.post(f"{ACCESS}add_role/", sent(*rows, id="builder", more_rows="yes"))
    form = answer.context["form"]
    assert (form["id"].value(), len(form.permissions.forms)) == ("builder", 6)
    assert form.permissions.forms[0]["conditions"].value() == "{half"
    assert not form.errors


@pytest.mark.parametrize(
    ("row", "field", "refusal"),
    [
        ({"conditions": "{half"}, "conditions", "This is not JSON."),
        ({"conditions": "[1]"}, "conditions", "Write an object"),
        ({"conditions": '{"a": NaN}'}, "conditions", "This is not JSON."),
        ({"conditions": "[" * 100_000}, "conditions", "This is not JSON."),
        ({"conditions": '{"a": [1]}'}, "conditions", "a text, a number, true, false or null"),
        ({"resource": "a*b"}, "resource", "* stands alone"),
        ({"action": ""}, "action", "This field is required."),
        ({"action": "x" * 65}, "action", "1 to 64 characters"),
    ],
)
def test_a_bad_permission_is_refused_in_its_row(
    row: dict[str, str], field: str, refusal: str, admin: Client
) -> None:
    answer = admin.post(f"{ACCESS}add_role/", sent(EMPTY_ROW, {}, row, id="builder"))
    assert refusal in answer.context["form"].permissions.forms[2].errors[field][0]


@pytest.mark.parametrize(
    ("changes", "field", "refusal"),
    [
        ({"id": "No Way"}, "id", "1 to 64 of a-z"),
        ({"id": "deployer"}, "id", "There is a role with this id already."),
        ({"name": ""}, "name", "This field is required."),
        ({"name": "bell \x07"}, "name", "none a control character"),
        ({"parent": "nobody"}, "parent", "Select a valid choice."),
        ({"priority": "9999999"}, "priority", "between -1000000 and 1000000"),
    ],
)
def test_a_bad_field_is_refused_beside_it(
    changes: dict[str, str], field: str, refusal: str, admin: Client
) -> None:
    answer = admin.post(f"{ACCESS}add_role/", sent({}, **({"id": "builder"} | changes)))
    assert refusal in answer.context["form"].errors[field][0]


def test_too_many_permissions_are_refused_in_words(admin: Client) -> None:
    answer = admin.post(f"{ACCESS}add_role/", sent(*[{}] * 201, id="builder"))
    assert "A role has at most 200 permissions." in text(answer)


def test_a_role_is_changed_and_a_permission_deleted(admin: Client) -> None:
    rows = [{"DELETE": "on"}, {"resource": "alerts"}]
    form = sent(*rows, initial=2, name="Deployers", seen=seen_in(admin, f"{ROLE}change/"))
    assert said(admin.post(f"{ROLE}change/", form)) == ["The role deployer is changed."]
    changed = document()
    assert (changed["name"], changed["parent"]) == ("Deployers", None)
    assert [one["resource"] for one in changed["permissions"]] == ["alerts"]


def test_the_second_of_two_operators_is_told_what_there_is_now_and_loses_nothing(admin: Client) -> None:
    seen = seen_in(admin, f"{ROLE}change/")
    with context.organization("acme"):
        roles.change("deployer", Draft("Theirs", permissions=[Grant("read", "theirs")]), actor=SYSTEM)
    form = sent({"resource": "mine"}, name="Mine", seen=seen)
    answer = admin.post(f"{ROLE}change/", form)
    assert "Somebody has changed this since you read it." in text(answer)
    assert "allow read on theirs" in text(answer)
    assert 'value="mine"' in text(answer)
    assert document()["name"] == "Theirs"
    again = form | {"seen": answer.context["form"]["seen"].value()}
    assert said(admin.post(f"{ROLE}change/", again)) == ["The role deployer is changed."]
    assert document()["name"] == "Mine"


def test_a_form_without_a_version_changes_nothing(admin: Client) -> None:
    admin.post(f"{ROLE}change/", sent({}, name="Mine"))
    assert document()["name"] == "Deployer"


def test_a_built_in_role_offers_a_copy_alone(admin: Client) -> None:
    built_in = f"{ACCESS}role/viewer/"
    seen = text(admin.get(built_in))
    assert [name for name in ("change", "copy", "delete") if f"{built_in}{name}/" in seen] == ["copy"]
    assert "Built-in roles cannot be changed" in text(admin.get(f"{built_in}change/"))
    form = sent({}, name="Mine", seen=seen_in(admin, f"{built_in}change/"))
    assert "Built-in roles cannot be changed" in text(admin.post(f"{built_in}change/", form))


def test_a_role_is_copied(admin: Client) -> None:
    admin.post(f"{ACCESS}role/viewer/copy/", {"to": "reader", "name": "Reader"})
    assert document("reader") == document("viewer") | {
        "id": "reader",
        "name": "Reader",
        "built_in": False,
        "priority": 10,
    }


def test_a_role_that_is_used_is_not_deleted_and_who_uses_it_is_told(admin: Client) -> None:
    seen = seen_in(admin, f"{ROLE}delete/")
    give("bot-7", "deployer")
    told = "It is assigned to bot-7."
    assert told in text(admin.get(f"{ROLE}delete/"))
    assert told in text(admin.post(f"{ROLE}delete/", {"seen": seen}))
    give("bot-7")
    answer = admin.post(f"{ROLE}delete/", {"seen": seen})
    assert (answer["Location"], said(answer)) == (ACCESS, ["The role deployer is deleted."])
    assert admin.get(ROLE).status_code == 404


def test_a_look_is_audited_once_a_visit_for_each_operator(admin: Client) -> None:
    looks = AuditEvent.objects.filter(verb="access.look", organization="acme")
    for path in PAGES:
        admin.get(path)
    assert [event.actor for event in looks.all()] == [str(admin_of(admin))]
    signed_in("operator").get(ACCESS)
    assert looks.count() == 2
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        admin.get(ACCESS)
    assert looks.count() == 3


def admin_of(client: Client) -> Any:
    return client.get("/admin/").wsgi_request.user.public_id


def test_who_is_refused_has_not_looked() -> None:
    signed_in("support").get(ACCESS)
    assert not AuditEvent.objects.filter(verb="access.look").exists()


@pytest.mark.parametrize("path", [ACCESS, ROLE, f"{ACCESS}people/", f"{ACCESS}changes/"])
def test_a_page_takes_as_many_queries_for_many_rows_as_for_few(path: str, admin: Client) -> None:
    make_member("acme", roles=["deployer"])
    few = queries(admin, path, also="rbac_acme")
    for number in range(8):
        give(f"bot-{number}", "viewer", "deployer")
        make_member("acme", roles=["deployer"])
        with context.organization("acme"):
            roles.copy("deployer", to=f"copy-{number}", name="Copy", actor=SYSTEM)
    assert queries(admin, path, also="rbac_acme") == few < 25


@pytest.mark.parametrize("path", PAGES)
def test_a_broken_database_is_told_in_place_of_the_page(path: str, data_dir, admin: Client) -> None:
    (data_dir / "orgs" / "acme" / "rbac.db").unlink()
    answer = admin.get(path)
    assert answer.status_code == 503
    assert f'href="{BASE}database/"' in text(answer)
    assert "tenant_database_unavailable" in text(answer)


def test_a_dialog_on_a_broken_database_leads_to_its_page(data_dir, admin: Client) -> None:
    (data_dir / "orgs" / "acme" / "rbac.db").unlink()
    answer = admin.get(f"{ROLE}delete/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, ACCESS)


@pytest.mark.parametrize("organization_id", ["nobody", "gone"])
def test_an_organization_that_is_not_there_has_no_access(organization_id: str, admin: Client) -> None:
    make_organization("gone")
    with time_machine.travel(timezone.now() - timedelta(days=40)):
        lifecycle.soft_delete("gone", actor=SYSTEM, retention_days=30)
    lifecycle.purge("gone", actor=SYSTEM)
    assert admin.get(f"/admin/tenants/organization/{organization_id}/access/").status_code == 404
