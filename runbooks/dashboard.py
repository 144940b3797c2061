"""Grafana's dashboard as JSON, made from the objectives and a table of panels."""

import json
from dataclasses import dataclass
from typing import Any

from runbooks.indicators import increase, selector
from runbooks.slos import SLOS

Json = dict[str, Any]

COLUMNS, HEIGHT = 24, 8
# Chosen on the dashboard, so that it can be imported into any Grafana.
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries` maps a legend, in Grafana's braces for labels, to an expression."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    description: str = ""


def _rate(metric: str, by: str = "", **labels: str) -> str:
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({selector(metric, **labels)}[5m]))"


def _p95(metric: str, **labels: str) -> str:
    return f"histogram_quantile(0.95, {_rate(f'{metric}_bucket', 'le', **labels)})"


def _increase(metric: str, by: str, window: str = "1h") -> str:
    return f"sum by ({by}) (increase({selector(metric)}[{window}]))"


ROWS = {
    "Objectives": (
        Panel(
            "Error budget left",
            {"{{slo}}": "slo:error_budget_left:ratio"},
            unit="percentunit",
            kind="bargauge",
            width=12,
            description="Over each objective's window. Below 0 the objective is missed.",
        ),
        Panel(
            "Share of bad events, over the objective's window",
            {slo.title: f'slo:sli_error:ratio_rate{slo.window}{{slo="{slo.id}"}}' for slo in SLOS},
            unit="percentunit",
            width=12,
        ),
        Panel(
            "How fast budgets burn (1 spends a budget in exactly 30 days)",
            {slo.title: f'slo:sli_error:ratio_rate1h{{slo="{slo.id}"}} / {slo.budget:.6g}' for slo in SLOS},
            width=12,
            description="Over the last hour; above 14.4 it pages.",
        ),
        Panel(
            "Alerts",
            {
                "{{alertname}} {{severity}}": (
                    'count by (alertname, severity) (ALERTS{alertstate="firing"}) or vector(0)'
                )
            },
            width=12,
        ),
    ),
    "Traffic": (
        Panel("Requests", {"{{area}}": _rate("pulse_http_requests_total", "area")}, unit="reqps"),
        Panel(
            "Requests that failed",
            {"{{area}}": _rate("pulse_http_requests_total", "area", outcome="failed")},
            unit="reqps",
        ),
        Panel("Refused by the gate", {"{{code}}": _rate("pulse_gate_refusals_total", "code")}, unit="reqps"),
        Panel(
            "Time to answer, 95th percentile",
            {"all": _p95("django_http_requests_latency_including_middlewares_seconds")},
            unit="s",
        ),
    ),
    "Tenants": (
        Panel("Active tenants", {"active": f"max({selector('pulse_hosted_active_tenants')})"}),
        Panel("Sign-ups within an hour", {"sign-ups": increase("pulse_hosted_signups_total", "1h")}),
        Panel(
            "Provisionings within an hour",
            {"{{status}}": _increase("pulse_hosted_provisions_total", "status")},
        ),
        Panel(
            "Lifecycle transitions within an hour",
            {
                "{{from_status}} → {{to_status}}": _increase(
                    "pulse_hosted_lifecycle_transitions_total", "from_status, to_status"
                )
            },
        ),
        Panel(
            "Provisioning and lifecycle, 95th percentile",
            {
                "provisioning": _p95("pulse_hosted_provision_seconds"),
                "lifecycle": _p95("pulse_hosted_lifecycle_transition_seconds"),
            },
            unit="s",
        ),
    ),
    "Billing": (
        Panel(
            "Propagation, 95th percentile",
            {"propagation": _p95("pulse_billing_propagation_seconds")},
            unit="s",
        ),
        Panel(
            "Stripe's events that have had no effect yet",
            {"{{status}}": f"max by (status) ({selector('pulse_billing_stripe_events_held')})"},
        ),
        Panel(
            "Age of the oldest waiting job",
            {"age": f"max({selector('pulse_jobs_oldest_waiting_seconds')})"},
            unit="s",
        ),
    ),
    "Tenants' databases": (
        Panel("Open", {"open": f"sum({selector('pulse_rbac_open_databases')})"}),
        Panel(
            "Changes of roles within an hour",
            {"{{action}}": _increase("pulse_rbac_role_mutations_total", "action")},
        ),
        Panel(
            "Checks that were answered with no",
            {"denied": _rate("pulse_rbac_access_denials_total")},
            unit="reqps",
        ),
        Panel(
            "Integrity checks within a day",
            {"{{result}}": _increase("pulse_rbac_integrity_checks_total", "result", "1d")},
        ),
    ),
}


def document() -> str:
    return json.dumps(dashboard(), indent=2) + "\n"


def dashboard() -> Json:
    panels: list[Json] = []
    down = 0
    for title, row in ROWS.items():
        panels.append(_heading(title, down, len(panels) + 1))
        down += 1
        across = 0
        for panel in row:
            if across + panel.width > COLUMNS:
                across, down = 0, down + HEIGHT
            panels.append(_drawn(panel, across, down, len(panels) + 1))
            across += panel.width
        down += HEIGHT
    return {
        "uid": "pulse-operations",
        "title": "Pulse",
        "tags": ["pulse"],
        "timezone": "utc",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": panels,
    }


def _heading(title: str, down: int, number: int) -> Json:
    place = {"x": 0, "y": down, "w": COLUMNS, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _drawn(panel: Panel, across: int, down: int, number: int) -> Json:
    targets = [
        {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": expression, "legendFormat": legend}
        for index, (legend, expression) in enumerate(panel.queries.items())
    ]
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": {"x": across, "y": down, "w": panel.width, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": targets,
    }
