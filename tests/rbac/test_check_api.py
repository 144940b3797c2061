"""Decisions for products: one or a thousand at a time, each with the rule that made it."""

from typing import Any

import pytest
from django.db import transaction

import rbac
from rbac import access
from tenants import context
from tests.api import Caller, code
from tests.factories import ALL_SCOPES, make_organization, owner_of
from tests.rbac.callers import allow, assign, make_role, member, owner, role_body
from tests.tenants.scrape import value_of

pytestmark = pytest.mark.usefixtures("database")

CHECK = "/api/org/check"


@pytest.fixture
def product(database: None) -> Caller:
    """A token with the scope `check` alone."""
    make_organization("acme")
    return owner(scopes=["check"])


def asked(user: str = "bob", action: str = "read", resource: str = "nodes", **more: Any) -> dict[str, Any]:
    return {"user": user, "action": action, "resource": resource} | more


def test_a_yes_names_the_role_and_rule_that_decided(product: Caller) -> None:
    make_role("base", ("read", "nodes"))
    make_role("deployer", parent="base")
    assign("bob", "deployer")
    assert product.post(CHECK, asked()).json() == {
        "allowed": True, "decided_by": {"role": "base"} | allow("read", "nodes"),
    }  # fmt: skip


def test_a_no_without_a_rule_names_none(product: Caller) -> None:
    assert product.post(CHECK, asked()).json() == {"allowed": False, "decided_by": None}


def test_a_deny_names_itself_and_its_conditions(product: Caller) -> None:
    deny = allow("write", "nodes:*", frozen=True) | {"effect": "deny"}
    owner().post("/api/org/roles", role_body(permissions=[allow("write", "*"), deny]))
    assign("bob", "deployer")
    answer = product.post(CHECK, asked(action="write", resource="nodes:7", attributes={"frozen": True}))
    assert answer.json() == {"allowed": False, "decided_by": {"role": "deployer"} | deny}


def test_attributes_decide_by_conditions_and_the_users_own_name(product: Caller) -> None:
    rule = allow("read", "nodes", region="eu-${attr.zone}", by="${user}")
    owner().post("/api/org/roles", role_body(permissions=[rule]))
    assign("bob", "deployer")
    right = {"region": "eu-1", "zone": 1, "by": "bob"}
    for attributes, allowed in [
        (right, True), (right | {"zone": 2}, False), (right | {"by": "eve"}, False), ({"by": "bob"}, False),
        (right | {"more": [1, {"x": None}]}, True), (right | {"zone": ["1"]}, False), ({}, False),
    ]:  # fmt: skip
        answer = product.post(CHECK, asked(attributes=attributes))
        assert answer.json()["allowed"] is allowed, attributes


def test_without_a_user_the_caller_is_asked_about(product: Caller) -> None:
    answer = product.post(CHECK, {"action": "write", "resource": "anything"})
    assert answer.json()["decided_by"] == {"role": "admin"} | allow("admin", "*")


def test_a_batch_is_answered_in_its_order(product: Caller) -> None:
    assign("bob", "auditor")
    checks = [asked(resource="nodes"), asked(resource="vms"), asked(user="eve"), asked(resource="alerts")]
    results = product.post(CHECK, {"checks": checks}).json()["results"]
    assert [one["allowed"] for one in results] == [True, False, False, True]
    assert [one["decided_by"] and one["decided_by"]["resource"] for one in results] == [
        "nodes", None, None, "alerts",
    ]  # fmt: skip


def test_a_batch_may_ask_about_the_caller_too(product: Caller) -> None:
    answer = product.post(CHECK, {"checks": [{"action": "read", "resource": "x"}]})
    assert answer.json()["results"][0]["allowed"] is True


def test_a_thousand_are_answered_at_once_and_one_more_is_refused(product: Caller) -> None:
    assign("bob", "auditor")
    checks = [asked(resource=f"nodes:{number}" if number % 2 else "nodes") for number in range(1000)]
    results = product.post(CHECK, {"checks": checks}).json()["results"]
    assert [one["allowed"] for one in results] == [True, False] * 500
    answer = product.post(CHECK, {"checks": [*checks, asked()]})
    assert code(answer) == (400, "invalid_request")
    assert "1000" in str(answer.json()["errors"])


@pytest.mark.parametrize("checks", [[], {}, "x", None, [[]], [1], [{"action": "read"}], [asked(user="")]])
def test_a_batch_that_is_not_one_is_refused_whole(product: Caller, checks: Any) -> None:
    assert code(product.post(CHECK, {"checks": checks})) == (400, "invalid_request")


