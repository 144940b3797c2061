"""The objectives: what is left of each error budget, and the alerts that watch over them."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from pulse.admin.pages import OperatorPage
from runbooks import alerts, slos

# Below a quarter of its budget an objective is about to be missed.
SCARCE = 0.25


class Slos(OperatorPage):
    permission = "runbooks.view_incident"

    def get(self, request: HttpRequest) -> TemplateResponse:
        found = slos.status()
        context = admin.site.each_context(request) | {
            "title": "Objectives",
            "objectives": [_shown(one) for one in found],
            "exhausted": [one.slo.title for one in found if one.is_exhausted],
            "notes": sorted({one.note for one in found} - {""}),
            "alerts": list(_alerts(slos.firing())),
        }
        return TemplateResponse(request, "runbooks/admin/slos.html", context)


def _shown(one: slos.Status) -> dict[str, Any]:
    left = one.budget_left
    return {
        "title": one.slo.title,
        "words": one.slo.words,
        "days": one.slo.days,
        "current": "" if one.current is None else f"{one.current:.3%}",
        "counted": f"{one.bad:.0f} of {one.total:.0f}",
        "left": f"{left:.0%}",
        "bar": round(100 * max(0.0, min(1.0, left))),
        "colour": "danger" if one.is_exhausted else "warning" if left < SCARCE else "success",
    }


def _alerts(firing: frozenset[str] | None) -> Iterator[dict[str, Any]]:
    """Those that fire come first; without a Prometheus nobody knows of any."""
    named = firing or frozenset()
    for alert in sorted(alerts.ALERTS, key=lambda alert: alert.name not in named):
        state = "firing" if alert.name in named else "not known" if firing is None else "quiet"
        yield {"alert": alert, "state": state}
