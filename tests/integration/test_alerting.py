"""From a burst of failures to an incident: Pulse with two workers, Prometheus and Alertmanager, all real.

The rules are the shipped ones with every window divided by 1000, and the configurations are the examples of
the documentation with this test's ports and shorter pauses.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.core.management import call_command

from runbooks.models import Incident, IncidentEntry
from tenants import tokens
from tests import needs
from tests.factories import SYSTEM, make_operator, operator_token
from tests.monitoring import ask, example, prometheus
from tests.processes import bearer, free_port, running, wait_for, web_server

pytestmark = [pytest.mark.usefixtures("database"), needs.prometheus]


@dataclass
class Monitored:
    """Pulse, and what watches it."""

    pulse: str
    prometheus: str


@pytest.fixture
def monitored(tmp_path: Path) -> Iterator[Monitored]:
    with web_server(tmp_path, workers=2) as pulse:
        home = tmp_path / "monitoring"
        home.mkdir()
        call_command("slo", "rules", "--speedup", "1000", "--output", str(home / "pulse.rules.yml"))
        alerts_port = free_port()
        configuration = example(
            "prometheus.yml",
            {
                "127.0.0.1:8000": pulse.removeprefix("http://"),
                "127.0.0.1:9093": f"127.0.0.1:{alerts_port}",
                "scrape_interval: 15s": "scrape_interval: 200ms",
                "evaluation_interval: 30s": "evaluation_interval: 400ms",
            },
        )
        with alertmanager(home, pulse, alerts_port), prometheus(home, configuration) as base:
            wait_for(lambda: ask(base, "slo:error_budget_left:ratio"), what="rules to be evaluated")
            yield Monitored(pulse, base)


def alertmanager(home: Path, pulse: str, port: int) -> AbstractContextManager[object]:
    """Alertmanager by the example, told to wait for nothing."""
    _, token = tokens.create_for_operator(make_operator(), actor=SYSTEM, scopes=["alerts"])
    (home / "alerts.token").write_text(token)
    (home / "alertmanager.yml").write_text(
        example(
            "alertmanager.yml",
            {
                "http://127.0.0.1:8000": pulse,
                "group_wait: 30s": "group_wait: 0s",
                "group_interval: 5m": "group_interval: 300ms",
            },
        )
    )
    argv = [
        "prometheus-alertmanager", f"--config.file={home / 'alertmanager.yml'}",
        f"--storage.path={home / 'alertmanager'}", f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]  # fmt: skip
    return running(argv, env=os.environ, log=home / "alertmanager.log")


@contextmanager
def nowhere_to_put_databases() -> Iterator[None]:
    """A file lies where the folder of tenants' databases should be."""
    folder = settings.PULSE_DATA_DIR / "orgs"
    folder.mkdir(exist_ok=True)
    aside = folder.rename(folder.with_name("aside"))
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


def make_by_http(monitored: Monitored, names: list[str]) -> set[int]:
    """The statuses that an operator is answered who makes the organizations."""
    token = operator_token()
    return {
        requests.post(
            f"{monitored.pulse}/api/admin/orgs",
            json={"email": f"owner@{name}.example", "name": name},
            **bearer(token),
        ).status_code
        for name in names
    }


def told(incident: Incident, line: str) -> bool:
    """Whether a notification of Alertmanager's has written it to the incident's timeline."""
    return IncidentEntry.objects.filter(incident=incident, kind="alert", text__contains=line).exists()


@needs.alertmanager
def test_a_burst_of_failures_opens_incidents_with_their_playbooks(monitored: Monitored) -> None:
    with nowhere_to_put_databases():
        assert make_by_http(monitored, [f"burst-{number}" for number in range(20)]) == {503}

    billing, provisioning = wait_for(
        lambda: len(found := Incident.objects.order_by("severity")) == 2 and list(found), what="incidents"
    )
    assert (billing.playbook, billing.severity) == ("p2-billing-inconsistency", "P2")
    assert (provisioning.playbook, provisioning.severity) == ("p3-provisioning-failures", "P3")
    assert {incident.source for incident in (billing, provisioning)} == {"alert"}
    assert "PulseAdminApi" in billing.title

    over = "resolved: PulseAdminApiFailing"
    wait_for(lambda: told(billing, over), what="the notification that it is over")
    billing.refresh_from_db()
    assert billing.resolved_at is None
