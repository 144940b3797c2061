"""Rate limits, in memory and on Redis: counted by whom, until when, and what happens without Redis."""

import os
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
import time_machine
from django.utils import timezone

from billing import overrides
from billing.overrides import Wanted
from pulse import limits
from tenants.models import Organization
from tests import needs
from tests.api import Caller, code
from tests.factories import SYSTEM, UserFactory, make_organization, member_token
from tests.processes import wait_for

NOTHING_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture(params=["memory", pytest.param("redis", marks=needs.redis)])
def storage(request, settings) -> Iterator[str]:
    """Each kind of storage, empty."""
    if request.param == "memory":
        yield "memory"
        return
    settings.REDIS_URL = os.environ["PULSE_TEST_REDIS_URL"]
    client = redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield "redis"
    client.flushdb()
    client.close()


@pytest.fixture
def silent_redis() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.fixture
def member(database: None, client) -> Caller:
    """The owner of acme."""
    make_organization("acme")
    return Caller(client, member_token("acme"))


def sign_up(caller: Caller, number: int = 1, **headers: str):
    return caller.post(
        "/api/public/signup", {"email": f"ann{number}@example.com", "org_name": "Acme"}, **headers
    )


@pytest.mark.usefixtures("storage")
def test_the_sixth_sign_up_of_an_hour_is_refused(nobody: Caller) -> None:
    assert [sign_up(nobody, number).status_code for number in range(5)] == [202] * 5
    assert code(sign_up(nobody, 6)) == (429, "rate_limit_exceeded")
    assert not Organization.objects.filter(signup_email="ann6@example.com").exists()


