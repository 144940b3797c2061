"""The metrics of billing. Buckets include the SLO's thresholds, one hour and two."""

from prometheus_client import Counter, Histogram

propagation_seconds = Histogram(
    "pulse_billing_propagation_seconds",
    "From the change of a subscription until another process obeys it.",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 60, 600, 3600, 7200),
)
stripe_events = Counter("pulse_billing_stripe_events_total", "Events of Stripe's.", ["outcome"])
stripe_drifts = Counter(
    "pulse_billing_stripe_drifts_total", "Subscriptions that differ from Stripe's.", ["outcome"]
)
