"""What an operator changes holds from the next request on in both workers, never once wrong."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client.mmap_dict import MmapedDict

from tests.factories import make_member, make_organization, member_token, operator_token
from tests.integration.watching import Answer, Watch, clients
from tests.processes import bearer, manage, web_server

pytestmark = pytest.mark.usefixtures("database")

LET_IN = (200, "")


@pytest.fixture
def pulse(database: None, tmp_path: Path) -> Iterator[str]:
    """Two workers, whose limits these clients do not meet."""
    with web_server(tmp_path, workers=2, PULSE_TENANT_RATE="1000000/minute") as base:
        yield base


def answer_of(response: requests.Response) -> Answer:
    return response.status_code, "" if response.ok else response.json()["code"]


def ask(url: str, token: str) -> Answer:
    """On a connection of its own, so that either worker may get it."""
    return answer_of(requests.get(url, **bearer(token)))


def act(method: str, url: str, token: str, body: object = None) -> None:
    requests.request(method, url, json=body, **bearer(token)).raise_for_status()


def flip(verb: str) -> None:
    """The kill switch, from a process of its own."""
    done = manage("hosted_mode", verb)
    assert done.returncode == 0, done.stderr


def requests_by_worker(tmp_path: Path) -> dict[str, float]:
    """How many requests each worker's own metrics file counts."""
    counted: dict[str, float] = defaultdict(float)
    for file in (tmp_path / "prometheus").glob("counter_*.db"):
        for key, value, *_ in MmapedDict.read_all_values_from_file(str(file)):
            if "django_http_requests_before_middlewares_total" in key:
                counted[file.name] += value
    return {name: count for name, count in counted.items() if count}


def flip_a_suspension(pulse: str, owner: str) -> Iterator[Watch]:
    organization, operator = f"{pulse}/api/admin/orgs/acme", operator_token()
    with clients(lambda: ask(f"{pulse}/api/org", owner)) as watch:
        for _ in range(10):
            watch.expect(lambda: act("post", f"{organization}/suspend", operator), (403, "org_suspended"))
            watch.expect(lambda: act("post", f"{organization}/unsuspend", operator), LET_IN)
    yield watch


def revoke_tokens(pulse: str, owner: str) -> Iterator[Watch]:
    tokens = f"{pulse}/api/org/tokens"
    for _ in range(4):
        made = requests.post(tokens, json={"scopes": ["read"]}, **bearer(owner)).json()
        with clients(lambda made=made: ask(f"{pulse}/api/org", made["token"])) as watch:
            watch.expect(lambda: None, LET_IN)
            watch.expect(
                lambda made=made: act("delete", f"{tokens}/{made['id']}", owner), (401, "invalid_token")
            )
        yield watch


def flip_a_role(pulse: str, owner: str) -> Iterator[Watch]:
    member = make_member("acme", roles=["viewer"])
    theirs, roles = member_token("acme", member), f"{pulse}/api/org/users/{member.public_id}/roles"
    with clients(lambda: ask(f"{pulse}/api/org/members", theirs)) as watch:
        for _ in range(6):
            watch.expect(lambda: act("put", roles, owner, {"roles": []}), (403, "permission_denied"))
            watch.expect(lambda: act("put", roles, owner, {"roles": ["viewer"]}), LET_IN)
    yield watch


def test_what_is_taken_away_is_refused_at_once_in_both_workers(pulse: str, tmp_path: Path):
    make_organization("acme")
    owner = member_token("acme")

    for take_away in (flip_a_suspension, revoke_tokens, flip_a_role):
        for watch in take_away(pulse, owner):
            assert watch.wrong() == []

    asked_each = requests_by_worker(tmp_path).values()
    assert len(asked_each) == 2
    assert min(asked_each) >= 10


@pytest.mark.drill
def test_the_kill_switch_flipped_by_another_process_holds_at_once(pulse: str):
    make_organization("acme")
    owner = member_token("acme")

    with clients(lambda: ask(f"{pulse}/api/org", owner)) as watch:
        watch.expect(lambda: flip("kill"), (404, "not_found"))
        watch.expect(lambda: flip("revive"), LET_IN)

    assert watch.wrong() == []
