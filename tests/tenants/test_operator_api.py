"""Who may use the operators' API, and what it answers to requests that are no good."""

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.api import Caller, code
from tests.factories import make_member, make_operator, make_organization, member_token, operator_token

pytestmark = pytest.mark.usefixtures("database")

SUSPEND = "/api/admin/orgs/acme/suspend"
NEW = {"email": "ann@example.com", "name": "Globex"}
READ = [
    "/api/admin/orgs",
    "/api/admin/orgs/acme",
    "/api/admin/orgs/acme/events",
    "/api/admin/orgs/acme/verify",
]
RUN = [
    ("post", "/api/admin/orgs", NEW, 201),
    ("patch", "/api/admin/orgs/acme", {"display_name": "Acme Inc"}, 200),
    ("post", SUSPEND, {}, 200),
    ("post", "/api/admin/orgs/acme/soft-delete", {}, 200),
]


def problem(answer: HttpResponse) -> tuple[int, str]:
    """The status and code, after a look at whether the answer is a whole problem."""
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    assert body["status"] == answer.status_code
    assert body["type"] == f"urn:pulse:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]
    return answer.status_code, body["code"]


@pytest.mark.parametrize("group", ["support", "operator", "billing", "admin"])
def test_every_group_reads(group) -> None:
    make_organization("acme")
    caller = Caller(Client(), operator_token(group))
    assert [caller.get(path).status_code for path in READ] == [200] * len(READ)


@pytest.mark.parametrize("group", ["support", "billing"])
def test_support_and_billing_change_no_organization(group) -> None:
    make_organization("acme")
    caller = Caller(Client(), operator_token(group))
    for method, path, body, _ in RUN:
        assert problem(getattr(caller, method)(path, body)) == (403, "permission_denied")
    assert caller.get("/api/admin/orgs?status=active").json()["count"] == 2


@pytest.mark.parametrize("group", ["operator", "admin"])
def test_operators_and_admins_run_the_lifecycle(group) -> None:
    make_organization("acme")
    caller = Caller(Client(), operator_token(group))
    for method, path, body, status in RUN:
        assert getattr(caller, method)(path, body).status_code == status


@pytest.mark.parametrize(("verb", "first"), [("unsuspend", "suspend"), ("restore", "soft-delete")])
def test_support_undoes_no_transition(operator: Caller, verb, first) -> None:
    make_organization("acme")
    operator.post(f"/api/admin/orgs/acme/{first}")
    support = Caller(Client(), operator_token("support"))
    assert problem(support.post(f"/api/admin/orgs/acme/{verb}")) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("group", "status"), [("support", 403), ("billing", 403), ("operator", 200), ("admin", 200)]
)
def test_an_export_takes_its_own_permission(group, status) -> None:
    make_organization("acme")
    caller = Caller(Client(), operator_token(group))
    assert caller.get("/api/admin/orgs/acme/export").status_code == status


def test_an_operator_of_no_group_may_do_nothing() -> None:
    make_organization("acme")
    user = make_operator("admin")
    client = Client()
    client.force_login(user)
    user.groups.clear()
    for path in READ:
        assert problem(client.get(path)) == (403, "permission_denied")


def test_an_operator_taken_out_of_the_group_is_refused_at_once(operator: Caller) -> None:
    from tenants.models import User

    make_organization("acme")
    User.objects.get(is_staff=True).groups.clear()
    assert problem(operator.post(SUSPEND)) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("scope", "read", "write"), [("read", 200, 403), ("write", 403, 200), ("check", 403, 403)]
)
def test_a_token_does_what_its_scopes_say(scope, read, write) -> None:
    make_organization("acme")
    caller = Caller(Client(), operator_token("admin", scopes=[scope]))
    seen, changed = caller.get("/api/admin/orgs/acme"), caller.post(SUSPEND)
    assert (seen.status_code, changed.status_code) == (read, write)
    for refused in (answer for answer in (seen, changed) if answer.status_code == 403):
        assert problem(refused) == (403, "scope_missing")


def test_a_tenants_token_is_refused_even_of_an_operator_who_is_a_member() -> None:
    make_organization("acme")
    member = make_member("acme", roles=["admin"])
    member.is_staff = member.is_superuser = True
    member.save()
    caller = Caller(Client(), member_token("acme", member))
    assert problem(caller.get("/api/admin/orgs")) == (403, "permission_denied")
    assert problem(caller.post(SUSPEND)) == (403, "permission_denied")


def test_a_member_is_refused_in_a_session_too() -> None:
    make_organization("acme")
    client = Client()
    client.force_login(make_member("acme", roles=["admin"]))
    assert problem(client.get("/api/admin/orgs")) == (403, "permission_denied")


