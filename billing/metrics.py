"""The metrics of billing. Buckets include the SLO's thresholds, one hour and two."""

from prometheus_client import Histogram

propagation_seconds = Histogram(
    "pulse_billing_propagation_seconds",
    "From the change of a subscription until every process' next request obeys it.",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 60, 600, 3600, 7200),
)
