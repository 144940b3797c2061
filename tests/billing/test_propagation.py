"""An override through the API is obeyed by every request that starts after its answer, in both workers."""

import sys
from pathlib import Path

import pytest
import requests

from tests.factories import make_organization, member_token, operator_token
from tests.integration.test_two_workers import LET_IN, act, ask, requests_by_worker
from tests.integration.watching import clients
from tests.processes import environment, running, wait_for, web_server

pytestmark = pytest.mark.usefixtures("database")

WORKER = [sys.executable, "manage.py", "worker", "--no-startup-delay", "--no-reload", "--skip-checks"]
REQUIRED = (402, "subscription_required")


def test_an_override_is_obeyed_at_once_by_both_workers_and_measured_by_the_jobs(tmp_path: Path) -> None:
    make_organization("acme")
    owner, operator = member_token("acme"), operator_token("billing")
    metrics = environment(PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "prometheus"))
    with web_server(tmp_path, workers=2, PULSE_TENANT_RATE="1000000/minute") as base:
        state = f"{base}/api/admin/orgs/acme/billing-state"
        with clients(lambda: ask(f"{base}/api/org", owner)) as watch:
            for _ in range(10):
                watch.expect(lambda: act("put", state, operator, {"subscription_state": "expired"}), REQUIRED)
                watch.expect(lambda: act("put", state, operator, {"subscription_state": "active"}), LET_IN)
        assert watch.wrong() == []
        assert len(requests_by_worker(tmp_path)) == 2
        with running(WORKER, env=metrics, log=tmp_path / "worker.log"):
            wait_for(lambda: measured(base) >= 20, what="the measurements", log=tmp_path / "worker.log")


def measured(base: str) -> float:
    """How many changes were seen in force within the hour that is promised."""
    text = requests.get(f"{base}/metrics", timeout=10).text
    name = 'pulse_billing_propagation_seconds_bucket{le="3600.0"} '
    return sum(float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))
