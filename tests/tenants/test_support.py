"""Support access: an operator looks in with a reason, for an hour, in everybody's sight, and does no more."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from pulse import tasks as pulse_tasks
from pulse.models import AuditEvent
from tenants import lifecycle, support, tokens
from tenants.models import Membership, User
from tests.admin import sign_in
from tests.api import Caller, code
from tests.factories import (
    SYSTEM,
    acting,
    make_member,
    make_operator,
    make_organization,
    member_token,
    operator_token,
)

pytestmark = pytest.mark.usefixtures("database")

LOOK_IN = "/api/admin/orgs/acme/support-access"
REASON = "ticket 4711"


@pytest.fixture
def owner(database: None) -> Caller:
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


@pytest.fixture
def supporter(owner: Caller) -> Caller:
    """A signed-in operator of the group `support`, who has not looked in yet."""
    client = Client()
    sign_in(client, make_operator("support"))
    return Caller(client, None)


def look_in(caller: Caller, **more):
    return caller.post(LOOK_IN, {"reason": REASON} | more)


def inside(caller: Caller, path: str = "/api/org", organization_id: str = "acme"):
    return caller.get(path, x_pulse_org_id=organization_id)


def write(caller: Caller, path: str = "/api/org/billing/portal", body=None):
    return caller.post(path, body, x_pulse_org_id="acme")


def user_of(caller: Caller) -> User:
    return User.objects.get(pk=caller.client.session["_auth_user_id"])


def changes(owner: Caller) -> list[dict]:
    return owner.get("/api/org/changes").json()["results"]


def test_an_operator_sees_what_a_member_sees_for_an_hour(supporter: Caller) -> None:
    assert look_in(supporter).status_code == 201
    for path in ("/api/org", "/api/org/members", "/api/org/roles", "/api/org/changes"):
        assert inside(supporter, path).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=60, seconds=1)):
        assert code(inside(supporter)) == (403, "access_denied")


def test_without_looking_in_an_operator_sees_nothing(supporter: Caller) -> None:
    assert code(inside(supporter)) == (403, "access_denied")


@pytest.mark.parametrize("body", [{"reason": ""}, {"reason": "  "}, {}])
def test_it_takes_a_reason(body, supporter: Caller) -> None:
    assert supporter.post(LOOK_IN, body).status_code == 400
    assert code(inside(supporter)) == (403, "access_denied")


@pytest.mark.parametrize("minutes", [0, 61, -1, "60"])
def test_it_lasts_an_hour_at_most(minutes, supporter: Caller) -> None:
    assert code(look_in(supporter, minutes=minutes)) == (400, "invalid_minutes")


def test_it_takes_a_fresh_sign_in(supporter: Caller) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert code(look_in(supporter)) == (403, "reauthentication_required")


def test_it_takes_the_permission_then_and_at_each_request(supporter: Caller) -> None:
    billing = Client()
    sign_in(billing, make_operator("billing"))
    assert code(look_in(Caller(billing, None))) == (403, "permission_denied")
    look_in(supporter)
    user_of(supporter).groups.clear()
    assert code(inside(supporter)) == (403, "access_denied")


def test_its_people_see_it_in_the_changelog_and_their_mail(supporter: Caller, owner: Caller) -> None:
    look_in(supporter)
    operator = str(user_of(supporter).public_id)
    told = changes(owner)[0]
    assert (told["verb"], told["actor"], told["after"]["reason"]) == ("support.start", operator, REASON)
    [shown] = owner.get("/api/org/support/accesses").json()["results"]
    assert (shown["operator"], shown["reason"]) == (operator, REASON)
    assert AuditEvent.objects.filter(verb="support.start", organization="acme").exists()
    pulse_tasks.deliver_mails.call()
    [sent] = mail.outbox
    assert sent.to == ["owner@acme.example"]
    assert REASON in sent.body


def test_where_the_changelog_cannot_be_written_nobody_looks_in(supporter: Caller, data_dir) -> None:
    (data_dir / "orgs" / "acme" / "rbac.db").write_bytes(b"")
    assert code(look_in(supporter)) == (503, "tenant_database_unavailable")
    assert not support.standing().exists()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/org/billing/portal", None),
        ("/api/org/invitations", {"email": "eve@example.com"}),
        ("/api/org/roles", {"id": "x", "name": "X", "permissions": []}),
        ("/api/org/tokens", {"scopes": ["read"]}),
        ("/api/org/leave", None),
        ("/api/org/support/end", None),
    ],
)
def test_it_writes_nothing(path, body, supporter: Caller) -> None:
    look_in(supporter)
    assert code(write(supporter, path, body)) == (403, "support_read_only")


def test_no_override_of_the_method_writes(supporter: Caller) -> None:
    look_in(supporter)
    answer = supporter.client.post(
        "/api/org/invitations",
        {"email": "eve@example.com"},
        headers={"x-pulse-org-id": "acme", "x-http-method-override": "GET"},
    )
    assert code(answer) == (403, "support_read_only")


def test_a_product_behind_the_edge_is_not_reached_by_who_only_reads(supporter: Caller, owner: Caller) -> None:
    look_in(supporter)
    assert code(inside(supporter, "/edge/check")) == (403, "support_read_only")
    owner.put("/api/org/support", {"may_write": True})
    assert inside(supporter, "/edge/check").status_code == 204


def test_the_organizations_admin_lets_support_write_and_takes_it_back(
    supporter: Caller, owner: Caller
) -> None:
    look_in(supporter)
    assert owner.put("/api/org/support", {"may_write": True}).json() == {"may_write": True}
    assert code(write(supporter)) == (409, "stripe_not_configured")
    assert changes(owner)[0]["verb"] == "support.may_write"
    owner.put("/api/org/support", {"may_write": False})
    assert code(write(supporter)) == (403, "support_read_only")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/api/org/invitations", {"email": "eve@example.com"}),
        ("post", "/api/org/roles", {"id": "x", "name": "X", "permissions": []}),
        ("post", "/api/org/tokens", {"scopes": ["read"]}),
        ("put", "/api/org/users/bob/roles", {"roles": ["admin"]}),
        ("put", "/api/org/support", {"may_write": True}),
    ],
)
def test_who_may_get_in_is_never_supports_to_change(
    method, path, body, supporter: Caller, owner: Caller
) -> None:
    look_in(supporter)
    owner.put("/api/org/support", {"may_write": True})
    answer = getattr(supporter, method)(path, body, x_pulse_org_id="acme")
    assert code(answer) == (403, "support_read_only")


def test_a_viewer_does_not_let_support_write(owner: Caller) -> None:
    viewer = Caller(Client(), member_token("acme", make_member("acme", roles=["viewer"])))
    assert code(viewer.put("/api/org/support", {"may_write": True})) == (403, "permission_denied")
    assert code(viewer.post("/api/org/support/end")) == (403, "permission_denied")


def test_another_organization_stays_shut(supporter: Caller) -> None:
    make_organization("globex")
    look_in(supporter)
    assert code(inside(supporter, organization_id="globex")) == (403, "access_denied")
    assert code(supporter.get("/api/org")) == (403, "access_denied")


def test_another_operator_does_not_look_in_by_it(supporter: Caller) -> None:
    look_in(supporter)
    other = Client()
    sign_in(other, make_operator("admin"))
    assert code(inside(Caller(other, None))) == (403, "access_denied")


def test_a_token_of_the_operator_does_not_look_in(owner: Caller) -> None:
    operator = make_operator("support")
    support.start("acme", reason=REASON, actor=acting(operator))
    _, text = tokens.create_for_operator(operator, actor=SYSTEM, scopes=["read"])
    assert code(inside(Caller(Client(), text))) == (403, "access_denied")
    assert code(inside(Caller(Client(), operator_token()))) == (403, "access_denied")


@pytest.mark.parametrize("who", ["operator", "organization"])
def test_either_side_ends_it_at_once(who, supporter: Caller, owner: Caller) -> None:
    look_in(supporter)
    ended = supporter.delete(LOOK_IN) if who == "operator" else owner.post("/api/org/support/end")
    assert ended.status_code == 204
    assert code(inside(supporter)) == (403, "access_denied")
    assert changes(owner)[0]["verb"] == "support.end"


def test_a_second_look_ends_the_first(supporter: Caller, owner: Caller) -> None:
    look_in(supporter)
    look_in(supporter, minutes=1)
    assert support.standing().count() == 1
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert code(inside(supporter)) == (403, "access_denied")


def test_the_gates_other_steps_hold_for_support_too(supporter: Caller) -> None:
    look_in(supporter)
    lifecycle.suspend("acme", actor=SYSTEM)
    assert code(inside(supporter)) == (403, "org_suspended")


def test_the_session_chooses_it_like_a_members(supporter: Caller) -> None:
    look_in(supporter)
    assert supporter.put("/api/me/organization", {"organization": "acme"}).status_code == 204
    assert supporter.get("/api/org").json()["id"] == "acme"
    supporter.delete(LOOK_IN)
    assert code(supporter.get("/api/org")) == (403, "access_denied")


def test_an_operator_who_is_a_member_has_their_roles_and_no_more(supporter: Caller) -> None:
    Membership.objects.create(user=user_of(supporter), organization_id="acme")
    look_in(supporter)
    assert code(inside(supporter)) == (403, "permission_denied")


def test_the_admin_looks_in_by_a_button_and_stops_by_another(supporter: Caller, owner: Caller) -> None:
    browser, page = supporter.client, "/admin/tenants/organization/acme/"
    shown = browser.get(f"{page}change/", headers={"accept": "text/html"}).content.decode()
    assert ("Look in as support" in shown, "Stop looking in" in shown) == (True, False)
    form = browser.get(f"{page}look_in/").content.decode()
    assert "owners are mailed" in form
    browser.post(f"{page}look_in/", {"reason": REASON, "minutes": 30})
    assert supporter.get("/api/org").json()["id"] == "acme"
    assert "Stop looking in" in browser.get(f"{page}change/").content.decode()
    browser.post(f"{page}look_away/")
    assert code(supporter.get("/api/org")) == (403, "access_denied")
