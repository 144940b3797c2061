"""Roles through the tenant API: made, changed, copied, deleted, and each way in which that is refused."""

from typing import Any

import pytest
from django.db import connections

from tests.api import Caller, code
from tests.factories import make_organization
from tests.rbac.callers import allow, assign, make_role, member, owner, role_body
from tests.tenants.scrape import value_of

pytestmark = pytest.mark.usefixtures("database")

ROLES = "/api/org/roles"
DEPLOYER = f"{ROLES}/deployer"
BUILT_IN = ["admin", "auditor", "operator", "viewer"]


@pytest.fixture
def admin(database: None) -> Caller:
    """The owner of acme."""
    make_organization("acme")
    return owner()


def ids(answer: Any) -> list[str]:
    return [role["id"] for role in answer.json()["results"]]


def shown(caller: Caller, role_id: str = "deployer") -> dict[str, Any]:
    return caller.get(f"{ROLES}/{role_id}").json()


def test_a_role_is_shown_as_it_was_made(admin: Caller) -> None:
    wanted = role_body(
        description="Puts things up.",
        parent="viewer",
        priority=30,
        permissions=[
            allow("write", "vms:*", region="eu", own=True, cores=4, share=0.5, end=None, by="${user}"),
            allow("read", "*") | {"effect": "deny"},
        ],
    )
    answer = admin.post(ROLES, wanted)
    assert (answer.status_code, answer.json()) == (201, wanted | {"built_in": False})
    assert shown(admin) == answer.json()


def test_what_is_left_out_of_a_new_role_has_a_default(admin: Caller) -> None:
    answer = admin.post(ROLES, {"id": "idle", "name": "Idle"})
    assert answer.json() == {
        "id": "idle", "name": "Idle", "description": "", "parent": None, "built_in": False, "priority": 0,
        "permissions": [],
    }  # fmt: skip


def test_a_change_replaces_the_whole_role(admin: Caller) -> None:
    admin.post(ROLES, role_body(description="Puts things up.", parent="viewer", priority=3))
    answer = admin.put(DEPLOYER, {"name": "Deployers", "permissions": [allow("read", "nodes")]})
    assert answer.status_code == 200
    assert shown(admin) == {
        "id": "deployer", "name": "Deployers", "description": "", "parent": None, "built_in": False,
        "priority": 0, "permissions": [allow("read", "nodes")],
    }  # fmt: skip


def test_a_change_is_in_force_at_the_next_check(admin: Caller) -> None:
    make_role("deployer", ("read", "settings"))
    theirs, _ = member("deployer")
    assert theirs.get("/api/org").status_code == 200
    admin.put(DEPLOYER, role_body(permissions=[allow("read", "vms")]))
    assert code(theirs.get("/api/org")) == (403, "permission_denied")


def test_the_body_cannot_make_a_role_built_in_or_rename_it(admin: Caller) -> None:
    admin.post(ROLES, role_body(built_in=True))
    admin.put(DEPLOYER, role_body(id="other", built_in=True))
    assert shown(admin)["built_in"] is False
    assert code(admin.get(f"{ROLES}/other")) == (404, "not_found")


def test_a_deleted_role_is_gone(admin: Caller) -> None:
    make_role("deployer")
    assert admin.delete(DEPLOYER).status_code == 204
    assert code(admin.get(DEPLOYER)) == (404, "not_found")


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_an_unknown_role_is_not_found(admin: Caller, method: str) -> None:
    bodies = {"put": (role_body(),)}
    assert code(getattr(admin, method)(DEPLOYER, *bodies.get(method, ()))) == (404, "not_found")


@pytest.mark.parametrize("source", ["viewer", "deployer"])
def test_a_copy_says_what_its_source_says_and_is_not_built_in(admin: Caller, source: str) -> None:
    make_role("deployer", ("write", "vms"), parent="viewer", description="Puts things up.", priority=3)
    answer = admin.post(f"{ROLES}/{source}/copy", {"id": "copied", "name": "Copied"})
    assert answer.status_code == 201
    assert shown(admin, "copied") == shown(admin, source) | {
        "id": "copied", "name": "Copied", "built_in": False,
    }  # fmt: skip


def test_a_copy_of_an_unknown_role_is_refused(admin: Caller) -> None:
    assert code(admin.post(f"{ROLES}/none/copy", {"id": "x", "name": "X"})) == (404, "not_found")


