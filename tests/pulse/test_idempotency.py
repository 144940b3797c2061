"""`Idempotency-Key`: one request acts, its repetitions are answered with what it was answered."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from pulse import faults, idempotency
from pulse.models import AuditEvent, IdempotencyKey
from rbac import assignments
from tenants import context
from tenants.models import ApiToken, Organization
from tests.api import Caller, code
from tests.factories import SYSTEM, make_organization, member_token, operator_token, owner_of
from tests.pulse import views

pytestmark = pytest.mark.usefixtures("database")

KEY = {"idempotency_key": "4711"}
ACME = {"email": "ann@example.com", "name": "Acme Ltd", "id": "acme"}


@pytest.fixture(autouse=True)
def fresh_views() -> Iterator[None]:
    yield
    views.Counting.acted = 0
    views.Failing.broken = True
    views.Waiting.entered.clear()
    views.Waiting.let_go.clear()


def provision(caller: Caller, body: dict[str, str] = ACME, **headers: str):
    return caller.post("/api/admin/orgs", body, **(headers or KEY))


def provisioned() -> int:
    return AuditEvent.objects.filter(verb="organization.provision").count()


def fail() -> None:
    raise OSError("no space left on device")


def test_a_repetition_is_answered_alike_and_acts_once(operator: Caller) -> None:
    first, second = provision(operator), provision(operator)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first["Content-Type"] == second["Content-Type"] == "application/json"
    assert provisioned() == 1


def test_only_the_repetition_says_that_it_is_one(operator: Caller) -> None:
    first, second = provision(operator), provision(operator)
    assert not first.has_header("Idempotent-Replayed")
    assert second["Idempotent-Replayed"] == "true"


def test_a_refusal_is_repeated_as_the_problem_that_it_was(operator: Caller) -> None:
    first = provision(operator, ACME | {"name": "x"})
    second = provision(operator, ACME | {"name": "x"})
    assert code(first) == code(second) == (400, "invalid_org_name")
    assert second["Content-Type"] == "application/problem+json"
    assert second["Idempotent-Replayed"] == "true"


def test_without_a_key_every_request_acts(operator: Caller) -> None:
    make_organization("acme")
    answers = [operator.post("/api/admin/orgs/acme/suspend") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert not IdempotencyKey.objects.exists()


def test_a_key_saves_a_repeated_suspension_from_its_conflict(operator: Caller) -> None:
    make_organization("acme")
    answers = [operator.post("/api/admin/orgs/acme/suspend", **KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize(
    "other",
    [{**ACME, "name": "Other Ltd"}, {}, {"id": "acme", "name": "Acme Ltd", "email": "ann@example.com"}],
)
def test_another_body_with_the_same_key_is_refused(operator: Caller, other: dict[str, str]) -> None:
    provision(operator)
    assert code(provision(operator, other)) == (422, "idempotency_key_reused")
    assert provisioned() == 1


def test_another_address_with_the_same_key_is_refused(operator: Caller) -> None:
    make_organization("acme")
    operator.post("/api/admin/orgs/acme/suspend", **KEY)
    refused = operator.post("/api/admin/orgs/acme/unsuspend", **KEY)
    assert code(refused) == (422, "idempotency_key_reused")


def test_reading_and_patching_take_no_key(operator: Caller) -> None:
    make_organization("acme")
    operator.get("/api/admin/orgs/acme", **KEY)
    operator.patch("/api/admin/orgs/acme", {"display_name": "Other Ltd"}, **KEY)
    assert not IdempotencyKey.objects.exists()


def test_after_24_hours_the_key_is_new(operator: Caller) -> None:
    make_organization("acme")
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        operator.post("/api/admin/orgs/acme/suspend", **KEY)
    with time_machine.travel(now + timedelta(hours=24), tick=False):
        assert operator.post("/api/admin/orgs/acme/suspend", **KEY)["Idempotent-Replayed"] == "true"
    with time_machine.travel(now + timedelta(hours=24, seconds=1), tick=False):
        assert code(operator.post("/api/admin/orgs/acme/suspend", **KEY)) == (409, "already_suspended")


def test_after_a_failure_of_ours_a_retry_acts(operator: Caller) -> None:
    faults.arm("provision.row", fail)
    assert provision(operator).status_code == 503
    faults.disarm()
    assert provision(operator).status_code == 201
    assert provisioned() == 1


@pytest.mark.urls("tests.pulse.views")
def test_after_an_unforeseen_failure_a_retry_acts() -> None:
    caller = Caller(Client(raise_request_exception=False), None)
    assert caller.post("/fail", **KEY).status_code == 500
    views.Failing.broken = False
    assert caller.post("/fail", **KEY).json() == {"acted": 1}


def test_a_refusal_for_haste_is_not_repeated(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_RATE = "1/hour"
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        nobody.post("/api/public/signup")
        assert sign_up(nobody).status_code == 429
    with time_machine.travel(now + timedelta(hours=2), tick=False):
        assert sign_up(nobody).status_code == 202


@contextmanager
def under_way() -> Iterator["Future[int]"]:
    """The status, once it has one, of a first request that is carried out for as long as the block takes."""

    def first() -> int:
        try:
            return Caller(Client(), None).post("/wait", **KEY).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        status = thread.submit(first)
        assert views.Waiting.entered.wait(20)
        try:
            yield status
        finally:
            views.Waiting.let_go.set()


@pytest.mark.urls("tests.pulse.views")
def test_while_the_first_request_is_carried_out_another_is_told_so(nobody: Caller) -> None:
    with under_way() as status:
        assert code(nobody.post("/wait", **KEY)) == (409, "idempotency_in_progress")
    assert status.result() == 201
    assert nobody.post("/wait", **KEY).json() == {"acted": 1}


@pytest.mark.urls("tests.pulse.views")
def test_a_success_whose_key_was_given_up_meanwhile_is_answered_as_one(nobody: Caller) -> None:
    with under_way() as status:
        IdempotencyKey.objects.all().delete()
    assert status.result() == 201


def test_a_request_whose_process_was_killed_can_be_tried_again_after_a_quarter_of_an_hour(
    operator: Caller,
) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        provision(operator)
        IdempotencyKey.objects.update(status=None)  # What a kill before the reply leaves behind.
        assert code(provision(operator)) == (409, "idempotency_in_progress")
    with time_machine.travel(now + timedelta(minutes=14), tick=False):
        assert code(provision(operator)) == (409, "idempotency_in_progress")
    with time_machine.travel(now + timedelta(minutes=15, seconds=1), tick=False):
        assert provision(operator).status_code == 200


def test_two_callers_with_the_same_key_are_two(operator: Caller, client) -> None:
    other = Caller(client, operator_token("operator"))
    assert provision(operator).status_code == 201
    second = provision(other, {"email": "bob@example.com", "name": "Bob Ltd"})
    assert second.status_code == 201
    assert not second.has_header("Idempotent-Replayed")


def test_one_person_in_two_organizations_is_two_callers(client) -> None:
    make_organization("acme")
    make_organization("other")
    person = owner_of("acme")
    person.memberships.create(organization_id="other")
    with context.organization("other"):
        assignments.assign(str(person.public_id), roles=["admin"], actor=SYSTEM)
    texts = [member_token(organization_id, person) for organization_id in ("acme", "other")]
    answers = [Caller(client, text).post("/api/org/tokens", {"scopes": ["read"]}, **KEY) for text in texts]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert not answers[1].has_header("Idempotent-Replayed")


def test_a_token_is_shown_once_and_kept_nowhere(client) -> None:
    make_organization("acme")
    caller = Caller(client, member_token("acme"))
    first = caller.post("/api/org/tokens", {"scopes": ["read"]}, **KEY)
    again = caller.post("/api/org/tokens", {"scopes": ["read"]}, **KEY)
    text = first.json()["token"]
    assert text.startswith("pulse_")
    assert again.json() == first.json() | {"token": None}
    assert text not in IdempotencyKey.objects.get().body
    assert ApiToken.objects.filter(organization="acme").count() == 2


@pytest.mark.parametrize("key", ["k" * 129, "k" * 5000, "tab\there", "bell\x07"])
def test_a_key_that_is_too_long_or_unprintable_is_refused(operator: Caller, key: str) -> None:
    assert code(provision(operator, idempotency_key=key)) == (400, "invalid_request")
    assert provisioned() == 0


def test_a_key_of_128_characters_is_taken(operator: Caller) -> None:
    assert provision(operator, idempotency_key="k" * 128).status_code == 201


def sign_up(caller: Caller, email: str = "ann@example.com", **headers: str):
    return caller.post("/api/public/signup", {"email": email, "org_name": "Acme"}, **(KEY | headers))


def test_an_anonymous_sign_up_is_repeated_too(nobody: Caller) -> None:
    first, second = sign_up(nobody), sign_up(nobody)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert second["Idempotent-Replayed"] == "true"
    assert Organization.objects.filter(signup_email="ann@example.com").count() == 1


def test_strangers_who_choose_the_same_key_do_not_meet(nobody: Caller, settings) -> None:
    settings.PULSE_TRUSTED_PROXIES = ["127.0.0.1"]
    sign_up(nobody, x_forwarded_for="203.0.113.1")
    other = sign_up(nobody, "bob@example.com", x_forwarded_for="203.0.113.2")
    assert other.status_code == 202
    assert not other.has_header("Idempotent-Replayed")


def test_who_may_no_longer_ask_is_not_answered_with_an_old_reply(operator: Caller) -> None:
    provision(operator)
    ApiToken.objects.update(revoked_at=timezone.now())
    assert code(provision(operator)) == (401, "invalid_token")


@pytest.mark.urls("tests.pulse.views")
def test_the_headers_that_clients_go_on_with_are_repeated(nobody: Caller) -> None:
    nobody.post("/count", **KEY)
    again = nobody.post("/count", **KEY)
    assert again["ETag"] == '"7"'
    assert not again.has_header("X-Other")


@pytest.mark.urls("tests.pulse.views")
def test_a_reply_that_is_a_list_is_repeated(nobody: Caller) -> None:
    nobody.post("/list", **KEY)
    assert nobody.post("/list", **KEY).json() == [{"token": "a"}]


@pytest.mark.urls("tests.pulse.views")
def test_a_reply_without_a_body_is_repeated(nobody: Caller) -> None:
    nobody.put("/list", **KEY)
    again = nobody.put("/list", **KEY)
    assert (again.status_code, again.content) == (204, b"")


def test_pruning_drops_what_is_older_than_24_hours(operator: Caller) -> None:
    now = timezone.now()
    with time_machine.travel(now - timedelta(hours=25), tick=False):
        provision(operator)
    provision(operator, idempotency_key="another")
    assert idempotency.prune() == 1
    assert IdempotencyKey.objects.get().key == "another"
