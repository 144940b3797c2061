"""The ground floor's metrics. No label carries an organization, a user or a path id."""

from collections.abc import Iterator
from typing import Any

from django.db import DatabaseError, connection
from django.http import HttpRequest
from django.utils import timezone
from django_prometheus.middleware import PrometheusAfterMiddleware
from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

gate_refusals = Counter("pulse_gate_refusals_total", "Requests that the gate refused.", ["code"])

# Gauges that are counted in the database at scrape, so that they are true in every process.
scrape_collectors: list[Collector] = []


class AfterMiddleware(PrometheusAfterMiddleware):
    """django-prometheus labels latencies with whatever method a stranger makes up; here it knows them."""

    def label_metric(self, metric: Any, request: HttpRequest, response: Any = None, **labels: Any) -> Any:
        if "method" in labels:
            labels["method"] = self._method(request)  # type: ignore[no-untyped-call]
        return super().label_metric(metric, request, response, **labels)  # type: ignore[no-untyped-call]


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