@pytest.mark.parametrize("taken", ["viewer", "deployer"])
def test_an_id_that_is_taken_is_refused(admin: Caller, taken: str) -> None:
    make_role("deployer")
    before = shown(admin, taken)
    assert code(admin.post(ROLES, role_body(id=taken))) == (409, "role_exists")
    assert code(admin.post(f"{ROLES}/admin/copy", {"id": taken, "name": "X"})) == (409, "role_exists")
    assert shown(admin, taken) == before


@pytest.mark.parametrize("role_id", BUILT_IN)
def test_a_built_in_role_cannot_be_changed_or_deleted(admin: Caller, role_id: str) -> None:
    before = shown(admin, role_id)
    assert code(admin.put(f"{ROLES}/{role_id}", role_body())) == (409, "role_built_in")
    assert code(admin.delete(f"{ROLES}/{role_id}")) == (409, "role_built_in")
    assert shown(admin, role_id) == before


def test_a_role_that_somebody_has_says_who(admin: Caller) -> None:
    make_role("deployer")
    for principal in ("bob", "alice"):
        assign(principal, "deployer")
    answer = admin.delete(DEPLOYER)
    assert code(answer) == (409, "role_in_use")
    assert (answer.json()["principals"], answer.json()["children"]) == (["alice", "bob"], [])


def test_a_role_with_children_says_which(admin: Caller) -> None:
    make_role("deployer")
    for child in ("night-shift", "day-shift"):
        make_role(child, parent="deployer")
    answer = admin.delete(DEPLOYER)
    assert code(answer) == (409, "role_in_use")
    assert (answer.json()["principals"], answer.json()["children"]) == ([], ["day-shift", "night-shift"])


def test_a_role_that_very_many_have_names_only_some(admin: Caller) -> None:
    make_role("deployer")
    for number in range(25):
        assign(f"user-{number:02}", "deployer")
    assert len(admin.delete(DEPLOYER).json()["principals"]) == 20


def test_a_role_that_is_no_longer_in_use_can_be_deleted(admin: Caller) -> None:
    make_role("deployer")
    assign("bob", "deployer")
    assign("bob")
    assert admin.delete(DEPLOYER).status_code == 204


@pytest.mark.parametrize("levels", [1, 2, 3, 20])
def test_a_cycle_is_refused_over_any_depth(admin: Caller, levels: int) -> None:
    names = [f"level-{number}" for number in range(levels)]
    parent = None
    for name in names:
        make_role(name, parent=parent)
        parent = name
    answer = admin.put(f"{ROLES}/{names[0]}", role_body(parent=names[-1]))
    assert code(answer) == (400, "role_cycle")
    assert shown(admin, names[0])["parent"] is None


def test_a_role_may_move_to_another_branch(admin: Caller) -> None:
    make_role("a")
    make_role("b", parent="a")
    make_role("c", parent="b")
    assert admin.put(f"{ROLES}/c", role_body(parent="a")).status_code == 200
    assert admin.put(f"{ROLES}/b", role_body(parent="c")).status_code == 200


@pytest.mark.parametrize("parent", ["nobody", "deployer", "VIEWER", "viewer\u200b"])
def test_an_unknown_parent_is_refused(admin: Caller, parent: str) -> None:
    answer = admin.post(ROLES, role_body(parent=parent))
    assert code(answer) == (400, "unknown_roles")
    assert "parent" in answer.json()["errors"]


def test_a_holder_of_a_role_may_not_change_or_delete_it(admin: Caller) -> None:
    make_role("keeper", ("write", "roles"), ("read", "roles"))
    theirs, _ = member("keeper")
    assert code(theirs.put(f"{ROLES}/keeper", role_body())) == (403, "self_assignment")
    assert code(theirs.delete(f"{ROLES}/keeper")) == (403, "self_assignment")


def test_a_holder_of_a_role_may_not_change_what_it_inherits_from(admin: Caller) -> None:
    make_role("grandparent", ("write", "roles"))
    make_role("parent", parent="grandparent")
    make_role("child", parent="parent")
    theirs, _ = member("child")
    for inherited in ("grandparent", "parent"):
        assert code(theirs.put(f"{ROLES}/{inherited}", role_body())) == (403, "self_assignment")


