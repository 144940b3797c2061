"""Every refusal as problem details for programs, and as a page for people in a browser."""

import pytest
from django.db import connection
from django.test import Client

from pulse import problems
from tests.api import Caller, code
from tests.pulse.views import FAILURES

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ANSWERS = {
    "problem": (400, "invalid_request"),
    "missing": (404, "not_found"),
    "denied": (403, "permission_denied"),
    "huge": (413, "body_too_large"),
    "nul": (400, "invalid_request"),
    "database": (503, "unavailable"),
}


@pytest.fixture
def caller() -> Caller:
    return Caller(Client(raise_request_exception=False), None)


@pytest.mark.urls("tests.pulse.views")
@pytest.mark.parametrize("failure", ANSWERS)
@pytest.mark.parametrize("kind", ["api", "page"])
def test_a_failure_is_the_same_problem_in_an_api_view_and_in_a_page(
    caller: Caller, kind: str, failure: str
) -> None:
    answer = caller.get(f"/{kind}/{failure}")
    assert code(answer) == ANSWERS[failure]
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.urls("tests.pulse.views")
@pytest.mark.parametrize("kind", ["api", "page"])
@pytest.mark.parametrize("failure", ["integrity", "defect"])
def test_what_nobody_foresaw_is_a_500_that_tells_nothing(caller: Caller, kind: str, failure: str) -> None:
    answer = caller.get(f"/{kind}/{failure}")
    assert code(answer) == (500, "internal_error")
    assert str(FAILURES[failure]) not in answer.content.decode()
    assert answer["X-Request-ID"]


@pytest.mark.urls("tests.pulse.views")
@pytest.mark.parametrize("kind", ["api", "page"])
def test_a_lost_database_says_when_to_come_back_and_not_where_it_was(caller: Caller, kind: str) -> None:
    answer = caller.get(f"/{kind}/database")
    assert answer["Retry-After"] == "1"
    assert "10.0.0.1" not in answer.content.decode()


@pytest.mark.urls("tests.pulse.views")
@pytest.mark.parametrize(
    ("failure", "answer"),
    [("unauthenticated", (403, "not_authenticated")), ("parse", (400, "parse_error"))],
)
def test_drfs_own_refusals_keep_their_code(caller: Caller, failure: str, answer: tuple[int, str]) -> None:
    assert code(caller.get(f"/api/{failure}")) == answer


@pytest.mark.urls("tests.pulse.views")
def test_invalid_fields_are_named(caller: Caller) -> None:
    assert caller.get("/api/fields").json()["errors"] == {"name": ["Too short."]}


@pytest.mark.urls("tests.pulse.views")
def test_a_suspicious_operation_is_a_400(caller: Caller) -> None:
    assert code(caller.get("/page/suspicious")) == (400, "invalid_request")


def test_an_unknown_host_is_a_400(caller: Caller) -> None:
    assert code(caller.get("/healthz", host="evil.example")) == (400, "invalid_request")


def test_a_problem_has_the_members_of_rfc_9457(caller: Caller) -> None:
    assert caller.get("/nowhere").json() == {
        "type": "urn:pulse:problem:not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address.",
        "code": "not_found",
    }


@pytest.mark.urls("tests.pulse.views")
@pytest.mark.parametrize("failure", ["problem", "missing", "denied", "suspicious", "database", "defect"])
def test_a_person_in_a_browser_gets_a_page(caller: Caller, failure: str) -> None:
    program, person = caller.get(f"/page/{failure}"), caller.get(f"/page/{failure}", accept=BROWSER)
    assert person["Content-Type"].startswith("text/html")
    assert person.status_code == program.status_code
    assert f"{program.status_code} {program.json()['code']}" in person.content.decode()


@pytest.mark.urls("tests.pulse.views")
def test_the_page_says_whom_to_ask(caller: Caller, settings) -> None:
    settings.PULSE_SUPPORT_CONTACT = "<the desk>"
    assert "Whom to ask: &lt;the desk&gt;" in caller.get("/page/denied", accept=BROWSER).content.decode()
    assert "Whom to ask" not in caller.get("/page/missing", accept=BROWSER).content.decode()


@pytest.mark.parametrize("accept", ["application/json", "*/*", "image/png", "", "nonsense"])
def test_every_other_client_gets_json(caller: Caller, accept: str) -> None:
    assert caller.get("/nowhere", accept=accept)["Content-Type"] == "application/problem+json"


@pytest.mark.usefixtures("database")
def test_a_session_that_cannot_be_read_is_a_503_and_never_a_pass(client) -> None:
    client.cookies["sessionid"] = "a" * 32
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_session RENAME TO lost_session")
    answer = client.get("/api/org")
    assert code(answer) == (503, "unavailable")
    assert answer["Retry-After"] == "1"


@pytest.mark.usefixtures("database")
def test_a_body_over_64_kib_is_refused(nobody: Caller) -> None:
    assert code(nobody.post("/api/public/signup", {"email": "x" * 65_536})) == (413, "body_too_large")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("body", "kind", "answer"),
    [
        ("{", "application/json", (400, "parse_error")),
        ("\xff", "application/json", (400, "parse_error")),
        ("[]", "application/json", (400, "invalid_request")),
        ('"text"', "application/json", (400, "invalid_request")),
        ("null", "application/json", (400, "invalid_request")),
        ("a=1", "application/x-www-form-urlencoded", (415, "unsupported_media_type")),
        ("<a/>", "text/xml", (415, "unsupported_media_type")),
    ],
)
def test_a_body_that_is_not_a_json_object_is_refused(
    client, body: str, kind: str, answer: tuple[int, str]
) -> None:
    assert code(client.post("/api/public/signup", body.encode("latin-1"), content_type=kind)) == answer


@pytest.mark.usefixtures("database")
def test_another_method_is_refused_with_those_that_are_allowed(nobody: Caller) -> None:
    refused = nobody.get("/api/public/signup")
    assert code(refused) == (405, "method_not_allowed")
    assert refused["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("detail", "flat"),
    [
        ("No.", {"non_field_errors": ["No."]}),
        (["No.", "Never."], {"non_field_errors": ["No.", "Never."]}),
        ({"name": ["No."]}, {"name": ["No."]}),
        ({"name": "No."}, {"name": ["No."]}),
        ({"address": {"city": ["No."]}}, {"address.city": ["No."]}),
        ({"roles": {0: ["No."], 2: ["Never."]}}, {"roles[0]": ["No."], "roles[2]": ["Never."]}),
        ({"items": [{}, {"id": ["No."]}]}, {"items[1].id": ["No."]}),
        ([{"id": ["No."]}, {}], {"[0].id": ["No."]}),
        ({"deep": [[{"id": ["No."]}]]}, {"deep[0][0].id": ["No."]}),
    ],
)
def test_nested_errors_are_flattened_to_their_paths(detail: object, flat: dict[str, list[str]]) -> None:
    assert problems.flatten(detail) == flat
