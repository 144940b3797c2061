"""Grafana's dashboard and the rules, on a Prometheus that scrapes a Pulse at work: they find their data."""

import json
import re
from collections.abc import Iterator
from math import isnan
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from billing import propagation
from runbooks import dashboard, rules
from tests import needs
from tests.api import Caller
from tests.factories import make_member, member_token, operator_token
from tests.monitoring import ask, example, prometheus, pulse_in_this_process
from tests.processes import wait_for

pytestmark = [pytest.mark.usefixtures("database"), needs.prometheus]

SELECTOR = re.compile(r'\w+\{job="pulse"[^}]*\}')


def work() -> None:
    """Of everything that the dashboard shows, a little."""
    operator = Caller(Client(), operator_token())
    nobody = Caller(Client(), None)
    nobody.post("/api/public/signup", {"email": "ann@example.com", "org_name": "Acme"})
    operator.post("/api/admin/orgs", {"email": "bob@example.com", "name": "Bolt"})
    make_member("bolt", roles=["viewer"])
    Caller(Client(), member_token("bolt")).post("/api/org/check", {"action": "read", "resource": "x"})
    for verb in ("suspend", "unsuspend"):
        operator.post(f"/api/admin/orgs/bolt/{verb}")
    propagation.measure("bolt", changed_at=timezone.now())


@pytest.fixture
def scraping(tmp_path: Path) -> Iterator[str]:
    """A Prometheus that has scraped Pulse before and after its work, and evaluated the rules."""
    call_command("slo", "rules", "--output", str(tmp_path / "pulse.rules.yml"))
    with pulse_in_this_process() as target:
        changes = {
            "127.0.0.1:8000": target,
            # A process of many tests has much to tell, and a scrape may last no longer than this.
            "scrape_interval: 15s": "scrape_interval: 1s",
            "evaluation_interval: 30s": "evaluation_interval: 1s",
        }
        with prometheus(tmp_path, example("prometheus.yml", changes)) as base:
            wait_for(lambda: ask(base, 'up{job="pulse"} == 1'), what="the first scrape")
            work()
            transitions = "increase(pulse_hosted_lifecycle_transition_seconds_count[5m]) > 0"
            wait_for(lambda: ask(base, transitions), what="the work to be scraped")
            # Born by the work itself, so that an increase takes two scrapes of it.
            twice = "count_over_time(pulse_rbac_role_mutations_total[5m]) > 1"
            wait_for(lambda: ask(base, twice), what="the work to be scraped twice")
            wait_for(lambda: ask(base, "slo:latency_p95:seconds_rate5m"), what="the rules to be evaluated")
            yield base


def test_every_panel_and_every_rule_finds_its_data(scraping: str) -> None:
    panels = {
        f"{panel['title']}: {target['legendFormat']}": target["expr"]
        for panel in json.loads(dashboard.document())["panels"]
        for target in panel.get("targets", ())
    }
    assert len(panels) > 20
    asked = panels | {found: found for found in SELECTOR.findall(rules.document())}
    answers = {name: ask(scraping, expression) for name, expression in asked.items()}
    assert [name for name, values in answers.items() if not values or all(map(isnan, values))] == []