@pytest.mark.usefixtures("storage")
def test_a_refused_sign_up_tells_the_limit_and_when_to_come_back(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_RATE = "1/hour"
    sign_up(nobody)
    refused = sign_up(nobody)
    assert (refused["X-RateLimit-Limit"], refused["X-RateLimit-Remaining"]) == ("1", "0")
    assert 3590 <= int(refused["Retry-After"]) <= 3600


@pytest.mark.usefixtures("storage")
def test_malformed_sign_ups_count_too(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_RATE = "1/hour"
    assert nobody.post("/api/public/signup").status_code == 400
    assert sign_up(nobody).status_code == 429


@pytest.mark.usefixtures("storage")
def test_each_address_has_a_limit_of_its_own(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_RATE = "1/hour"
    settings.PULSE_TRUSTED_PROXIES = ["127.0.0.1"]
    addresses = ["203.0.113.1", "203.0.113.2", "203.0.113.1", "9.9.9.9, 203.0.113.1", "2001:db8::1"]
    answers = [sign_up(nobody, x_forwarded_for=address).status_code for address in addresses]
    assert answers == [202, 202, 429, 429, 202]


def test_a_header_of_ones_own_gives_no_new_limit(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_RATE = "1/hour"
    sign_up(nobody, x_forwarded_for="203.0.113.1")
    assert sign_up(nobody, x_forwarded_for="203.0.113.2").status_code == 429


def test_a_new_hour_lets_in_again(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_RATE = "1/hour"
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        sign_up(nobody)
    with time_machine.travel(now + timedelta(minutes=59), tick=False):
        assert sign_up(nobody)["Retry-After"] == "60"
    with time_machine.travel(now + timedelta(minutes=61), tick=False):
        assert sign_up(nobody).status_code == 202


@needs.redis
def test_redis_forgets_when_the_window_ends(settings) -> None:
    settings.REDIS_URL = os.environ["PULSE_TEST_REDIS_URL"]
    assert limits.hit("1/second", "test", "window")
    wait_for(lambda: limits.hit("1/second", "test", "window"), what="the next second")


@needs.redis
def test_redis_counts_for_all_processes_together(settings) -> None:
    settings.REDIS_URL = os.environ["PULSE_TEST_REDIS_URL"]
    redis.from_url(settings.REDIS_URL).flushdb()
    assert limits.hit("1/hour", "test")
    limits.forget()
    assert not limits.hit("1/hour", "test")


@pytest.mark.usefixtures("storage")
def test_a_tenant_is_refused_over_its_rate(member: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = "2/minute"
    assert [member.get("/api/org").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.usefixtures("storage")
def test_a_refused_tenant_is_told_which_limit_of_whom(member: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    member.get("/api/org")
    refused = member.get("/api/org")
    assert code(refused) == (429, "tenant_rate_limit_exceeded")
    assert (refused["X-RateLimit-Limit"], refused["X-RateLimit-Remaining"]) == ("1", "0")
    assert refused["X-Pulse-Org-ID"] == "acme"
    assert 1 <= int(refused["Retry-After"]) <= 60


@pytest.mark.usefixtures("storage")
def test_the_edge_check_counts_for_the_tenant(member: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    assert member.get("/edge/check").status_code == 204
    assert member.get("/edge/check").status_code == 429


def test_the_tenant_limit_is_2000_a_minute(settings) -> None:
    assert settings.PULSE_TENANT_RATE == "2000/minute"
    assert settings.PULSE_SIGNUP_RATE == "5/hour"


@pytest.mark.usefixtures("storage")
def test_one_tenants_requests_do_not_count_for_another(member: Caller, client, settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    make_organization("other")
    member.get("/api/org")
    assert Caller(client, member_token("other")).get("/api/org").status_code == 200


@pytest.mark.usefixtures("storage")
def test_an_organizations_own_rate_goes_before_the_default(member: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    wanted = Wanted(limits={"requests_per_minute": 3})
    overrides.add("acme", wanted, actor=SYSTEM, reason="asked")
    assert [member.get("/api/org").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert member.get("/api/org")["X-RateLimit-Limit"] == "3"


@pytest.mark.usefixtures("storage", "database")
def test_the_default_organization_is_exempt(client, settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    someone = UserFactory()
    someone.memberships.create(organization_id="default")
    caller = Caller(client, member_token("default", someone))
    assert [caller.get("/edge/check").status_code for _ in range(3)] == [204] * 3


def test_sign_ups_and_a_tenants_requests_are_counted_apart(member: Caller, nobody: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = settings.PULSE_SIGNUP_RATE = "1/hour"
    assert sign_up(nobody).status_code == 202
    assert member.get("/api/org").status_code == 200


def test_a_tenant_is_let_in_again_in_the_next_minute(member: Caller, settings) -> None:
    settings.PULSE_TENANT_RATE = "1/minute"
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        assert [member.get("/api/org").status_code for _ in range(2)] == [200, 429]
    with time_machine.travel(now + timedelta(seconds=61), tick=False):
        assert member.get("/api/org").status_code == 200


def test_without_redis_sign_up_is_refused(nobody: Caller, settings) -> None:
    settings.REDIS_URL = NOTHING_LISTENS
    refused = sign_up(nobody)
    assert code(refused) == (503, "unavailable")
    assert refused["Retry-After"] == "1"
    assert not Organization.objects.filter(signup_email="ann1@example.com").exists()


def test_without_redis_tenants_are_let_through(member: Caller, settings) -> None:
    settings.REDIS_URL = NOTHING_LISTENS
    settings.PULSE_TENANT_RATE = "1/minute"
    assert [member.get("/api/org").status_code for _ in range(2)] == [200, 200]


def test_a_silent_redis_holds_nobody_up(member: Caller, settings, silent_redis: str) -> None:
    settings.REDIS_URL = silent_redis
    assert member.get("/api/org").status_code == 200


def test_a_redis_that_goes_between_count_and_headers_is_met_as_one_that_is_gone(settings) -> None:
    settings.REDIS_URL = NOTHING_LISTENS
    with pytest.raises(limits.Unavailable):
        limits.headers("1/minute", "test")


@pytest.mark.parametrize("notation", ["", "many", "0/minute", "-1/minute", "5/fortnight", "5/hour later"])
def test_what_is_no_rate_is_refused(notation: str) -> None:
    with pytest.raises(ValueError):
        limits.rate(notation)


@pytest.mark.parametrize(
    ("notation", "amount", "seconds"),
    [("2000/minute", 2000, 60), ("5/hour", 5, 3600), ("5 per 2 hours", 5, 7200)],
)
def test_a_rate_is_an_amount_in_a_time(notation: str, amount: int, seconds: int) -> None:
    item = limits.rate(notation)
    assert (item.amount, item.get_expiry()) == (amount, seconds)