@pytest.mark.parametrize("path", READ)
def test_nobody_is_asked_to_sign_in(nobody: Caller, path) -> None:
    answer = nobody.get(path)
    assert problem(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_session_reads_without_a_csrf_token_and_changes_nothing() -> None:
    make_organization("acme")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_operator())
    assert browser.get("/api/admin/orgs/acme").status_code == 200
    assert problem(browser.post(SUSPEND)) == (403, "permission_denied")


def test_a_session_with_its_csrf_token_may_change() -> None:
    make_organization("acme")
    browser = Client(enforce_csrf_checks=True)
    browser.get("/account/login/")
    csrf = browser.cookies["csrftoken"].value
    browser.force_login(make_operator())
    assert browser.post(SUSPEND, {}, "application/json", headers={"X-CSRFToken": csrf}).status_code == 200


def test_a_token_needs_no_csrf_token() -> None:
    make_organization("acme")
    caller = Caller(Client(enforce_csrf_checks=True), operator_token())
    assert caller.post(SUSPEND).status_code == 200


def raw(operator: Caller, body: bytes, content_type: str = "application/json", **more) -> HttpResponse:
    headers = {"Authorization": f"Bearer {operator.token}"}
    return operator.client.generic("POST", SUSPEND, body, content_type, headers=headers, **more)


def test_a_body_that_is_not_json_is_refused(operator: Caller) -> None:
    make_organization("acme")
    for body in [
        b"{",
        b"reason=unpaid",
        b'{"reason": "a" "b"}',
        b"\xff\xfe",
        b'{"retention_days": NaN}',
        b"[" * 60_000,
    ]:
        assert (body, problem(raw(operator, body))) == (body, (400, "parse_error"))
    assert operator.get("/api/admin/orgs/acme").json()["status"] == "active"


def test_a_body_that_is_no_object_is_refused(operator: Caller) -> None:
    make_organization("acme")
    for body in [b"[]", b"[1]", b'"unpaid"', b"5", b"true", b"null"]:
        assert (body, problem(raw(operator, body))) == (body, (400, "invalid_request"))
    assert operator.get("/api/admin/orgs/acme").json()["status"] == "active"


def test_an_empty_body_is_an_empty_object(operator: Caller) -> None:
    make_organization("acme")
    assert raw(operator, b"").status_code == 200


def test_fields_that_nobody_knows_are_ignored(operator: Caller) -> None:
    make_organization("acme")
    assert operator.post(SUSPEND, {"status": "purged"}).json()["status"] == "suspended"


def test_a_body_of_64_kib_is_read_and_a_larger_one_is_not(operator: Caller) -> None:
    make_organization("acme")
    assert problem(raw(operator, b" " * 65_537)) == (413, "body_too_large")
    assert raw(operator, b" " * 65_534 + b"{}").status_code == 200


def test_a_body_is_refused_by_its_declared_length(operator: Caller) -> None:
    assert problem(raw(operator, b"{}", CONTENT_LENGTH="10000000000")) == (413, "body_too_large")


def test_a_body_of_another_type_is_refused(operator: Caller) -> None:
    make_organization("acme")
    for content_type in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ]:
        answer = problem(raw(operator, b"reason=unpaid", content_type))
        assert (content_type, answer) == (content_type, (415, "unsupported_media_type"))


@pytest.mark.parametrize(
    ("method", "path"),
    [("delete", "/api/admin/orgs/acme"), ("put", "/api/admin/orgs"), ("get", SUSPEND), ("patch", SUSPEND)],
)
def test_another_method_is_refused(operator: Caller, method, path) -> None:
    make_organization("acme")
    answer = getattr(operator, method)(path)
    assert problem(answer) == (405, "method_not_allowed")
    assert answer["Allow"]


@pytest.mark.parametrize(
    "path", ["/api/admin/nothing", "/api/admin/orgs/", "/api/admin/orgs/a/b/c", "/nothing"]
)
def test_an_unknown_route_is_not_found(operator: Caller, path) -> None:
    assert problem(operator.get(path)) == (404, "not_found")


def test_an_answer_in_another_format_is_refused(operator: Caller) -> None:
    assert problem(operator.get("/api/admin/orgs", accept="application/xml")) == (406, "not_acceptable")


def test_a_refusal_of_an_export_is_a_problem_too(operator: Caller) -> None:
    answer = operator.get("/api/admin/orgs/nobody/export", accept="application/zip")
    assert problem(answer) == (404, "not_found")


def test_several_bad_fields_are_all_named(operator: Caller) -> None:
    answer = operator.post("/api/admin/orgs", {"email": 5, "name": None, "id": "A"})
    assert code(answer) == (400, "invalid_email")
    assert set(answer.json()["errors"]) == {"email", "name", "id"}
