"""Alertmanager's notifications: what fires opens an incident or adds to one, what is over is written down.

The format is version 4 of https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db import transaction

from pulse.actors import Actor
from runbooks import errors, incidents, playbooks
from runbooks.alerts import ALERTS
from runbooks.incidents import LONGEST_TITLE, Kind, enter
from runbooks.models import Incident, Severity
from runbooks.playbooks import Playbook
from tenants.models import Organization

VERSION = "4"
FIRING, RESOLVED = "firing", "resolved"
# An alert that does not say how bad it is.
DEFAULT_SEVERITY = Severity.P3
# Of ours: what tells that an incident is late is not another one, which would soon be late itself.
OPEN_NONE = frozenset(alert.name for alert in ALERTS if not alert.playbook)
# What is kept of one notification; Alertmanager can be told to send fewer by `max_alerts`.
MOST_ALERTS = 1000
MOST_TOLD = 20
LONGEST_VALUE = 500
# The annotations of an alert that are shown.
SHOWN = ("summary", "description")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a notification, with what was unknown in it put right."""

    name: str
    status: str
    severity: str
    playbook: Playbook
    organization: str
    told: str
    identity: tuple[str, str, str]
    corrections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Received:
    """The numbers of the incidents that the notification was written to."""

    incidents: tuple[int, ...]


def receive(notification: Any, *, actor: Actor) -> Received:
    """Write the notification to its incidents; the same once more changes nothing.

    The alerts of one group that follow different playbooks are different incidents. Raises
    `InvalidNotification`.
    """
    group_key, alerts = _parsed(notification)
    by_playbook: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.name in OPEN_NONE:
            continue
        by_playbook[alert.playbook.id].append(alert)
    numbers = []
    for playbook, group in sorted(by_playbook.items()):
        fingerprint = hashlib.sha256(f"{playbook}\n{group_key}".encode(errors="surrogatepass")).hexdigest()
        incident = _write(fingerprint, group, notification, actor)
        numbers += [incident.pk] if incident else []
    return Received(tuple(numbers))


def _write(
    fingerprint: str, alerts: Sequence[Alert], notification: Mapping[str, Any], actor: Actor
) -> Incident | None:
    firing = [alert for alert in alerts if alert.status == FIRING]
    text = _told(sorted(alerts, key=attrgetter("status")), _number(notification.get("truncatedAlerts")))
    details = {
        "status": FIRING if firing else RESOLVED,
        "notification": _digest(alerts),
        "alerts": sorted({alert.name for alert in alerts})[:MOST_TOLD],
        "corrections": sorted({one for alert in alerts for one in alert.corrections})[:MOST_TOLD],
    }
    if not firing:
        return _write_over(fingerprint, text, details, actor)
    return incidents.open_from_alert(
        fingerprint=fingerprint,
        title=_title(firing),
        playbook=firing[0].playbook,
        severity=min(alert.severity for alert in firing),
        organizations=_organizations(firing),
        text=text,
        details=details,
        actor=actor,
    )


@transaction.atomic
def _write_over(fingerprint: str, text: str, details: dict[str, Any], actor: Actor) -> Incident | None:
    """That the alerts are over: a line of their last incident, which stays as it is."""
    known = Incident.objects.select_for_update().filter(fingerprint=fingerprint).order_by("-pk").first()
    if known is not None and not incidents.was_told(known, details):
        enter(known, Kind.ALERT, text, actor=actor, details=details)
    return known


def _parsed(notification: Any) -> tuple[str, list[Alert]]:
    if not isinstance(notification, dict) or str(notification.get("version")) != VERSION:
        raise errors.InvalidNotification
    group_key, alerts = notification.get("groupKey"), notification.get("alerts")
    if not isinstance(group_key, str) or not group_key or not isinstance(alerts, list) or not alerts:
        raise errors.InvalidNotification
    if len(alerts) > MOST_ALERTS:
        raise errors.InvalidNotification(f"A notification has at most {MOST_ALERTS} alerts.")
    return group_key, [_alert(alert) for alert in alerts]


def _alert(alert: Any) -> Alert:
    if not isinstance(alert, dict) or alert.get("status") not in (FIRING, RESOLVED):
        raise errors.InvalidNotification
    labels, annotations = _texts(alert.get("labels")), _texts(alert.get("annotations"))
    corrections = []
    if (severity := labels.get("severity", "")) not in Severity.values:
        corrections.append(f"The severity {severity or 'that is missing'} is unknown: {DEFAULT_SEVERITY}.")
        severity = DEFAULT_SEVERITY
    playbook = playbooks.everything().get(labels.get("playbook", ""))
    if playbook is None:
        wanted = labels.get("playbook") or "that is missing"
        playbook = playbooks.of_severity(severity)
        corrections.append(f"The playbook {wanted} is unknown: {playbook.id}.")
    name = labels.get("alertname", "alert")
    return Alert(
        name=name,
        status=alert["status"],
        severity=severity,
        playbook=playbook,
        organization=labels.get("organization", ""),
        told=": ".join(filter(None, (name, *(annotations.get(key, "") for key in SHOWN)))),
        identity=(
            str(alert.get("fingerprint") or json.dumps(labels, sort_keys=True)),
            alert["status"],
            str(alert.get("startsAt", "")),
        ),
        corrections=tuple(corrections),
    )


def _texts(found: Any) -> dict[str, str]:
    """Labels or annotations, each cut to what is kept, without what no line of text has."""
    if not isinstance(found, dict):
        raise errors.InvalidNotification
    return {str(name): _line(str(value)) for name, value in found.items()}


def _line(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text[:LONGEST_VALUE]).strip()


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _digest(alerts: Sequence[Alert]) -> str:
    """By which a notification that was sent again is known: which alerts, in which state, since when."""
    identities = sorted(alert.identity for alert in alerts)
    return hashlib.sha256(json.dumps(identities).encode()).hexdigest()


def _title(firing: Sequence[Alert]) -> str:
    """What the first alert says, and how many others there are."""
    others = f" (and {len(firing) - 1} more)" if len(firing) > 1 else ""
    return firing[0].told[: LONGEST_TITLE - len(others)] + others


def _told(alerts: Sequence[Alert], truncated: int) -> str:
    lines = [f"{alert.status}: {alert.told}" for alert in alerts[:MOST_TOLD]]
    left_out = len(alerts) - len(lines) + truncated
    return "\n".join([*lines, f"and {left_out} more"] if left_out else lines)


def _organizations(firing: Sequence[Alert]) -> list[str]:
    named = {alert.organization for alert in firing if alert.organization}
    living = Organization.objects.living().filter(id__in=named)
    return sorted(living.values_list("id", flat=True))
