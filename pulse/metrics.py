"""The ground floor's metrics. No label carries an organization, a user or a path id."""

import os
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_prometheus.middleware import PrometheusAfterMiddleware, PrometheusBeforeMiddleware
from prometheus_client import REGISTRY, CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

gate_refusals = Counter("pulse_gate_refusals_total", "Requests that the gate refused.", ["code"])
requests = Counter(
    "pulse_http_requests_total",
    "Requests by the part of Pulse that was asked, and whether they were served, refused or failed.",
    ["area", "outcome"],
)

# The first prefix that fits names the area; the rest of a path is a stranger's to choose.
AREAS = (
    ("/api/public/signup", "signup"),
    ("/signup", "signup"),
    ("/api/admin/", "admin_api"),
    ("/api/webhooks/", "webhooks"),
    ("/api/org", "tenant_api"),
    ("/edge/", "edge"),
    ("/admin/", "admin"),
)
OTHER = "other"
OUTCOMES = ("served", "refused", "failed")


def born(counter: Counter, **labels: Iterable[str]) -> None:
    """Expose the counter's series at 0: of one that appears with its first, Prometheus sees no increase."""
    for values in product(*labels.values()):
        counter.labels(**dict(zip(labels, values, strict=True)))


mails = Counter(
    "pulse_mails_total", "Mails that were sent, postponed after a failure or given up.", ["outcome"]
)

born(requests, area=[*(area for _, area in AREAS), OTHER], outcome=OUTCOMES)
born(mails, outcome=["sent", "postponed", "given_up"])
born(gate_refusals, code=["state_unavailable", "unavailable"])

# Gauges that are counted in the database at scrape, so that they are true in every process.
scrape_collectors: list[Collector] = []


class BeforeMiddleware(PrometheusBeforeMiddleware):
    """The outermost middleware counts each request, also one that another middleware failed on."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        area = next((area for prefix, area in AREAS if request.path_info.startswith(prefix)), OTHER)
        requests.labels(area=area, outcome=outcome_of(response)).inc()
        return super().process_response(request, response)  # type: ignore[no-any-return,no-untyped-call]


def outcome_of(response: HttpResponse) -> str:
    """`failed` is a 5xx, save one by which Pulse keeps to a limit that was set."""
    if response.status_code < 400:
        return "served"
    if response.status_code < 500 or getattr(response, "is_by_design", False):
        return "refused"
    return "failed"


class AfterMiddleware(PrometheusAfterMiddleware):
    """django-prometheus labels latencies with whatever method a stranger makes up; here it knows them."""

    def label_metric(self, metric: Any, request: HttpRequest, response: Any = None, **labels: Any) -> Any:
        if "method" in labels:
            labels["method"] = self._method(request)  # type: ignore[no-untyped-call]
        return super().label_metric(metric, request, response, **labels)  # type: ignore[no-untyped-call]


def kept_registry(*, served_from: Path | None = None) -> CollectorRegistry:
    """What all processes have counted, or else this one alone.

    A command is none of them: `served_from` is the folder of those that `manage.py serve` runs.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", served_from)
    if folder is None:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return registry


class OldestWaitingTask(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        from pulse.jobs import oldest_waiting_seconds

        try:
            seconds = oldest_waiting_seconds(now=timezone.now())
        except DatabaseError:
            connection.close()
            return
        yield GaugeMetricFamily(
            "pulse_jobs_oldest_waiting_seconds",
            "Age of the oldest task that is due and not started.",
            value=seconds,
        )


scrape_collectors.append(OldestWaitingTask())
