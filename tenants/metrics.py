"""The metrics of tenants. Buckets include each SLO's threshold."""

from collections.abc import Iterator

from django.db import DatabaseError, connection
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pulse.metrics import born, scrape_collectors

signups = Counter("pulse_hosted_signups_total", "Well-formed sign-ups that were accepted.")
signups_refused = Counter("pulse_hosted_signups_refused_total", "Sign-ups that were refused.", ["reason"])
sign_ins = Counter("pulse_sign_ins_total", "Sign-ins by password or passkey, by their end.", ["outcome"])
provisions = Counter("pulse_hosted_provisions_total", "Provisionings by their end.", ["status"])
transitions = Counter(
    "pulse_hosted_lifecycle_transitions_total",
    "Lifecycle transitions.",
    ["from_status", "to_status"],
)
provision_seconds = Histogram(
    "pulse_hosted_provision_seconds",
    "Duration of a provisioning.",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)
transition_seconds = Histogram(
    "pulse_hosted_lifecycle_transition_seconds",
    "Duration of a lifecycle transition.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
born(
    signups_refused,
    reason=[
        "address_rate", "email_rate", "ceiling_rate", "tenant_cap_reached", "invitation_required",
        "email_domain_refused",
    ],
)  # fmt: skip
born(sign_ins, outcome=["success", "failure"])
born(provisions, status=["success", "failure"])
born(transitions, from_status=["active", "pending_deletion"], to_status=["suspended"])


class ActiveTenants(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        from tenants.models import DEFAULT_ORGANIZATION, Organization, Status

        customers = Organization.objects.customers().exclude(id=DEFAULT_ORGANIZATION)
        active = customers.filter(status=Status.ACTIVE)
        try:
            count = active.count()
        except DatabaseError:
            connection.close()
            return
        yield GaugeMetricFamily(
            "pulse_hosted_active_tenants",
            "Organizations in the state active, the default one and those of drills left out.",
            value=count,
        )


scrape_collectors.append(ActiveTenants())
