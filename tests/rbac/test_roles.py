"""Roles through the tenant API: made, changed, copied, deleted, and each way in which that is refused."""

from typing import Any

import pytest

from rbac import versions
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


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"id": ""}, "invalid_role", "id"),
    ({"id": "-x"}, "invalid_role", "id"),
    ({"id": "x-"}, "invalid_role", "id"),
    ({"id": "_x"}, "invalid_role", "id"),
    ({"id": "Deployer"}, "invalid_role", "id"),
    ({"id": "de ployer"}, "invalid_role", "id"),
    ({"id": "de/ployer"}, "invalid_role", "id"),
    ({"id": "déployer"}, "invalid_role", "id"),
    ({"id": "x" * 65}, "invalid_role", "id"),
    ({"id": "deployer\n"}, "invalid_role", "id"),
    ({"id": "de\x00ployer"}, "invalid_role", "id"),
    ({"id": 5.5}, "invalid_role", "id"),
    ({"id": None}, "invalid_role", "id"),
    ({"name": ""}, "invalid_role", "name"),
    ({"name": "   "}, "invalid_role", "name"),
    ({"name": "x" * 101}, "invalid_role", "name"),
    ({"name": "two\nlines"}, "invalid_role", "name"),
    ({"name": "nul\x00"}, "invalid_role", "name"),
    ({"name": "\ud800"}, "invalid_role", "name"),
    ({"name": "\u202eadmin"}, "invalid_role", "name"),
    ({"name": ["x"]}, "invalid_role", "name"),
    ({"description": "x" * 501}, "invalid_role", "description"),
    ({"description": "tab\there"}, "invalid_role", "description"),
    ({"description": None}, "invalid_role", "description"),
    ({"parent": ""}, "invalid_role", "parent"),
    ({"parent": ["viewer"]}, "invalid_role", "parent"),
    ({"priority": 1_000_001}, "invalid_role", "priority"),
    ({"priority": -1_000_001}, "invalid_role", "priority"),
    ({"priority": "5"}, "invalid_role", "priority"),
    ({"priority": 1.5}, "invalid_role", "priority"),
    ({"priority": 10**30}, "invalid_role", "priority"),
    ({"permissions": {}}, "invalid_role", "permissions"),
    ({"permissions": ["read"]}, "invalid_role", "permissions"),
]


@pytest.mark.parametrize(("wrong", "refusal", "field"), REFUSED)
def test_a_role_that_is_not_well_formed_is_refused_and_says_where(
    admin: Caller, wrong: dict[str, Any], refusal: str, field: str
) -> None:
    answer = admin.post(ROLES, role_body(**wrong))
    assert code(answer) == (400, refusal)
    assert all(name.startswith(field) for name in answer.json()["errors"])
    assert ids(admin.get(ROLES)) == BUILT_IN


REFUSED_PERMISSIONS: list[tuple[dict[str, Any], str]] = [
    ({"action": ""}, "action"),
    ({"action": "x" * 65}, "action"),
    ({"action": "re\x07ad"}, "action"),
    ({"action": None}, "action"),
    ({"resource": ""}, "resource"),
    ({"resource": "x" * 257}, "resource"),
    ({"resource": "vms\x00"}, "resource"),
    ({"resource": "vms*"}, "resource"),
    ({"resource": "*:vms"}, "resource"),
    ({"resource": "*:*"}, "resource"),
    ({"resource": "vms:*:eu"}, "resource"),
    ({"resource": "vms:**"}, "resource"),
    ({"resource": ":*"}, "resource"),
    ({"effect": "perhaps"}, "effect"),
    ({"effect": "ALLOW"}, "effect"),
    ({"conditions": []}, "conditions"),
    ({"conditions": {"": 1}}, "conditions"),
    ({"conditions": {"x" * 65: 1}}, "conditions"),
    ({"conditions": {"nul\x00": 1}}, "conditions"),
    ({"conditions": {"\ud800": 1}}, "conditions"),
    ({"conditions": {"region": "x" * 257}}, "conditions"),
    ({"conditions": {"region": "\x00"}}, "conditions"),
    ({"conditions": {"region": ["eu"]}}, "conditions"),
    ({"conditions": {"region": {"eu": 1}}}, "conditions"),
]


@pytest.mark.parametrize(("wrong", "field"), REFUSED_PERMISSIONS)
def test_a_permission_that_is_not_well_formed_is_refused_and_says_where(
    admin: Caller, wrong: dict[str, Any], field: str
) -> None:
    permissions = [allow("read", "nodes"), allow("write", "vms") | wrong]
    answer = admin.post(ROLES, role_body(permissions=permissions))
    assert code(answer) == (400, "invalid_role")
    assert all(name.startswith(f"permissions[1].{field}") for name in answer.json()["errors"])
    assert ids(admin.get(ROLES)) == BUILT_IN


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_a_condition_on_a_number_that_json_has_not_is_refused(admin: Caller, number: str) -> None:
    body = '{"id": "x", "name": "X", "permissions": [{"action": "read", "resource": "x", "conditions": {"n": %s}}]}'
    answer = admin.client.post(
        ROLES, body % number, content_type="application/json", headers=admin._headers({})
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["مدیر\u200cها", "👩\u200d🔧 Fixers", "Éditeur", "管理", "O'Neill; DROP TABLE"])
def test_a_role_may_be_named_in_any_script(admin: Caller, name: str) -> None:
    assert admin.post(ROLES, role_body(name=name, description=name)).status_code == 201
    assert shown(admin)["name"] == name


