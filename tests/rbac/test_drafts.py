"""What a role may be: each format and limit, refused with its code and the field that is wrong."""

import json
from typing import Any

import pytest

from rbac.models import Role
from tenants import context
from tests.api import Caller, code
from tests.factories import make_organization
from tests.rbac.callers import allow, owner, role_body

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
    body = json.dumps(role_body(permissions=[allow("read", "x", n="number")])).replace('"number"', number)
    answer = admin.client.post(ROLES, body, content_type="application/json", headers=admin._headers({}))
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "name", ["नेतृत्व\u200dक", "👩\u200d🔧 Fixers", "Éditeur", "管理", "O'Neill; DROP TABLE"]
)
def test_a_role_may_be_named_in_any_script(admin: Caller, name: str) -> None:
    assert admin.post(ROLES, role_body(name=name, description=name)).status_code == 201
    assert shown(admin)["name"] == name


@pytest.mark.parametrize("role_id", ["x", "9", "a_b-c", "x" * 64, "copy", "roles"])
def test_an_id_of_one_to_sixty_four_signs_is_taken(admin: Caller, role_id: str) -> None:
    assert admin.post(ROLES, role_body(id=role_id)).status_code == 201
    assert shown(admin, role_id)["id"] == role_id


def test_an_organization_has_at_most_five_hundred_roles(admin: Caller) -> None:
    with context.organization("acme"):
        Role.objects.bulk_create(Role(id=f"role-{n}", name="X") for n in range(500 - len(BUILT_IN)))
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


def test_a_role_at_its_limits_fits_into_a_body(database: None) -> None:
    make_organization("acme")
    conditions = {f"attribute-{number:02d}": "value of some length" for number in range(20)}
    permissions = [
        {"action": "read", "resource": f"r:{number}", "conditions": conditions} for number in range(200)
    ]
    made = owner().post("/api/org/roles", {"id": "large", "name": "Large", "permissions": permissions})
    assert made.status_code == 201
