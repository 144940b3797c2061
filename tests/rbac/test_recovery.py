"""Break-glass: a recovery token is good once, for 15 minutes, for one organization, and leaves a trace."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.utils import timezone

from pulse import audit
from pulse.models import AuditEvent
from rbac import assignments, databases, integrity
from tenants import context
from tenants.models import Membership, RecoveryToken, User
from tests.api import Caller, code
from tests.factories import (
    UserFactory,
    make_member,
    make_operator,
    make_organization,
    member_token,
    operator_token,
    owner_of,
)
from tests.rbac.callers import make_role, member, owner

pytestmark = pytest.mark.usefixtures("database")

RESET = "/api/admin/orgs/acme/rbac/reset-admin"
WHY = {"reason": "their only admin has left"}


@pytest.fixture(autouse=True)
def acme(database: None) -> None:
    make_organization("acme")


@pytest.fixture
def heir() -> User:
    """A member without roles, who is to be the admin."""
    return make_member("acme")


def issue(operator: Caller, path: str = RESET) -> str:
    return operator.post(path, WHY).json()["recovery_token"]


def redeem(operator: Caller, token: str, user: User | str, path: str = RESET) -> Any:
    email = user if isinstance(user, str) else user.email
    return operator.put(path, {"recovery_token": token, "email": email})


def roles_of(user: User) -> list[str]:
    with context.organization("acme"):
        return assignments.of_principal(str(user.public_id))


def test_a_member_becomes_admin_by_the_token(operator: Caller, heir: User) -> None:
    answer = redeem(operator, issue(operator), heir)
    assert (answer.status_code, answer.json()) == (
        200, {"user": str(heir.public_id), "roles": ["admin"]},
    )  # fmt: skip
    assert roles_of(heir) == ["admin"]


def test_the_member_keeps_no_other_role(operator: Caller) -> None:
    make_role("deployer", ("write", "vms"))
    theirs = make_member("acme", roles=["deployer", "viewer"])
    redeem(operator, issue(operator), theirs)
    assert roles_of(theirs) == ["admin"]


def test_other_admins_keep_their_role(operator: Caller, heir: User) -> None:
    redeem(operator, issue(operator), heir)
    assert roles_of(owner_of("acme")) == ["admin"]


def test_the_e_mail_is_found_whatever_its_case(operator: Caller, heir: User) -> None:
    assert redeem(operator, issue(operator), f" {heir.email.upper()} ").status_code == 200


def test_only_the_tokens_hash_is_kept(operator: Caller) -> None:
    text = issue(operator)
    [token] = RecoveryToken.objects.all()
    assert text.startswith("pulse_recovery_")
    assert token.token_hash == hashlib.sha256(text.encode()).hexdigest()
    assert not [event for event in AuditEvent.objects.all() if text in str(vars(event))]


def test_an_idempotent_repetition_does_not_show_the_token_again(operator: Caller) -> None:
    operator.post(RESET, WHY, idempotency_key="one")
    assert operator.post(RESET, WHY, idempotency_key="one").json()["recovery_token"] is None


def test_a_token_is_good_for_fifteen_minutes(operator: Caller, heir: User) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        answer = operator.post(RESET, WHY).json()
    with time_machine.travel(start + timedelta(minutes=15), tick=False):
        assert code(redeem(operator, answer["recovery_token"], heir)) == (403, "invalid_recovery_token")
    with time_machine.travel(start + timedelta(minutes=14, seconds=59), tick=False):
        assert redeem(operator, answer["recovery_token"], heir).status_code == 200


def test_a_token_works_once(operator: Caller, heir: User) -> None:
    token = issue(operator)
    redeem(operator, token, heir)
    assert code(redeem(operator, token, make_member("acme"))) == (403, "invalid_recovery_token")


def test_a_new_token_ends_the_one_before(operator: Caller, heir: User) -> None:
    first, second = issue(operator), issue(operator)
    assert code(redeem(operator, first, heir)) == (403, "invalid_recovery_token")
    assert redeem(operator, second, heir).status_code == 200


@pytest.mark.parametrize("text", ["pulse_recovery_x", "x", "' OR 1=1 --", "ü" * 90])
def test_an_unknown_token_is_refused(operator: Caller, heir: User, text: str) -> None:
    issue(operator)
    assert code(redeem(operator, text, heir)) == (403, "invalid_recovery_token")
    assert roles_of(heir) == []


def test_another_organizations_token_is_refused(operator: Caller, heir: User) -> None:
    make_organization("bolt")
    theirs = issue(operator, "/api/admin/orgs/bolt/rbac/reset-admin")
    assert code(redeem(operator, theirs, heir)) == (403, "invalid_recovery_token")
    assert roles_of(heir) == []


@pytest.mark.parametrize("email", ["stranger@example.com", "nobody", ""])
def test_whoever_is_no_member_is_refused_and_the_token_stays_good(
    operator: Caller, heir: User, email: str
) -> None:
    UserFactory(email="stranger@example.com")
    token = issue(operator)
    assert redeem(operator, token, email).status_code in (400, 409)
    assert redeem(operator, token, heir).status_code == 200


@pytest.mark.parametrize(
    ("body", "refusal"),
    [({}, "reason_required"), ({"reason": ""}, "reason_required"), ({"reason": "  "}, "reason_required"),
     ({"reason": "x" * 501}, "invalid_reason"), ({"reason": "a\nb"}, "invalid_reason"),
     ({"reason": None}, "invalid_reason")],
)  # fmt: skip
def test_a_reason_is_required(operator: Caller, body: dict[str, Any], refusal: str) -> None:
    assert code(operator.post(RESET, body)) == (400, refusal)
    assert not RecoveryToken.objects.exists()


@pytest.mark.parametrize("group", ["support", "operator", "billing"])
def test_only_the_group_admin_breaks_the_glass(operator: Caller, heir: User, group: str) -> None:
    token = issue(operator)
    caller = Caller(Client(), operator_token(group))
    assert code(caller.post(RESET, WHY)) == (403, "permission_denied")
    assert code(redeem(caller, token, heir)) == (403, "permission_denied")
    assert roles_of(heir) == []


def test_a_tenants_own_admin_cannot_break_the_glass(operator: Caller, heir: User) -> None:
    assert code(owner().post(RESET, WHY)) == (403, "permission_denied")


def test_an_operator_makes_no_admin_of_themselves(operator: Caller, heir: User) -> None:
    themselves = User.objects.get(is_staff=True)
    Membership.objects.create(user=themselves, organization_id="acme")
    token = issue(operator)
    assert code(redeem(operator, token, themselves)) == (403, "not_yourself")
    assert roles_of(themselves) == []
    assert redeem(operator, token, heir).status_code == 200


def test_both_steps_are_audited_and_the_tenant_sees_who_did_it(operator: Caller, heir: User) -> None:
    operator_user = User.objects.get(is_staff=True)
    redeem(operator, issue(operator), heir)
    verbs = ["recovery.issue", "recovery.redeem", "roles.reset_admin"]
    events = AuditEvent.objects.filter(verb__in=verbs).order_by("sequence")
    assert [(one.verb, one.organization, one.actor) for one in events] == [
        (verb, "acme", str(operator_user.public_id)) for verb in verbs
    ]
    assert events[0].reason == WHY["reason"]
    auditor, _ = member("auditor")
    newest = auditor.get("/api/org/changes?verb=roles.reset_admin").json()["results"][0]
    assert (newest["subject"], newest["before"], newest["after"]) == (str(heir.public_id), [], ["admin"])
    assert newest["actor"] == str(operator_user.public_id)
    assert audit.verify() is None


def test_two_who_redeem_at_once_make_one_admin(operator: Caller) -> None:
    heirs = [make_member("acme"), make_member("acme")]
    token = issue(operator)
    together = threading.Barrier(2)

    def work(user: User) -> int:
        together.wait(10)
        try:
            return redeem(Caller(Client(), operator.token), token, user).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(work, heirs)) == [200, 403]
    assert sorted(map(roles_of, heirs)) == [[], ["admin"]]


DAMAGES = {
    "a rule taken away": "DELETE FROM rbac_permission WHERE role_id = 'admin'",
    "a rule turned round": "UPDATE rbac_permission SET effect = 'deny' WHERE role_id = 'admin'",
    "a rule added": "INSERT INTO rbac_permission (role_id, action, resource, effect, conditions)"
    " VALUES ('admin', 'admin', '*', 'deny', '{}')",
    "a condition": """UPDATE rbac_permission SET conditions = '{"x": 1}' WHERE role_id = 'admin'""",
    "another parent": "UPDATE rbac_role SET parent_id = 'viewer' WHERE id = 'admin'",
    "no longer built in": "UPDATE rbac_role SET built_in = 0 WHERE id = 'admin'",
    "nobody left": "DELETE FROM rbac_assignment",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_built_in_roles_that_were_tampered_with_are_found_and_mended(
    operator: Caller, heir: User, damage: str
) -> None:
    with databases.using("acme") as opened:
        opened.raw.execute(damage)
    found = operator.get("/api/admin/orgs/acme/rbac/verify").json()["findings"]
    assert bool(found) == ("assignment" not in damage)
    redeem(operator, issue(operator), heir)
    assert integrity.verify("acme") == []
    theirs = Caller(Client(), member_token("acme", heir))
    assert theirs.put("/api/org/users/bob/roles", {"roles": ["viewer"]}).status_code == 200


def test_a_token_is_used_up_even_when_the_database_is_gone(operator: Caller, heir: User) -> None:
    token = issue(operator)
    databases.close_all()
    kept = databases.file_of("acme").rename(databases.file_of("acme").with_name("kept"))
    assert code(redeem(operator, token, heir)) == (503, "tenant_database_unavailable")
    kept.rename(databases.file_of("acme"))
    assert code(redeem(operator, token, heir)) == (403, "invalid_recovery_token")


@pytest.mark.parametrize("organization_id", ["none", "..", "Acme"])
def test_an_unknown_organization_is_not_found(operator: Caller, organization_id: str) -> None:
    path = f"/api/admin/orgs/{organization_id}/rbac/reset-admin"
    assert code(operator.post(path, WHY)) == (404, "not_found")
    assert code(redeem(operator, "pulse_recovery_x", "bob@example.com", path)) == (404, "not_found")


def test_an_operators_own_membership_is_no_way_around_the_token(operator: Caller) -> None:
    assert code(redeem(operator, "pulse_recovery_", make_operator("admin"))) == (409, "not_a_member")