@pytest.mark.parametrize("role_id", ["x", "9", "a_b-c", "x" * 64, "copy", "roles"])
def test_an_id_of_one_to_sixty_four_signs_is_taken(admin: Caller, role_id: str) -> None:
    assert admin.post(ROLES, role_body(id=role_id)).status_code == 201
    assert shown(admin, role_id)["id"] == role_id


def test_an_organization_has_at_most_five_hundred_roles(admin: Caller) -> None:
    for number in range(500 - len(BUILT_IN)):
        make_role(f"role-{number}")
    answer = admin.post(ROLES, role_body())
    assert code(answer) == (400, "too_many_roles")
    assert code(admin.post(f"{ROLES}/viewer/copy", {"id": "x", "name": "X"})) == (400, "too_many_roles")
    assert "500" in answer.json()["detail"]
    assert admin.get(ROLES).json()["count"] == 500


def test_a_role_has_at_most_two_hundred_permissions(admin: Caller) -> None:
    permissions = [allow("read", f"vms:{number}") for number in range(200)]
    assert admin.post(ROLES, role_body(permissions=permissions)).status_code == 201
    answer = admin.put(DEPLOYER, role_body(permissions=[*permissions, allow("read", "one-more")]))
    assert code(answer) == (400, "too_many_permissions")
    assert "200" in answer.json()["detail"]
    assert len(shown(admin)["permissions"]) == 200


def test_a_permission_has_at_most_twenty_conditions(admin: Caller) -> None:
    conditions = {f"a{number}": number for number in range(20)}
    assert admin.post(ROLES, role_body(permissions=[allow("read", "x", **conditions)])).status_code == 201
    answer = admin.put(DEPLOYER, role_body(permissions=[allow("read", "x", **conditions, one_more=1)]))
    assert code(answer) == (400, "too_many_conditions")
    assert "20" in answer.json()["detail"]
    assert shown(admin)["permissions"][0]["conditions"] == conditions


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
    from django.db import connections

    for number in range(30):
        make_role(f"role-{number}", ("read", "x"))
    with django_assert_max_num_queries(6, connection=connections["rbac_acme"]):
        admin.get(ROLES)


def etag(caller: Caller, path: str = DEPLOYER) -> str:
    return caller.get(path)["ETag"]


def test_the_version_that_was_read_lets_a_change_through(admin: Caller) -> None:
    made = admin.post(ROLES, role_body())
    assert made["ETag"] == etag(admin)
    changed = admin.put(DEPLOYER, role_body(name="Second"), if_match=made["ETag"])
    assert changed.status_code == 200
    assert changed["ETag"] == etag(admin) != made["ETag"]
    assert admin.delete(DEPLOYER, if_match=changed["ETag"]).status_code == 204


def test_a_version_that_is_stale_is_refused_and_nothing_is_lost(admin: Caller) -> None:
    read = admin.post(ROLES, role_body())["ETag"]
    admin.put(DEPLOYER, role_body(name="Somebody else's"))
    assert code(admin.put(DEPLOYER, role_body(name="Mine"), if_match=read)) == (412, "stale_version")
    assert code(admin.delete(DEPLOYER, if_match=read)) == (412, "stale_version")
    assert shown(admin)["name"] == "Somebody else's"


@pytest.mark.parametrize("pattern", ["*", "{0}", '"other", {0}', '{0},"other"', " {0} "])
def test_if_match_takes_a_star_and_lists(admin: Caller, pattern: str) -> None:
    read = admin.post(ROLES, role_body())["ETag"]
    assert admin.put(DEPLOYER, role_body(), if_match=pattern.format(read)).status_code == 200


@pytest.mark.parametrize(
    "header", ['"other"', '"a", "b"', "unquoted", "W/{0}", "", '""', '"', '"*"', ",", "\x7f"]
)
def test_if_match_of_anything_else_is_stale_and_never_ignored(admin: Caller, header: str) -> None:
    read = admin.post(ROLES, role_body())["ETag"]
    answer = admin.put(DEPLOYER, role_body(name="Mine"), if_match=header.format(read))
    assert code(answer) == (412, "stale_version")


def test_every_part_of_a_role_makes_another_version(admin: Caller) -> None:
    base = role_body(parent="viewer")
    variants = [
        base, base | {"name": "X"}, base | {"description": "X"}, base | {"parent": None}, base | {"priority": 1},
        base | {"permissions": []}, base | {"permissions": [allow("write", "vms", own=True)]},
        base | {"permissions": [allow("write", "vms") | {"effect": "deny"}]},
    ]  # fmt: skip
    admin.post(ROLES, base)
    assert len({admin.put(DEPLOYER, one)["ETag"] for one in variants}) == len(variants)


def test_a_version_does_not_depend_on_the_order_of_members() -> None:
    assert versions.version({"a": 1, "b": {"c": 2, "d": 3}}) == versions.version({"b": {"d": 3, "c": 2}, "a": 1})
