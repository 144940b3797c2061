"""The drills that start servers of their own: each takes some seconds, so that make drill holds them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from runbooks import slos
from runbooks.drills import catalogue, probes, runner
from runbooks.models import DrillRun
from tests import needs
from tests.factories import SYSTEM
from tests.runbooks.drills.serving import live

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.drill, needs.redis]

OWN = [drill.name for drill in catalogue.DRILLS if drill.probes == probes.ALIVE]


@pytest.fixture
def base(database: None, settings) -> Iterator[str]:
    settings.REDIS_URL = os.environ["PULSE_TEST_REDIS_URL"]
    with live(settings) as base:
        yield base


def failed_steps(run: DrillRun) -> list[str]:
    return [f"{step.name}: {step.detail}" for step in run.steps.filter(passed=False)]


def expected_of(name: str) -> str:
    """The state of a run where all is well."""
    if name == "postgresql-gone" and connection.vendor != "postgresql":
        return "not_applicable"
    return "passed"


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize("name", OWN)
def test_a_drill_on_a_server_of_its_own_passes_and_leaves_nothing_behind(name: str, data_dir: Path) -> None:
    run = runner.run(name, actor=SYSTEM)
    assert (run.state, failed_steps(run)) == (expected_of(name), [])
    assert not (data_dir / "drills").exists()


@pytest.mark.usefixtures("base")
def test_what_a_drill_breaks_costs_none_of_the_error_budget(data_dir: Path, monkeypatch) -> None:
    """Its server answers with 503, and counts that where nobody scrapes."""
    (data_dir / "metrics").mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(data_dir / "metrics"))
    assert runner.run("provisioning-failure", actor=SYSTEM).state == "passed"
    assert {one.budget_left for one in slos.status()} == {1.0}


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize(
    ("name", "broken", "step"),
    [
        ("redis-gone", "sign-up opens without limits", "is shut"),
        ("provisioning-failure", "leftovers stay", "Nothing of it is left"),
        ("corrupt-tenant-database", "verification finds nothing", "names what is wrong"),
        ("disk-nearly-full", "a full disk is not told of", "/readyz says why"),
        ("worker-dead", "a dead worker's jobs stay", "Another worker ends the job"),
        ("postgresql-gone", "a lost database is not told of", "needs the database answers 503"),
    ],
)
def test_it_fails_where_what_it_guards_is_broken(name: str, broken: str, step: str, monkeypatch) -> None:
    if name == "postgresql-gone" and connection.vendor != "postgresql":
        pytest.skip("without PostgreSQL it is not applicable")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.runbooks.drills.broken_settings")
    monkeypatch.setenv("PULSE_BROKEN", broken)
    run = runner.run(name, actor=SYSTEM)
    assert run.state == "failed"
    (failed,) = failed_steps(run)
    assert step in failed


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize("name", ["lifecycle-round-trip", "redis-gone", "postgresql-gone"])
def test_while_no_verdict_stands_a_drill_is_held_on_a_server_of_its_own(settings, name: str) -> None:
    settings.PULSE_STAGE = "private_beta"
    settings.PULSE_GATE = [("hosted", "pulse.hosted_mode.require_open"), *settings.PULSE_GATE]
    run = runner.run(name, actor=SYSTEM)
    assert (run.state, failed_steps(run)) == (expected_of(name), [])
    assert (run.base_url != settings.PULSE_DRILL_URL) == (run.state == "passed")
