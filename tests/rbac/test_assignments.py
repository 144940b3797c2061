"""Who has which role: whole lists, refused whole; nobody one's own; an admin always remains."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import connections

from rbac import assignments, errors
from tenants import context
from tenants.models import Membership
from tests.api import Caller, code
from tests.factories import UserFactory, acting, make_member, make_operator, make_organization, owner_of
from tests.rbac.callers import allow, assign, make_role, member, owner

pytestmark = pytest.mark.usefixtures("database")

BOB = "/api/org/users/bob"
USERS = "/api/org/users"
# A product names its people as it likes.
PRINCIPALS = [
    "bob", "Bob Smith", " bob ", "user@example.com", "auth0|5f7c8ec7c33c6c004bbafe82", "tenant/7/user/8",
    "x/roles", "héllo", "用户", "a%2Fb", "100%", "?q=1", "#1", "..", "../../etc", "a;b", "a&b=c", "'; --",
    "👩\u200d🔧", "roles", "permissions", "x" * 128,
]  # fmt: skip


@pytest.fixture
def admin(database: None) -> Caller:
    """The owner of acme."""
    make_organization("acme")
    return owner()


def address(principal: str, part: str = "roles") -> str:
    return f"{USERS}/{quote(principal, safe='')}/{part}"


def give(caller: Caller, principal: str, *roles: str, **headers: str) -> Any:
    return caller.put(address(principal), {"roles": list(roles)}, **headers)


def has(principal: str) -> list[str]:
    with context.organization("acme"):
        return assignments.of_principal(principal)


def test_the_list_is_taken_whole(admin: Caller) -> None:
    assert give(admin, "bob", "viewer", "auditor", "viewer").json() == {"roles": ["auditor", "viewer"]}
    assert give(admin, "bob", "operator").json() == {"roles": ["operator"]}
    assert admin.get(f"{BOB}/roles").json() == {"roles": ["operator"]}
    assert give(admin, "bob").json() == {"roles": []}


def test_an_unknown_principal_has_no_roles(admin: Caller) -> None:
    assert admin.get(f"{BOB}/roles").json() == {"roles": []}
    assert admin.get(f"{BOB}/permissions").json() == {"permissions": []}


@pytest.mark.parametrize("unknown", ["none", "VIEWER", "viewer ", "viewer\u200b", "'"])
def test_unknown_roles_are_named_and_nothing_is_changed(admin: Caller, unknown: str) -> None:
    assign("bob", "viewer")
    answer = give(admin, "bob", "auditor", unknown, "missing")
    assert code(answer) == (400, "unknown_roles")
    assert answer.json()["errors"] == {
        "roles": [f"unknown: {one}" for one in sorted({unknown, "missing"})]
    }  # fmt: skip
    assert has("bob") == ["viewer"]


@pytest.mark.parametrize(
    "body",
    [{}, {"roles": "viewer"}, {"roles": {"viewer": True}}, {"roles": [["viewer"]]}, {"roles": [None]},
     {"roles": ["x" * 65]}, {"roles": ["\x00"]}, {"roles": [1]}, {"roles": ["viewer"] * 501},
     ["viewer"]],
)  # fmt: skip
def test_a_body_that_is_not_a_list_of_ids_is_refused(admin: Caller, body: Any) -> None:
    assign("bob", "viewer")
    assert code(admin.put(f"{BOB}/roles", body)) == (400, "invalid_request")
    assert has("bob") == ["viewer"]


@pytest.mark.parametrize("principal", PRINCIPALS)
def test_a_principal_is_a_products_own_user_id_whatever_its_signs(admin: Caller, principal: str) -> None:
    assert give(admin, principal, "viewer").json() == {"roles": ["viewer"]}
    assert admin.get(address(principal)).json() == {"roles": ["viewer"]}
    assert len(admin.get(address(principal, "permissions")).json()["permissions"]) == 1
    check = {"user": principal, "action": "read", "resource": "x"}
    assert admin.post("/api/org/check", check).json()["allowed"] is True
    assert [one["id"] for one in admin.get(f"{USERS}?role=viewer").json()["results"]] == [principal]


@pytest.mark.parametrize("principal", ["x" * 129, "a\rb", "a\x00b", "\x7f", "\u202ebob", "a\u2028b"])
def test_a_principal_that_is_too_long_or_has_control_characters_is_refused(
    admin: Caller, principal: str
) -> None:
    assert code(give(admin, principal, "viewer")) == (400, "invalid_principal")
    assert admin.get(f"{USERS}?role=viewer").json()["count"] == 0


def test_principals_that_differ_in_a_blank_are_two(admin: Caller) -> None:
    give(admin, "bob ", "viewer")
    check = {"user": "bob", "action": "read", "resource": "x"}
    assert admin.post("/api/org/check", check).json()["allowed"] is False


def test_a_person_of_pulses_is_given_roles_as_a_member_alone(admin: Caller) -> None:
    stranger = str(UserFactory().public_id)
    assert code(give(admin, stranger, "viewer")) == (409, "not_a_member")
    assert has(stranger) == []
    assert give(admin, str(uuid4()), "viewer").status_code == 200


def test_roles_that_a_person_has_left_behind_can_be_taken(admin: Caller) -> None:
    left = make_member("acme", roles=["viewer", "auditor"])
    Membership.objects.filter(user=left).delete()
    assert give(admin, str(left.public_id), "viewer").json() == {"roles": ["viewer"]}
    assert give(admin, str(left.public_id)).json() == {"roles": []}


def test_nobody_changes_their_own_roles(admin: Caller) -> None:
    mine = str(owner_of("acme").public_id)
    for wanted in (["admin", "viewer"], ["admin"], []):
        assert code(give(admin, mine, *wanted)) == (403, "self_assignment")
    assert has(mine) == ["admin"]


def test_an_operator_who_is_a_member_does_not_change_their_own_roles_either(admin: Caller) -> None:
    operator = make_operator("operator")
    with context.organization("acme"), pytest.raises(errors.SelfAssignment):
        assignments.assign(str(operator.public_id), roles=["admin"], actor=acting(operator, door="admin"))


def test_an_operator_with_the_permission_changes_roles_from_outside(admin: Caller) -> None:
    with context.organization("acme"):
        assignments.assign("bob", roles=["viewer"], actor=acting(make_operator("operator"), door="admin"))
    assert has("bob") == ["viewer"]


def test_an_operator_without_the_permission_is_refused(admin: Caller) -> None:
    with context.organization("acme"), pytest.raises(errors.AccessRefused):
        assignments.assign("bob", roles=["viewer"], actor=acting(make_operator("support"), door="admin"))
    assert has("bob") == []


def test_the_last_admin_cannot_lose_admin(admin: Caller) -> None:
    make_role("keeper", ("write", "roles"))
    keeper, _ = member("keeper")
    mine = str(owner_of("acme").public_id)
    assert code(give(keeper, mine, "viewer")) == (409, "last_admin")
    assert code(give(keeper, mine)) == (409, "last_admin")
    assert has(mine) == ["admin"]


def test_the_last_admin_may_get_further_roles(admin: Caller) -> None:
    make_role("keeper", ("write", "roles"))
    keeper, _ = member("keeper")
    assert give(keeper, str(owner_of("acme").public_id), "admin", "viewer").status_code == 200


def test_an_admin_who_is_not_the_last_may_lose_it(admin: Caller) -> None:
    assign("bob", "admin")
    assert give(admin, "bob").status_code == 200


def test_two_admins_who_remove_each_other_at_once_leave_one(admin: Caller) -> None:
    first, first_id = member("admin")
    second, second_id = member("admin")
    give(first, str(owner_of("acme").public_id))
    for _ in range(5):
        answers = at_once(lambda: give(first, second_id), lambda: give(second, first_id))
        assert sorted(answer.status_code for answer in answers) == [200, 403]
        assert sorted([has(first_id), has(second_id)]) == [[], ["admin"]]
        assign(first_id, "admin")
        assign(second_id, "admin")


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """The answers of the works, each in a thread, all released together."""
    together = threading.Barrier(len(works))

    def work(one: Callable[[], Any]) -> Any:
        together.wait(10)
        try:
            return one()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(work, works))


def test_a_viewer_reads_assignments_and_changes_none(admin: Caller) -> None:
    viewer, _ = member("viewer")
    assert viewer.get(f"{BOB}/roles").status_code == viewer.get(USERS).status_code == 200
    assert code(give(viewer, "bob", "admin")) == (403, "permission_denied")


def test_a_token_changes_assignments_by_its_scopes(admin: Caller) -> None:
    assert code(give(owner(scopes=["read"]), "bob", "viewer")) == (403, "scope_missing")
    assert give(owner(scopes=["write"]), "bob", "viewer").status_code == 200


def test_the_version_of_a_list_guards_it(admin: Caller) -> None:
    read = admin.get(f"{BOB}/roles")["ETag"]
    changed = give(admin, "bob", "viewer", if_match=read)
    assert changed["ETag"] == admin.get(f"{BOB}/roles")["ETag"] != read
    assert code(give(admin, "bob", "auditor", if_match=read)) == (412, "stale_version")
    assert code(give(admin, "bob", "auditor", if_match="nonsense")) == (412, "stale_version")
    assert has("bob") == ["viewer"]
    assert give(admin, "bob", "auditor", if_match=f'"old", {changed["ETag"]}').status_code == 200
    assert give(admin, "bob", "viewer", if_match="*").status_code == 200


def test_effective_permissions_come_through_inheritance(admin: Caller) -> None:
    make_role("grandparent", ("read", "nodes"))
    make_role("parent", ("write", "vms"), parent="grandparent")
    make_role("child", parent="parent")
    assign("bob", "child", "auditor")
    found = admin.get(f"{BOB}/permissions").json()["permissions"]
    assert {"role": "grandparent", "through": "child"} | allow("read", "nodes") in found
    assert {"role": "parent", "through": "child"} | allow("write", "vms") in found
    assert {one["role"] for one in found if one["through"] == "auditor"} == {"auditor"}
    assert len(found) == 2 + 4


def test_a_rule_that_comes_by_two_ways_is_shown_once(admin: Caller) -> None:
    make_role("base", ("read", "nodes"))
    for name in ("left", "right"):
        make_role(name, parent="base")
    assign("bob", "left", "right")
    assert admin.get(f"{BOB}/permissions").json()["permissions"] == [
        {"role": "base", "through": "left"} | allow("read", "nodes")
    ]


def test_effective_permissions_show_denies_and_conditions(admin: Caller) -> None:
    make_role("deployer")
    rule = allow("write", "vms", owner="${user}") | {"effect": "deny"}
    admin.put("/api/org/roles/deployer", {"name": "X", "permissions": [rule]})
    assign("bob", "deployer")
    assert admin.get(f"{BOB}/permissions").json()["permissions"] == [
        {"role": "deployer", "through": "deployer"} | rule
    ]


def test_effective_permissions_are_those_of_the_next_check(admin: Caller) -> None:
    assign("bob", "viewer")
    assert len(admin.get(f"{BOB}/permissions").json()["permissions"]) == 1
    give(admin, "bob")
    assert admin.get(f"{BOB}/permissions").json()["permissions"] == []


LISTS = [
    ("?role=viewer", ["alice", "bob"]),
    ("?role=auditor", ["bob"]),
    ("?role=none", []),
    ("?search=ali", ["alice"]),
    ("?role=viewer&ordering=-id", ["bob", "alice"]),
    ("?role=viewer&page_size=1&page=2", ["bob"]),
]


@pytest.mark.parametrize(("query", "found"), LISTS)
def test_principals_are_filtered_by_role_searched_and_paged(admin: Caller, query, found) -> None:
    assign("alice", "viewer")
    assign("bob", "viewer", "auditor")
    answer = admin.get(USERS + query).json()
    assert [one["id"] for one in answer["results"]] == found


def test_principals_are_listed_with_their_roles(admin: Caller) -> None:
    assign("bob", "viewer", "auditor")
    assert admin.get(f"{USERS}?search=bob").json()["results"] == [
        {"id": "bob", "display_name": "", "roles": ["auditor", "viewer"]}
    ]
