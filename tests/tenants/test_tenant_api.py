"""The tenant's own API: the organization, its members, and what holds when the ground gives way."""

import pytest
from django.db import connection
from django.test import Client

from tests.api import Caller, code
from tests.factories import make_member, make_organization, member_token, owner_of

pytestmark = pytest.mark.usefixtures("database")

MEMBERS = "/api/org/members"


@pytest.fixture
def owner(database: None) -> Caller:
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


def test_it_tells_the_organization_that_a_request_acts_in(owner: Caller) -> None:
    shown = owner.get("/api/org").json()
    assert (shown["id"], shown["status"], shown["owner_email"]) == ("acme", "active", "owner@acme.example")


def test_it_lists_the_organizations_members_alone(owner: Caller) -> None:
    make_organization("globex")
    viewer = make_member("acme", roles=["viewer"])
    answer = owner.get(MEMBERS).json()["results"]
    assert [one["email"] for one in answer] == ["owner@acme.example", viewer.email]
    assert [one["is_owner"] for one in answer] == [True, False]
    assert answer[0]["id"] == str(owner_of("acme").public_id)


def test_members_are_searched_and_filtered(owner: Caller) -> None:
    viewer = make_member("acme", roles=["viewer"])
    assert owner.get(f"{MEMBERS}?is_owner=true").json()["count"] == 1
    found = owner.get(f"{MEMBERS}?search={viewer.email}").json()["results"]
    assert [one["email"] for one in found] == [viewer.email]


def test_what_a_member_may_do_comes_from_their_roles() -> None:
    make_organization("acme")
    asked = {}
    for role in ("viewer", "auditor"):
        caller = Caller(Client(), member_token("acme", make_member("acme", roles=[role])))
        asked[role] = (
            caller.get(MEMBERS).status_code,
            caller.post("/api/org/tokens", {"scopes": ["read"]}).status_code,
        )
    assert asked == {"viewer": (200, 403), "auditor": (403, 403)}


def test_a_broken_tenant_file_is_503_for_that_tenant_alone(owner: Caller, data_dir) -> None:
    make_organization("globex")
    (data_dir / "orgs" / "acme" / "rbac.db").write_bytes(b"")
    assert code(owner.get(MEMBERS)) == (503, "tenant_database_unavailable")
    assert Caller(Client(), member_token("globex")).get(MEMBERS).status_code == 200


def test_the_tenants_rate_fails_open_while_redis_is_gone(owner: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert [owner.get("/api/org").status_code for _ in range(3)] == [200] * 3


def test_metrics_go_on_while_tenants_cannot_be_counted(nobody: Caller) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_organization RENAME TO broken")
    answer = nobody.get("/metrics")
    assert answer.status_code == 200
    assert b"pulse_hosted_active_tenants" not in answer.content


def scoped(caller: Caller, *scopes: str, **wanted: int) -> Caller:
    """A caller with a token that the first caller's token has made."""
    answer = caller.post("/api/org/tokens", {"scopes": list(scopes), **wanted})
    assert answer.status_code == 201
    return Caller(Client(), answer.json()["token"])


def test_a_token_makes_none_with_other_scopes_than_its_own(owner: Caller) -> None:
    writer = scoped(owner, "write")
    assert code(writer.post("/api/org/tokens", {"scopes": ["write", "check"]})) == (403, "beyond_yourself")


def test_a_token_that_a_token_made_ends_with_it(owner: Caller) -> None:
    short = scoped(owner, "read", "write", expires_days=1)
    made = short.post("/api/org/tokens", {"scopes": ["read"], "expires_days": 90}).json()
    [maker] = [
        one for one in owner.get("/api/org/tokens").json()["results"] if one["prefix"] == short.token[:14]
    ]
    assert made["expires_at"] == maker["expires_at"]


def test_revoking_a_token_revokes_all_that_it_made(owner: Caller) -> None:
    leaked = scoped(owner, "read", "write")
    child = scoped(leaked, "read", "write")
    grandchild = scoped(child, "read")
    [row] = [
        one for one in owner.get("/api/org/tokens").json()["results"] if one["prefix"] == leaked.token[:14]
    ]
    assert owner.delete(f"/api/org/tokens/{row['id']}").status_code == 204
    assert [code(one.get("/api/org")) for one in (leaked, child, grandchild)] == [(401, "invalid_token")] * 3
