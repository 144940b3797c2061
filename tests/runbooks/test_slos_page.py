"""The admin's page of objectives: what is left, what fires, and for whom."""

import re
from pathlib import Path

import pytest

from runbooks.alerts import ALERTS
from tests import needs
from tests.admin import GROUPS, signed_in, text, who_may_open
from tests.monitoring import prometheus, remember
from tests.processes import free_port
from tests.runbooks.recorded import series
from tests.runbooks.test_slos import provisionings_of_a_day, requests_of_a_week

pytestmark = pytest.mark.usefixtures("database")

PAGE = "/admin/objectives/"
FIRING = re.compile(r">\s*firing\s*<")


def test_every_group_may_look() -> None:
    assert who_may_open(PAGE) == set(GROUPS)


def test_without_prometheus_it_says_what_is_counted() -> None:
    page = text(signed_in("support").get(PAGE))
    assert "Every objective is within its error budget" in page or "Exhausted: " in page
    assert "not over the window: PULSE_PROMETHEUS_URL is not set" in page


def test_a_prometheus_that_is_gone_takes_no_page_with_it(settings) -> None:
    settings.PULSE_PROMETHEUS_URL = f"http://127.0.0.1:{free_port()}"
    page = text(signed_in("support").get(PAGE))
    assert "Prometheus does not answer" in page
    assert FIRING.findall(page) == []
    assert page.count("<td>not known</td>") == len(ALERTS)


def test_every_alert_is_there_with_its_playbook() -> None:
    page = text(signed_in("support").get(PAGE))
    assert "More than 20 sign-ups within an hour" in page
    assert "/admin/runbooks/incident/playbooks/p4-signup-abuse/" in page
    assert "{{" not in page


@needs.promtool
def test_an_exhausted_budget_and_a_firing_alert_stand_out(settings, tmp_path: Path) -> None:
    recorded = requests_of_a_week(50, served=99_950) | provisionings_of_a_day(60, good=940)
    firing = series("ALERTS", alertname="PulseSignupSpike", alertstate="firing")
    remember(tmp_path, recorded | {firing: 0}, days=8)
    with prometheus(tmp_path) as settings.PULSE_PROMETHEUS_URL:
        page = text(signed_in("support").get(PAGE))
    assert "Exhausted: Provisioning<" in page
    assert "PULSE_PROMETHEUS_URL" not in page
    assert page.index("PulseSignupSpike") < page.index("PulseAdminApiBurnsFast")
    assert len(FIRING.findall(page)) == 1
    assert page.count("<td>quiet</td>") == len(ALERTS) - 1
