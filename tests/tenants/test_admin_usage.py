"""An organization's usage and limits: what is used of what it may, from every app, on one page."""

import pytest

from billing import overrides
from billing.overrides import Wanted
from rbac import backups
from tests.admin import queries, signed_in, text, who_may_open
from tests.factories import SYSTEM, make_member, make_organization

pytestmark = pytest.mark.usefixtures("database")

USAGE = "/admin/tenants/organization/acme/usage/"


def rows() -> dict[str, list[str]]:
    shown = signed_in("support").get(USAGE).context["uses"]
    return {use.title: [use.used, use.limit, use.percent] for use in shown}


def test_every_operator_reads_it() -> None:
    make_organization("acme")
    assert who_may_open(USAGE) == {"support", "operator", "billing", "admin"}


def test_members_are_counted_against_the_limit_of_the_layer_on_top() -> None:
    make_organization("acme")
    assert rows()["Members"] == ["1", "5", 20]
    overrides.add("acme", Wanted(state="active", limits={"seats": 4}), actor=SYSTEM, reason="agreed")
    for _ in range(3):
        make_member("acme")
    assert rows()["Members"] == ["4", "4", 100]


def test_requests_have_the_default_rate_until_an_own_one_is_higher() -> None:
    make_organization("acme")
    assert rows()["Requests this minute"] == ["0", "2,000", 0]
    wanted = Wanted(state="active", limits={"requests_per_minute": 4000})
    overrides.add("acme", wanted, actor=SYSTEM, reason="agreed")
    assert rows()["Requests this minute"] == ["0", "4,000", 0]


def test_the_disk_that_roles_and_backups_take_is_told() -> None:
    make_organization("acme")
    backups.make("acme", actor=SYSTEM)
    assert "KB" in rows()["Database of roles"][0]
    assert "1 kept." in text(signed_in("support").get(USAGE))


def test_it_takes_as_many_queries_for_many_members_as_for_one() -> None:
    make_organization("acme")
    client = signed_in("support")
    before = queries(client, USAGE)
    for _ in range(5):
        make_member("acme")
    assert queries(client, USAGE) == before
