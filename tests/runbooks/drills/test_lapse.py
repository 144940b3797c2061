"""A drill that fails ends the verdict, and with it hosted mode, at the next request in every process."""

from pathlib import Path

import pytest
import requests
from django.utils import timezone

from pulse import jobs
from runbooks import verdicts
from runbooks.drills import runner
from runbooks.models import Incident, VerdictEnd
from tests.factories import SYSTEM, operator_token
from tests.processes import bearer, web_server
from tests.runbooks.world import Repository, ready

pytestmark = pytest.mark.usefixtures("database")

STAGE = "private_beta"
# Its gate has no step for the lifecycle, so that nobody notices a suspension.
BROKEN = {
    "DJANGO_SETTINGS_MODULE": "tests.runbooks.drills.broken_settings",
    "PULSE_BROKEN": "tenants.gate.check_lifecycle",
    "PULSE_STAGE": STAGE,
    "PULSE_SECRET_KEY": "k" * 60,
    "PULSE_HOSTED_MODE": "true",
    "PULSE_ALLOWED_HOSTS": "127.0.0.1",
    "PULSE_SSL_REDIRECT": "false",
}


@pytest.mark.drill
def test_the_failure_of_a_blocking_drill_shuts_both_workers(
    repository: Repository, settings, tmp_path: Path
) -> None:
    ready()
    settings.PULSE_STAGE, settings.PULSE_HOSTED_MODE = STAGE, "true"
    signed = verdicts.sign(STAGE, actor=SYSTEM, reason="all is proved")
    token = operator_token()
    for role in ("worker", "scheduler"):
        jobs.beat(name=role, role=role, now=timezone.now())
    with web_server(tmp_path, workers=2, **BROKEN) as base:
        settings.PULSE_DRILL_URL = base
        unknown = requests.get(f"{base}/there-is-nothing-here", **bearer(token))

        def asked() -> set[tuple[int, str]]:
            answers = [requests.get(f"{base}/api/admin/orgs", **bearer(token)) for _ in range(10)]
            return {(answer.status_code, answer.text if not answer.ok else "") for answer in answers}

        assert asked() == {(200, "")}
        run = runner.run("lifecycle-round-trip", actor=SYSTEM)
        assert "expected 403 org_suspended, got 200" in run.steps.get(passed=False).detail
        assert asked() == {(404, unknown.text)}
    assert VerdictEnd.objects.get(verdict=signed).how == "lapsed"
    assert "lifecycle-round-trip failed" in Incident.objects.get().title
