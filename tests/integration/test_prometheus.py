"""What a real Prometheus scrapes is right across several worker processes, also after one has ended."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests import needs
from tests.factories import make_organization, operator_token
from tests.processes import bearer, free_port, running, wait_for, web_server

pytestmark = [pytest.mark.usefixtures("database"), needs.prometheus]

CONFIGURATION = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: pulse
    static_configs:
      - targets: ["{target}"]
"""


@dataclass
class Scraped:
    """Pulse with two workers, and the Prometheus that scrapes it."""

    pulse: str
    prometheus: str
    metrics: Path

    def value(self, expression: str) -> float | None:
        """The expression's one value; None before the first scrape."""
        answer = requests.get(f"{self.prometheus}/api/v1/query", params={"query": expression}, timeout=5)
        found = answer.json()["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def comes_to(self, expression: str, due: float) -> None:
        wait_for(lambda: self.value(expression) == due, what=f"{expression} == {due}")

    def workers(self) -> set[int]:
        """The processes that have counted sign-ups or transitions."""
        return {int(file.stem.removeprefix("counter_")) for file in self.metrics.glob("counter_*.db")}


@pytest.fixture
def scraped(tmp_path: Path) -> Iterator[Scraped]:
    port, home = free_port(), tmp_path / "home"
    home.mkdir()
    with web_server(tmp_path, workers=2, PULSE_SIGNUP_RATE="1000/hour") as pulse:
        configuration = home / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(target=pulse.removeprefix("http://")))
        argv = [
            "prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={home / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]  # fmt: skip
        ours = f"http://127.0.0.1:{port}"
        log = home / "prometheus.log"
        with running(argv, env=os.environ, log=log):
            wait_for(lambda: requests.get(f"{ours}/-/ready", timeout=2).ok, what="Prometheus", log=log)
            yield Scraped(pulse, ours, tmp_path / "prometheus")


def sign_up(base: str, name: str) -> None:
    wanted = {"email": f"owner@{name}.example", "org_name": name}
    assert requests.post(f"{base}/api/public/signup", json=wanted, timeout=10).status_code == 202


def move(base: str, verb: str, organization_id: str, token: str) -> None:
    requests.post(f"{base}/api/admin/orgs/{organization_id}/{verb}", **bearer(token)).raise_for_status()


def end_one_worker(scraped: Scraped) -> None:
    """As gunicorn's master ends one; another takes its place."""
    before = scraped.workers()
    os.kill(min(before), signal.SIGTERM)
    wait_for(lambda: scraped.workers() - before, what="another worker")


def test_counts_are_exact_over_all_workers_and_outlive_one(scraped: Scraped):
    make_organization("acme")
    token = operator_token()

    for number in range(10):
        sign_up(scraped.pulse, f"first-{number}")
    for _ in range(6):
        move(scraped.pulse, "suspend", "acme", token)
        move(scraped.pulse, "unsuspend", "acme", token)
    scraped.comes_to("pulse_hosted_signups_total", 10)
    scraped.comes_to('pulse_hosted_provisions_total{status="success"}', 10)
    scraped.comes_to(
        'pulse_hosted_lifecycle_transitions_total{from_status="active", to_status="suspended"}', 6
    )
    scraped.comes_to("pulse_hosted_lifecycle_transition_seconds_count", 12)

    end_one_worker(scraped)
    for number in range(5):
        sign_up(scraped.pulse, f"second-{number}")
    scraped.comes_to("pulse_hosted_signups_total", 15)
    assert scraped.value("resets(pulse_hosted_signups_total[5m])") == 0


@pytest.mark.drill
def test_active_tenants_are_counted_in_the_database(scraped: Scraped):
    make_organization("acme")
    make_organization("globex")
    scraped.comes_to("pulse_hosted_active_tenants", 2)

    move(scraped.pulse, "suspend", "acme", operator_token())

    scraped.comes_to("pulse_hosted_active_tenants", 1)
