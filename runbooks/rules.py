"""Prometheus' rules, made from the objectives and the alerts: what is recorded, and what fires."""

import re
from typing import Any

import yaml

from runbooks import alerts
from runbooks.alerts import Alert
from runbooks.indicators import Faster, selector
from runbooks.slos import SLOS, Slo

Rule = dict[str, Any]

HEADER = """\
# Made by `manage.py slo rules`; changes belong into runbooks/slos.py and runbooks/alerts.py.
# They expect a job named pulse that scrapes /metrics.
"""
RANGE = re.compile(r"\[(\d+[smhd])\]")


def document(*, speedup: int = 1) -> str:
    """The rules as YAML."""
    return HEADER + yaml.safe_dump(listed(speedup=speedup), sort_keys=False, width=110)


def listed(*, speedup: int = 1) -> dict[str, Any]:
    """The rules in groups. Windows and holds are divided by `speedup`, to rehearse days in minutes."""
    groups = {
        "pulse-objectives": [rule for slo in SLOS for rule in recordings(slo)],
        "pulse-alerts": [firing(alert) for alert in alerts.ALERTS],
    }
    if speedup > 1:
        groups = {name: [hastened(rule, speedup) for rule in rules] for name, rules in groups.items()}
    return {"groups": [{"name": name, "rules": rules} for name, rules in groups.items()]}


def recordings(slo: Slo) -> list[Rule]:
    """The error ratio over each window, what is left of the budget, and a latency's 95th percentile."""
    expressions = {f"slo:sli_error:ratio_rate{window}": error_ratio(slo, window) for window in alerts.WINDOWS}
    left = f"1 - {alerts.error_ratio(slo, slo.window)} / {slo.budget:.6g}"
    expressions["slo:error_budget_left:ratio"] = left
    if isinstance(slo.indicator, Faster):
        buckets = selector(f"{slo.indicator.histogram}_bucket")
        # Of nothing there is no percentile, and `>= 0` drops the NaN.
        quantile = f"histogram_quantile(0.95, sum by (le) (rate({buckets}[5m]))) >= 0"
        expressions["slo:latency_p95:seconds_rate5m"] = quantile
    return [
        {"record": name, "expr": expression, "labels": {"slo": slo.id}}
        for name, expression in expressions.items()
    ]


def error_ratio(slo: Slo, window: str) -> str:
    """0 where there was nothing, and no sample where there is no metric: never NaN."""
    bad, total = slo.indicator.bad(window), slo.indicator.total(window)
    return f"{bad} / ({total} > 0) or 0 * {total}"


def firing(alert: Alert) -> Rule:
    labels = {"severity": alert.severity, "notify": alert.notify}
    return {
        "alert": alert.name,
        "expr": alert.expression,
        **({"for": alert.hold} if alert.hold else {}),
        "labels": labels | ({"playbook": alert.playbook} if alert.playbook else {}),
        "annotations": {"summary": alert.summary, "description": alert.description},
    }


def hastened(rule: Rule, speedup: int) -> Rule:
    faster = {"expr": RANGE.sub(lambda found: f"[{_divided(found[1], speedup)}]", rule["expr"])}
    if "for" in rule:
        faster["for"] = _divided(rule["for"], speedup)
    return rule | faster


def _divided(window: str, speedup: int) -> str:
    return f"{alerts.seconds(window) * 1000 // speedup}ms"
