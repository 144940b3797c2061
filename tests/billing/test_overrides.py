"""Overrides one by one, through `manage.py billing`."""

import json
from datetime import timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing import overrides, subscriptions
from billing.models import Override
from billing.overrides import Wanted
from pulse.problems import Problem
from tests.factories import SYSTEM, acting, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")


def billing(*arguments: str) -> Any:
    out = StringIO()
    call_command("billing", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def refused(*arguments: str) -> Any:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("billing", *arguments, "--json", stdout=out)
    assert ended.value.code == 1
    return json.loads(out.getvalue())


def test_an_override_is_laid_shown_and_taken_away() -> None:
    make_organization("acme")
    [laid] = billing("override", "acme", "--state", "active", "--plan", "team", "--reason", "invoice")
    [shown] = billing("show", "acme")
    assert (shown["subscription_state"], shown["plan_version"]) == ("active", "team v1")
    assert shown["origin"]["subscription_state"].startswith(f"override #{laid['override']} by os:")
    billing("revoke", str(laid["override"]))
    [shown] = billing("show", "acme")
    assert (shown["subscription_state"], shown["plan_version"]) == ("trial", "trial v1")


def test_several_at_once_and_one_refused() -> None:
    make_organization("acme")
    rows = refused("override", "acme", "gone", "--limit", "seats=7", "--reason", "asked")
    assert [row["result"] for row in rows] == ["done", "not_found"]
    assert billing("show", "acme")[0]["limits"]["seats"] == 7


def test_revoking_twice_is_refused() -> None:
    make_organization("acme")
    [laid] = billing("override", "acme", "--add", "sso", "--reason", "asked")
    billing("revoke", str(laid["override"]))
    assert refused("revoke", str(laid["override"]))[0]["result"] == "already_revoked"
    assert refused("revoke", "999")[0]["result"] == "not_found"


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["--reason", "x"], "empty_override"),
        (["--state", "active", "--reason", " "], "reason_required"),
        (["--state", "gold", "--reason", "x"], "invalid_subscription_state"),
        (["--plan", "gold", "--reason", "x"], "unknown_plan"),
        (["--add", "flying", "--reason", "x"], "unknown_capability"),
        (["--limit", "wings=2", "--reason", "x"], "invalid_limit"),
        (["--state", "active", "--until", "2001-01-01T00:00:00Z", "--reason", "x"], "invalid_period"),
    ],
)
def test_refusals(arguments: list[str], refusal: str) -> None:
    make_organization("acme")
    assert refused("override", "acme", *arguments)[0]["result"] == refusal
    assert not Override.objects.exists()


@pytest.mark.parametrize(
    "arguments", [["--until", "tomorrow"], ["--limit", "seats"], ["--until", "2030-01-01"]]
)
def test_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("billing", "override", "acme", *arguments, "--reason", "x")


def test_trials_that_have_ended_are_told_by_hand() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        clock.shift(timedelta(days=14))
        assert billing("expire-trials") == [{"id": "acme", "mail": "trial_ended"}]
        assert billing("expire-trials") == []


def test_for_people_it_prints_the_origin_of_each_part() -> None:
    make_organization("acme")
    out = StringIO()
    call_command("billing", "show", "acme", stdout=out)
    assert "acme: trial, trial v1" in out.getvalue()
    assert "may api: plan trial v1" in out.getvalue()


def test_the_named_overrides_lie_beside_a_put() -> None:
    make_organization("acme")
    ann = acting(make_operator("billing"))
    now = timezone.now()
    overrides.extend_trial("acme", until=now + timedelta(days=60), actor=ann, reason="asked")
    overrides.grant_grace("acme", until=now + timedelta(days=3), actor=ann, reason="bank holiday")
    overrides.move_plan("acme", plan="business", actor=ann, reason="promised")
    overrides.put("acme", {"limits": {"seats": 7}}, actor=ann, reason="asked")
    [shown] = billing("show", "acme")
    assert (shown["subscription_state"], shown["plan_version"]) == ("grace", "business v1")
    assert shown["limits"]["seats"] == 7
    assert Override.objects.standing().count() == 4


def test_who_pays_keeps_the_service_when_their_extended_trial_is_over() -> None:
    make_organization("acme")
    until = timezone.now() + timedelta(days=30)
    overrides.extend_trial("acme", until=until, actor=SYSTEM, reason="their pilot is late")
    subscriptions.set_state("acme", state="active", actor=SYSTEM)
    with time_machine.travel(until + timedelta(days=1)):
        [shown] = billing("show", "acme")
    assert shown["subscription_state"] == "active"


def test_an_upgrade_ends_earlier_extensions_with_their_trials() -> None:
    make_organization("acme")
    until = timezone.now() + timedelta(days=30)
    overrides.extend_trial("acme", until=until, actor=SYSTEM, reason="their pilot is late")
    Override.objects.update(valid_until=None)
    import_module("billing.migrations.0004_extensions_end").end_with_their_trials(apps, None)
    assert Override.objects.get().valid_until == until


def test_an_override_of_another_organization_cannot_be_revoked_by_its_number() -> None:
    make_organization("acme")
    make_organization("globex")
    laid = overrides.add("globex", Wanted(state="active"), actor=SYSTEM, reason="x")
    with pytest.raises(Problem) as refusal:
        overrides.revoke(laid.pk, actor=SYSTEM, organization_id="acme")
    assert refusal.value.code == "not_found"


def test_purging_forgets_overrides_and_a_tombstone_takes_none() -> None:
    make_organization("acme")
    overrides.add("acme", Wanted(state="active"), actor=SYSTEM, reason="x")
    from tenants import lifecycle
    from tenants.models import Organization

    lifecycle.soft_delete("acme", actor=SYSTEM)
    Organization.objects.filter(id="acme").update(purge_after=timezone.now())
    lifecycle.purge("acme", actor=SYSTEM)
    assert not Override.objects.exists()
    with pytest.raises(Problem) as refusal:
        subscriptions.set_state("acme", state="active", actor=SYSTEM)
    assert refusal.value.code == "not_found"
