"""The service's objectives as data, and how much of each error budget is left.

Rules, alerts and the dashboard are made from the table too (`runbooks.rules`, `runbooks.dashboard`).
"""

from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings

from pulse.metrics import kept_registry
from runbooks import prometheus
from runbooks.indicators import Answered, Faster

log = structlog.get_logger(__name__)

# 1 bad of 1000 leaves nothing of a budget of 0.1 %, whatever the floating point says.
ROUNDING = 1e-9
PROMETHEUS = "prometheus"
NOT_SCRAPED = "Prometheus has no counts for some objectives: is the job named pulse?"


@dataclass(frozen=True, slots=True)
class Slo:
    """Which share of what the indicator counts must be good, over how many days.

    `severity` and `playbook` are of the incident that a breach opens.
    """

    id: str
    title: str
    indicator: Answered | Faster
    objective: float
    days: int
    severity: str
    playbook: str

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return 1 - self.objective

    @property
    def window(self) -> str:
        return f"{self.days}d"

    @property
    def words(self) -> str:
        return f"{self.objective * 100:g} % {self.indicator.words}"


SLOS = (
    Slo(
        id="admin_api",
        title="Admin API",
        indicator=Answered("admin_api"),
        objective=0.999,
        days=7,
        severity="P2",
        playbook="p2-billing-inconsistency",
    ),
    Slo(
        id="signup",
        title="Sign-up",
        indicator=Answered("signup"),
        objective=0.995,
        days=7,
        severity="P3",
        playbook="p3-provisioning-failures",
    ),
    Slo(
        id="provisioning",
        title="Provisioning",
        indicator=Faster("pulse_hosted_provision_seconds", 2),
        objective=0.95,
        days=1,
        severity="P3",
        playbook="p3-provisioning-failures",
    ),
    Slo(
        id="billing_propagation",
        title="Billing propagation",
        indicator=Faster("pulse_billing_propagation_seconds", 3600),
        # Of all there would be no budget, and nothing that could burn.
        objective=0.99,
        days=7,
        severity="P2",
        playbook="p2-billing-inconsistency",
    ),
    Slo(
        id="lifecycle",
        title="Lifecycle",
        indicator=Faster("pulse_hosted_lifecycle_transition_seconds", 0.5),
        objective=0.95,
        days=1,
        severity="P3",
        playbook="p3-provisioning-failures",
    ),
)


@dataclass(frozen=True, slots=True)
class Status:
    """How an objective stands: what was bad of all, and who counted it. Of nothing, nothing was bad."""

    slo: Slo
    bad: float
    total: float
    source: str
    note: str = ""

    @property
    def current(self) -> float | None:
        """The share that was good; None when there was nothing."""
        return 1 - self.bad / self.total if self.total else None

    @property
    def budget_left(self) -> float:
        """1 is the whole budget, 0 none, below 0 overspent."""
        return 1 - self.bad / (self.total * self.slo.budget) if self.total else 1.0

    @property
    def is_exhausted(self) -> bool:
        return self.budget_left < ROUNDING

    def as_json(self) -> dict[str, Any]:
        return {
            "slo": self.slo.id,
            "objective": self.slo.words,
            "window_days": self.slo.days,
            "counted": round(self.total),
            "bad": round(self.bad),
            "current": self.current,
            "budget_left": round(self.budget_left, 4),
            "exhausted": self.is_exhausted,
            "source": self.source,
            "note": self.note,
        }


def status() -> list[Status]:
    """Each objective over its window by Prometheus, else since their start by Pulse's own processes."""
    if not settings.PULSE_PROMETHEUS_URL:
        return _by_own_counts("PULSE_PROMETHEUS_URL is not set")
    try:
        return _by_prometheus()
    except prometheus.Unreachable as error:
        log.warning("prometheus cannot be asked", error=str(error))
        return _by_own_counts(str(error))


def firing() -> frozenset[str] | None:
    """The names of the alerts that fire; None where no Prometheus says so."""
    if not settings.PULSE_PROMETHEUS_URL:
        return None
    try:
        found = prometheus.query('ALERTS{alertstate="firing"}')
    except prometheus.Unreachable:
        return None
    return frozenset(labels.get("alertname", "") for labels, _ in found)


def _by_prometheus() -> list[Status]:
    parts = {
        (slo.id, part): ask(slo.window)
        for slo in SLOS
        for part, ask in (("bad", slo.indicator.bad), ("total", slo.indicator.total))
    }
    # One question, so that a page does not wait for ten.
    named = (
        f'label_replace(label_replace({expression}, "slo", "{slo}", "", ""), "part", "{part}", "", "")'
        for (slo, part), expression in parts.items()
    )
    found = {
        (labels.get("slo"), labels.get("part")): value
        for labels, value in prometheus.query(" or ".join(named))
    }
    return [_scraped(slo, found) for slo in SLOS]


def _scraped(slo: Slo, found: dict[tuple[str | None, str | None], float]) -> Status:
    if (slo.id, "total") not in found:
        return Status(slo, 0, 0, PROMETHEUS, NOT_SCRAPED)
    return Status(slo, max(0.0, found.get((slo.id, "bad"), 0)), found[slo.id, "total"], PROMETHEUS)


def _by_own_counts(why: str) -> list[Status]:
    folder = settings.PULSE_DATA_DIR / "metrics"
    kept = kept_registry(served_from=folder if folder.is_dir() else None)
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in kept.collect()
        for sample in family.samples
    }
    note = f"Counted by Pulse's own processes since their start, not over the window: {why}."

    def counts(name: str, labels: dict[str, str]) -> float:
        return samples.get((name, tuple(sorted(labels.items()))), 0)

    return [Status(slo, *slo.indicator.counted(counts), "own counts", note) for slo in SLOS]
