"""Two webhooks at once about the same group: one opens the incident, the other adds to it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from pulse import faults
from runbooks import incidents
from runbooks.models import DrillRun, Incident
from tests.factories import SYSTEM
from tests.runbooks.alerts import WEBHOOK, alert, alertmanager, notification
from tests.runbooks.drill_runs import failed_run

pytestmark = pytest.mark.usefixtures("database")


def both_look_before_either_opens() -> None:
    """Each of two threads passes the point once both have found no open incident."""
    barrier = threading.Barrier(2, timeout=10)
    met = threading.local()

    def meet() -> None:
        if not getattr(met, "once", False):
            met.once = True
            barrier.wait()

    faults.arm("incident.unknown", meet)


def at_once(*calls) -> list:
    def run(call):
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_two_webhooks_open_one_incident_with_both_lines() -> None:
    senders = [alertmanager(), alertmanager()]
    both_look_before_either_opens()
    told = [notification(alert(instance=name)) for name in ("a", "b")]
    answers = at_once(
        *[lambda pair=pair: pair[0].post(WEBHOOK, pair[1]) for pair in zip(senders, told, strict=True)]
    )
    incident = Incident.objects.get()
    assert [answer.json() for answer in answers] == [{"incidents": [incident.pk]}] * 2
    assert list(incident.entries.values_list("kind", flat=True)) == ["opened", "alert", "alert"]


def test_the_same_notification_twice_at_once_is_written_once() -> None:
    senders = [alertmanager(), alertmanager()]
    both_look_before_either_opens()
    at_once(*[lambda sender=sender: sender.post(WEBHOOK, notification()) for sender in senders])
    assert list(Incident.objects.get().entries.values_list("kind", flat=True)) == ["opened", "alert"]


def test_two_runs_of_one_drill_that_fail_at_once_open_one_incident() -> None:
    runs: list[DrillRun] = [failed_run("gate-closing"), failed_run("gate-closing")]
    both_look_before_either_opens()
    at_once(*[lambda run=run: incidents.open_from_drill(run, actor=SYSTEM) for run in runs])
    incident = Incident.objects.get()
    assert list(incident.entries.values_list("kind", flat=True)) == ["opened", "alert"]
