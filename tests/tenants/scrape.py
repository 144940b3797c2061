"""Metrics as Prometheus would read them."""

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families


def value_of(sample_name: str, **labels: str) -> float:
    """The sample's value on `/metrics`; 0 while it does not appear."""
    page = Client().get("/metrics").content.decode()
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == sample_name and sample.labels == labels:
                return sample.value
    return 0.0