@pytest.mark.parametrize(
    "wrong",
    [{"user": ""}, {"user": None}, {"user": "x" * 129}, {"user": 5}, {"user": "\x00"}, {"action": ""},
     {"action": "x" * 65}, {"action": ["read"]}, {"resource": ""}, {"resource": "x" * 257},
     {"resource": None}, {"attributes": []}, {"attributes": "x"}, {"attributes": None}],
    ids=str,
)  # fmt: skip
def test_a_check_that_is_not_well_formed_is_refused_and_says_where(product: Caller, wrong: Any) -> None:
    answer = product.post(CHECK, asked() | wrong)
    assert code(answer) == (400, "invalid_request")
    assert list(answer.json()["errors"]) == list(wrong)
    batch = product.post(CHECK, {"checks": [asked(), asked() | wrong]})
    assert list(batch.json()["errors"]) == [f"checks[1].{name}" for name in wrong]


def test_a_check_of_principals_is_exact(product: Caller) -> None:
    assign("bob", "viewer")
    for user in (" bob", "bob ", "BOB", "b\u200bob"):
        assert product.post(CHECK, asked(user=user)).json()["allowed"] is False


@pytest.mark.parametrize("body", [[], [asked()], "x", 5, None])
def test_a_body_that_is_no_object_is_refused(product: Caller, body: Any) -> None:
    assert product.post(CHECK, body).status_code == 400


def test_a_body_of_up_to_one_mebibyte_is_read_here_but_not_everywhere(product: Caller) -> None:
    large = asked(attributes={"filler": "x" * 100_000})
    assert product.post(CHECK, large).status_code == 200
    assert code(owner().post("/api/org/tokens", large)) == (413, "body_too_large")
    huge = asked(attributes={"filler": "x" * 1_100_000})
    assert code(product.post(CHECK, huge)) == (413, "body_too_large")


@pytest.mark.parametrize("size", [1024 * 1024, 1024 * 1024 + 1])
def test_the_limit_of_a_body_is_exact(product: Caller, size: int) -> None:
    body = '{"action":"read","resource":"x"}'.ljust(size)
    answer = product.client.post(CHECK, body, content_type="application/json", headers=product._headers({}))
    assert answer.status_code == (200 if size == 1024 * 1024 else 413)


@pytest.mark.parametrize("scope", ["read", "write"])
def test_a_token_without_the_scope_check_is_refused(product: Caller, scope: str) -> None:
    assert code(owner(scopes=[scope]).post(CHECK, asked())) == (403, "scope_missing")


def test_a_member_without_roles_may_ask_with_the_scope(product: Caller) -> None:
    theirs, _ = member(scopes=["check"])
    assert theirs.post(CHECK, {"action": "read", "resource": "x"}).json()["allowed"] is False


def test_the_token_of_one_organization_is_answered_by_its_policy_alone(product: Caller) -> None:
    make_organization("bolt")
    assign("bob", "viewer", organization_id="bolt")
    assert product.post(CHECK, asked()).json()["allowed"] is False
    assert owner("bolt", scopes=["check"]).post(CHECK, asked()).json()["allowed"] is True
    assert code(product.post(CHECK, asked(), x_pulse_org_id="bolt")) == (403, "access_denied")


def test_an_idempotency_key_does_not_keep_an_old_decision_alive(product: Caller) -> None:
    assign("bob", "viewer")
    assert product.post(CHECK, asked(), idempotency_key="one").json()["allowed"] is True
    assign("bob")
    assert product.post(CHECK, asked(), idempotency_key="one").json()["allowed"] is False


def test_a_denial_is_counted(product: Caller) -> None:
    before = value_of("pulse_rbac_access_denials_total")
    product.post(CHECK, asked())
    product.post(CHECK, {"checks": [asked(), asked(user=str(owner_of("acme").public_id)), asked()]})
    assert value_of("pulse_rbac_access_denials_total") == before + 3


def test_the_same_is_answered_within_the_process(product: Caller) -> None:
    assign("bob", "auditor")
    with context.organization("acme"):
        assert rbac.check("bob", "read", "nodes") is True
        assert rbac.check("bob", "read", "vms", {"region": "eu"}) is False
        assert access.explain("bob", "read", "nodes").rule.role == "auditor"


def test_within_the_process_no_organization_is_no_answer(product: Caller) -> None:
    with pytest.raises(context.NoOrganization):
        rbac.check("bob", "read", "nodes")


def test_all_scopes_together_may_ask(product: Caller) -> None:
    assert owner(scopes=ALL_SCOPES).post(CHECK, asked()).status_code == 200


def test_a_change_within_a_transaction_decides_within_it(product: Caller) -> None:
    with context.organization("acme"):
        assert rbac.check("bob", "read", "nodes") is False
        with transaction.atomic(using="rbac_acme"):
            assign("bob", "viewer")
            assert rbac.check("bob", "read", "nodes") is True
            transaction.set_rollback(True, using="rbac_acme")
        assert rbac.check("bob", "read", "nodes") is False
