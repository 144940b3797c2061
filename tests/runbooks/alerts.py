"""Notifications as Alertmanager sends them (version 4), and a caller that may send them."""

from typing import Any

from django.test import Client

from tests.api import Caller
from tests.factories import operator_token

WEBHOOK = "/api/webhooks/alertmanager"
GROUP = '{}:{alertname="PulseSignupSpike"}'


def alertmanager() -> Caller:
    return Caller(Client(), operator_token("operator", scopes=["alerts"]))


def alert(name: str = "PulseSignupSpike", status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "P4", "playbook": "p4-signup-abuse"} | labels,
        "annotations": {"summary": "More than 20 sign-ups within an hour", "description": "There were 31."},
        "startsAt": "2026-11-25T12:00:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": f"{name} {sorted(labels.items())}",
    }


def notification(*alerts: dict[str, Any], group: str = GROUP, **changes: Any) -> dict[str, Any]:
    alerts = alerts or (alert(),)
    firing = any(one["status"] == "firing" for one in alerts)
    return {
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "pulse",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": list(alerts),
    } | changes
