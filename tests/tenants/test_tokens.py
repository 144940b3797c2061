"""API tokens: shown once, kept as a hash, and refused as soon as anything about them no longer holds."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import serializers
from django.test import Client

from pulse.models import AuditEvent
from pulse.problems import Problem
from tenants import errors, organizations, tokens
from tenants.models import ApiToken, Membership
from tests.api import Caller, code
from tests.factories import (
    ALL_SCOPES,
    SYSTEM,
    acting,
    make_member,
    make_operator,
    make_organization,
    member_token,
    operator_token,
    owner_of,
)

pytestmark = pytest.mark.usefixtures("database")

MINE = "/api/org/tokens"


@pytest.fixture
def owner(database: None) -> Caller:
    """The owner of the organization `acme`, with a token."""
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


def status(token: str, path: str = "/api/org") -> int:
    return Caller(Client(), token).get(path).status_code


def refusal(token: str) -> tuple[int, str]:
    return code(Caller(Client(), token).get("/api/org"))


def test_a_token_is_shown_once(owner: Caller) -> None:
    answer = owner.post(MINE, {"scopes": ["read", "check", "read"]})
    assert answer.status_code == 201
    shown = answer.json()
    assert shown["token"].startswith("pulse_")
    assert shown["token"].startswith(shown["prefix"])
    assert shown["scopes"] == ["check", "read"]
    listed = owner.get(f"{MINE}?prefix={shown['prefix']}").json()["results"]
    assert [one["id"] for one in listed] == [shown["id"]]
    assert shown["token"] not in str(listed)


def test_only_its_hash_is_kept(owner: Caller) -> None:
    text = owner.post(MINE, {"scopes": ["read"]}).json()["token"]
    kept = serializers.serialize("json", [*ApiToken.objects.all(), *AuditEvent.objects.all()])
    assert text not in kept
    assert tokens.digest(text) in kept


def test_making_and_revoking_are_audited_without_the_token(owner: Caller) -> None:
    made = owner.post(MINE, {"scopes": ["read"]}).json()
    owner.delete(f"{MINE}/{made['id']}")
    revoked, created = AuditEvent.objects.filter(verb__startswith="token.")[:2]
    assert (created.verb, created.after["prefix"]) == ("token.create", made["prefix"])
    assert (revoked.verb, revoked.before) == ("token.revoke", {"prefix": made["prefix"]})
    assert (created.organization, revoked.organization) == ("acme", "acme")


def test_a_revoked_token_is_refused_at_once(owner: Caller) -> None:
    made = owner.post(MINE, {"scopes": ["read"]}).json()
    assert status(made["token"]) == 200
    assert owner.delete(f"{MINE}/{made['id']}").status_code == 204
    assert refusal(made["token"]) == (401, "invalid_token")


def test_revoking_twice_is_one_event(owner: Caller) -> None:
    made = owner.post(MINE, {"scopes": ["read"]}).json()
    answers = [owner.delete(f"{MINE}/{made['id']}").status_code for _ in range(2)]
    assert answers == [204, 204]
    assert AuditEvent.objects.filter(verb="token.revoke").count() == 1


def test_an_expired_token_is_refused_to_the_second(owner: Caller) -> None:
    start = datetime.now(UTC).replace(microsecond=0)
    with time_machine.travel(start, tick=False):
        made = owner.post(MINE, {"scopes": ["read"], "expires_days": 1}).json()
    assert made["expires_at"] == (start + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with time_machine.travel(start + timedelta(days=1, seconds=-1), tick=False):
        assert status(made["token"]) == 200
    with time_machine.travel(start + timedelta(days=1), tick=False):
        assert refusal(made["token"]) == (401, "invalid_token")


def test_an_expiry_that_is_no_number_of_days_is_refused(owner: Caller) -> None:
    for days in [0, -1, 3651, 10**9, 1.5, "30", True]:
        answer = code(owner.post(MINE, {"scopes": ["read"], "expires_days": days}))
        assert (days, answer) == (days, (400, "invalid_expiry"))


def test_the_verb_refuses_it_from_every_other_door_too() -> None:
    operator = make_operator()
    for days in [0, -1, 3651, 10**9]:
        with pytest.raises(errors.InvalidExpiry):
            tokens.create_for_operator(operator, actor=SYSTEM, scopes=["read"], expires_days=days)


def test_unknown_scopes_are_refused(owner: Caller) -> None:
    for scopes in [[], ["admin"], "read", None, ["read"] * 9, [1]]:
        assert (scopes, owner.post(MINE, {"scopes": scopes}).status_code) == (scopes, 400)
    assert ApiToken.objects.count() == 1


def test_the_verb_refuses_unknown_scopes() -> None:
    with pytest.raises(Problem) as refused:
        tokens.create_for_operator(make_operator(), actor=SYSTEM, scopes=["root"])
    assert refused.value.code == "invalid_scope"


def changed(text: str) -> list[str]:
    return [
        text[:-1], text + "x", text[:14], "pulse_", text[6:], text.upper(), "pulse_é", "pulse_" + "x" * 5000,
    ]  # fmt: skip


def test_anything_but_the_whole_token_is_refused(owner: Caller) -> None:
    answers = {refusal(one) for one in changed(owner.token)}
    assert answers == {(401, "invalid_token")}


def test_a_malformed_header_is_refused(nobody: Caller) -> None:
    for header in ["Bearer", "Bearer ", "Basic eDp5", "pulse_x", "Token pulse_x", "Bearer  "]:
        answer = nobody.get("/api/org", authorization=header)
        assert (header, code(answer)) == (header, (401, "invalid_token"))
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_bad_token_does_not_fall_back_on_the_session() -> None:
    client = Client()
    client.force_login(make_operator())
    assert code(Caller(client, "pulse_wrong").get("/api/admin/orgs")) == (401, "invalid_token")


def test_the_token_of_an_inactive_user_is_refused(owner: Caller) -> None:
    user = owner_of("acme")
    user.is_active = False
    user.save()
    assert refusal(owner.token) == (401, "invalid_token")


def test_the_token_of_one_who_is_no_operator_any_more_is_refused() -> None:
    user = make_operator()
    _, text = tokens.create_for_operator(user, actor=SYSTEM, scopes=ALL_SCOPES)
    user.is_staff = False
    user.save()
    assert code(Caller(Client(), text).get("/api/admin/orgs")) == (401, "invalid_token")


def test_the_token_of_one_who_is_no_member_any_more_is_refused() -> None:
    make_organization("acme")
    member = make_member("acme", roles=["viewer"])
    text = member_token("acme", member)
    assert status(text) == 200
    Membership.objects.filter(user=member).delete()
    assert refusal(text) == (403, "access_denied")


def test_a_token_is_of_one_organization_alone(owner: Caller) -> None:
    make_organization("globex")
    Membership.objects.create(user=owner_of("acme"), organization_id="globex", is_owner=True)
    assert code(owner.get("/api/org", x_pulse_org_id="globex")) == (403, "access_denied")
    assert owner.get("/api/org", x_pulse_org_id="acme").status_code == 200


def test_a_token_tells_when_it_was_last_used_to_the_minute() -> None:
    make_organization("acme")
    with time_machine.travel(datetime(2030, 1, 1, 12, tzinfo=UTC), tick=False) as clock:
        text = member_token("acme")
        kept = ApiToken.objects.get()
        assert kept.last_used_at is None
        status(text)
        clock.shift(59)
        status(text)
        kept.refresh_from_db()
        assert kept.last_used_at == datetime(2030, 1, 1, 12, tzinfo=UTC)
        clock.shift(2)
        status(text)
        kept.refresh_from_db()
        assert kept.last_used_at == datetime(2030, 1, 1, 12, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("scope", "method", "path", "body"),
    [
        ("read", "get", MINE, None),
        ("write", "post", MINE, {"scopes": ["write"]}),
        ("check", "post", "/api/org/check", {"action": "read", "resource": "nodes"}),
    ],
)
def test_each_request_takes_its_scope(scope, method, path, body) -> None:
    make_organization("acme")
    without = Caller(Client(), member_token("acme", scopes=[one for one in ALL_SCOPES if one != scope]))
    only = Caller(Client(), member_token("acme", scopes=[scope]))
    call = {"get": lambda caller: caller.get(path), "post": lambda caller: caller.post(path, body)}[method]
    assert code(call(without)) == (403, "scope_missing")
    assert call(only).status_code in (200, 201)


def test_nobody_sees_or_revokes_anothers_tokens(owner: Caller) -> None:
    other = Caller(Client(), member_token("acme", make_member("acme", roles=["admin"])))
    owners = ApiToken.objects.get(user=owner_of("acme"))
    assert other.get(f"{MINE}?prefix={owners.prefix}").json()["count"] == 0
    assert code(other.delete(f"{MINE}/{owners.pk}")) == (404, "not_found")
    assert status(owner.token) == 200


def test_an_unknown_token_is_not_found(owner: Caller) -> None:
    for token_id in ["0", "999999", "9" * 30, "x", "-1"]:
        answer = code(owner.delete(f"{MINE}/{token_id}"))
        assert (token_id, answer) == (token_id, (404, "not_found"))


def test_support_makes_and_revokes_no_tokens_of_others() -> None:
    make_organization("acme")
    member_token("acme")
    support = acting(make_operator("support"))
    attempts = [
        lambda: tokens.create_for_operator(make_operator(), actor=support, scopes=["read"]),
        lambda: tokens.create_for_member(
            owner_of("acme"), organizations.living("acme"), actor=support, scopes=["read"]
        ),
        lambda: tokens.revoke(ApiToken.objects.get(), actor=support),
    ]
    for attempt in attempts:
        with pytest.raises(Problem) as refused:
            attempt()
        assert refused.value.code == "permission_denied"


def test_only_operators_get_operators_tokens() -> None:
    make_organization("acme")
    with pytest.raises(Problem) as refused:
        tokens.create_for_operator(owner_of("acme"), actor=SYSTEM, scopes=["read"])
    assert refused.value.code == "not_an_operator"


def test_only_members_get_an_organizations_tokens() -> None:
    organization = make_organization("acme")
    with pytest.raises(Problem) as refused:
        tokens.create_for_member(make_operator(), organization, actor=SYSTEM, scopes=["read"])
    assert refused.value.code == "not_a_member"


@pytest.mark.parametrize(("scopes", "expected"), [(["metrics"], 200), (["read"], 403)])
def test_metrics_from_elsewhere_take_an_operators_token_with_that_scope(database, scopes, expected) -> None:
    caller = Caller(Client(REMOTE_ADDR="192.0.2.1"), operator_token(scopes=scopes))
    assert caller.get("/metrics").status_code == expected


def test_a_tenants_token_reads_no_metrics() -> None:
    make_organization("acme")
    caller = Caller(Client(REMOTE_ADDR="192.0.2.1"), member_token("acme", scopes=["metrics"]))
    assert caller.get("/metrics").status_code == 403
    assert Caller(caller.client, "pulse_wrong").get("/metrics").status_code == 403
