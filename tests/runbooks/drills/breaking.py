"""The product with one guard broken, so that a test can see the drill of it fail."""

from dataclasses import replace
from typing import Any

from tenants import gate, lifecycle
from tenants.models import Organization, OrganizationQuerySet, Status


def without(step: str):
    """A breaker that takes a step out of the gate."""

    def breaker(settings: Any, monkeypatch: Any) -> None:
        settings.PULSE_GATE = [one for one in settings.PULSE_GATE if one[1] != step]

    return breaker


def enter_any(request: Any) -> None:
    """The gate's third step for whom isolation means nothing."""
    asked = request.META.get("HTTP_X_PULSE_ORG_ID")
    if not asked or not Organization.objects.filter(id=asked).exists():
        gate.choose_organization(request)
        return
    request.admission = gate.Admission(asked, Status.ACTIVE, None, '[[null,0,""]]')
    request.gate.enter_context(gate.context.organization(asked))


def isolation(settings: Any, monkeypatch: Any) -> None:
    settings.PULSE_GATE = [
        (kind, f"{__name__}.enter_any" if step == "tenants.gate.choose_organization" else step)
        for kind, step in settings.PULSE_GATE
    ]


def decisions(settings: Any, monkeypatch: Any) -> None:
    """Whoever asks may do all."""
    monkeypatch.setattr("rbac.api.check_views.shown", lambda decision: {"allowed": True, "decided_by": None})


def conflicts(settings: Any, monkeypatch: Any) -> None:
    twice = frozenset({Status.ACTIVE, Status.SUSPENDED})
    changed = replace(lifecycle.TRANSITIONS["suspend"], sources=twice)
    monkeypatch.setitem(lifecycle.TRANSITIONS, "suspend", changed)


def the_default(settings: Any, monkeypatch: Any) -> None:
    changed = replace(lifecycle.TRANSITIONS["suspend"], spares_default=False)
    monkeypatch.setitem(lifecycle.TRANSITIONS, "suspend", changed)


def retention(settings: Any, monkeypatch: Any) -> None:
    pending = lambda rows, *, now: rows.filter(status=Status.PENDING_DELETION)  # noqa: E731
    monkeypatch.setattr(OrganizationQuerySet, "due_for_purge", pending)


def restores(settings: Any, monkeypatch: Any) -> None:
    """A restore that says it was done."""
    from rbac import backups

    monkeypatch.setattr(
        "rbac.restoring.restore",
        lambda organization_id, name, **rest: backups.of_organization(organization_id)[0],
    )