def test_whoever_may_write_roles_may_change_those_that_they_do_not_have(admin: Caller) -> None:
    make_role("keeper", ("write", "roles"))
    make_role("other", parent="keeper")
    theirs, _ = member("keeper")
    assert theirs.put(f"{ROLES}/other", role_body()).status_code == 200


def test_a_holder_who_may_do_everything_may_change_a_role_of_theirs(admin: Caller) -> None:
    make_role("deployer", ("write", "vms"))
    theirs, _ = member("deployer", "admin")
    assert theirs.put(DEPLOYER, role_body(name="Other")).status_code == 200


def test_admin_on_a_part_is_not_everything(admin: Caller) -> None:
    make_role("deployer", ("admin", "roles"))
    theirs, _ = member("deployer")
    assert code(theirs.put(DEPLOYER, role_body())) == (403, "self_assignment")


def test_a_viewer_reads_roles_and_writes_none(admin: Caller) -> None:
    make_role("deployer")
    viewer, _ = member("viewer")
    assert viewer.get(ROLES).status_code == viewer.get(DEPLOYER).status_code == 200
    for answer in (
        viewer.post(ROLES, role_body(id="mine")),
        viewer.put(DEPLOYER, role_body()),
        viewer.delete(DEPLOYER),
        viewer.post(f"{DEPLOYER}/copy", {"id": "mine", "name": "Mine"}),
    ):
        assert code(answer) == (403, "permission_denied")


def test_a_token_reads_and_writes_roles_by_its_scopes(admin: Caller) -> None:
    reads, writes = owner(scopes=["read", "check"]), owner(scopes=["write"])
    assert reads.get(ROLES).status_code == 200
    assert code(reads.post(ROLES, role_body())) == (403, "scope_missing")
    assert writes.post(ROLES, role_body()).status_code == 201
    assert code(writes.get(ROLES)) == (403, "scope_missing")


def test_another_organizations_roles_are_neither_seen_nor_changed(admin: Caller) -> None:
    make_organization("bolt")
    make_role("deployer", organization_id="bolt")
    assert ids(admin.get(ROLES)) == BUILT_IN
    assert code(admin.delete(DEPLOYER)) == (404, "not_found")
    assert owner("bolt").get(DEPLOYER).status_code == 200


def test_a_mutation_is_counted_once(admin: Caller) -> None:
    before = value_of("pulse_rbac_role_mutations_total", action="create")
    admin.post(ROLES, role_body())
    admin.post(ROLES, role_body())
    assert value_of("pulse_rbac_role_mutations_total", action="create") == before + 1


LISTS = [
    ("", ["a-team", "admin", "auditor", "b-team", "operator", "viewer"]),
    ("?built_in=false", ["a-team", "b-team"]),
    ("?built_in=true", BUILT_IN),
    ("?parent=a-team", ["b-team"]),
    ("?search=team", ["a-team", "b-team"]),
    ("?search=Operations", ["b-team"]),
    ("?search=nothing", []),
    ("?ordering=-id&built_in=false", ["b-team", "a-team"]),
    ("?ordering=priority&built_in=false", ["b-team", "a-team"]),
    ("?page_size=2", ["a-team", "admin"]),
    ("?page_size=2&page=3", ["operator", "viewer"]),
]


@pytest.mark.parametrize(("query", "found"), LISTS)
def test_roles_are_filtered_searched_ordered_and_paged(admin: Caller, query: str, found: list[str]) -> None:
    make_role("a-team", priority=9)
    make_role("b-team", parent="a-team", name="Operations", priority=1)
    assert ids(admin.get(ROLES + query)) == found


@pytest.mark.parametrize(
    ("query", "refusal"),
    [("?page=99", 404), ("?page=x", 404), ("?built_in=x", 200), ("?parent=none", 400), ("?parent=%00", 400)],
)
def test_a_list_that_is_asked_for_wrongly_is_told_so(admin: Caller, query: str, refusal: int) -> None:
    assert admin.get(ROLES + query).status_code == refusal


def test_a_pages_roles_are_read_with_a_fixed_number_of_queries(
    admin: Caller, django_assert_max_num_queries
) -> None:
    for number in range(30):
        make_role(f"role-{number}", ("read", "x"))
    with django_assert_max_num_queries(6, connection=connections["rbac_acme"]):
        admin.get(ROLES)
