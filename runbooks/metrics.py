"""The metrics of runbooks, counted in the database at scrape, so that they are true in every process."""

from collections.abc import Iterator

from django.db import DatabaseError, connection
from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pulse.metrics import scrape_collectors


class Incidents(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        from runbooks import clocks
        from runbooks.models import Incident, Severity

        now = timezone.now()
        try:
            rows = Incident.objects.unresolved().order_by().values_list("severity").annotate(Count("pk"))
            open_ones = dict(rows)
            late = {
                name: Incident.objects.filter(clocks.ran_out(name, now=now)).count() for name in clocks.FIELDS
            }
        except DatabaseError:
            connection.close()
            return
        counted = GaugeMetricFamily(
            "pulse_incidents_open", "Incidents that are not resolved.", labels=["severity"]
        )
        for severity in Severity.values:
            counted.add_metric([severity], open_ones.get(severity, 0))
        yield counted
        breached = GaugeMetricFamily(
            "pulse_incident_clock_breaches",
            "Clocks of incidents that have run out and are not met.",
            labels=["clock"],
        )
        for name, count in late.items():
            breached.add_metric([name], count)
        yield breached


scrape_collectors.append(Incidents())
