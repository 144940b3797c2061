"""The metrics of billing. Buckets include the SLO's thresholds, one hour and two."""

from collections.abc import Iterator

from django.db import DatabaseError, connection
from django.db.models import Count
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pulse.metrics import born, scrape_collectors

propagation_seconds = Histogram(
    "pulse_billing_propagation_seconds",
    "From the change of a subscription until another process obeys it.",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 60, 600, 3600, 7200),
)
stripe_events = Counter("pulse_billing_stripe_events_total", "Events of Stripe's.", ["outcome"])
stripe_drifts = Counter(
    "pulse_billing_stripe_drifts_total", "Subscriptions that differ from Stripe's.", ["outcome"]
)
born(stripe_drifts, outcome=["found", "fixed", "unreadable"])

HELD = ("waiting", "unknown_customer", "parked")


class HeldStripeEvents(Collector):
    """Counted in the database, so that the first parked event raises the alert too."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        from billing.models import StripeEvent

        held: dict[str, int] = dict.fromkeys(HELD, 0)
        try:
            counted = StripeEvent.objects.order_by().filter(status__in=held).values_list("status")
            held.update(dict(counted.annotate(count=Count("pk"))))
        except DatabaseError:
            connection.close()
            return
        family = GaugeMetricFamily(
            "pulse_billing_stripe_events_held",
            "Events of Stripe's that have had no effect yet.",
            labels=["status"],
        )
        for status, count in held.items():
            family.add_metric([status], count)
        yield family


scrape_collectors.append(HeldStripeEvents())
