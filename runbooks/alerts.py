"""The alerts as data. Alertmanager's webhook opens an incident by an alert's playbook and severity.

`increase` extrapolates to the ends of its window, so five may come out as 5.1: counts are rounded before
they are compared. Where something is divided by nothing, the expression has no sample.
"""

from dataclasses import dataclass

from runbooks.indicators import increase, selector
from runbooks.slos import SLOS, Slo

LEAK = "p1-cross-tenant-leak"
BILLING = "p2-billing-inconsistency"
PROVISIONING = "p3-provisioning-failures"
ABUSE = "p4-signup-abuse"

PAGE, TICKET = "page", "ticket"
BUDGET_DAYS = 30
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(window: str) -> int:
    """Of a duration of Prometheus' with one unit, such as 30m."""
    return int(window[:-1]) * SECONDS[window[-1]]


@dataclass(frozen=True, slots=True)
class Alert:
    """`hold` is for how long it must be so; without a playbook it opens no incident."""

    name: str
    expression: str
    severity: str
    playbook: str
    summary: str
    description: str
    hold: str = ""
    notify: str = PAGE


@dataclass(frozen=True, slots=True)
class Burn:
    """A share of the 30-day budget that is spent within `long`, and still is within `short`."""

    share: float
    long: str
    short: str

    @property
    def rate(self) -> float:
        """How many times as fast as would spend the budget in exactly 30 days."""
        return self.share * BUDGET_DAYS * SECONDS["d"] / seconds(self.long)

    def expression(self, slo: Slo) -> str:
        limit = f"{self.rate * slo.budget:.6g}"
        return f"({error_ratio(slo, self.long)} > {limit} and {error_ratio(slo, self.short)} > {limit})"


# https://sre.google/workbook/alerting-on-slos/, the sixth approach.
FAST = (Burn(0.02, "1h", "5m"), Burn(0.05, "6h", "30m"))
SLOW = (Burn(0.10, "1d", "2h"), Burn(0.10, "3d", "6h"))
WINDOWS = sorted(
    {window for burn in (*FAST, *SLOW) for window in (burn.long, burn.short)} | {slo.window for slo in SLOS},
    key=seconds,
)


def error_ratio(slo: Slo, window: str) -> str:
    """The series that `runbooks.rules` records; its name is that of Sloth's, whose dashboards show it too."""
    return f'slo:sli_error:ratio_rate{window}{{slo="{slo.id}"}}'


def p95(slo_id: str) -> str:
    return f'slo:latency_p95:seconds_rate5m{{slo="{slo_id}"}}'


def burning(slo: Slo) -> tuple[Alert, Alert]:
    """The page and the ticket of an objective. The ticket is one severity lower: it has time."""
    name = "Pulse" + "".join(word.capitalize() for word in slo.id.split("_"))
    description = (
        f"The objective is {slo.words} over {slo.window}; {{{{ $value | humanizePercentage }}}} is bad."
    )
    lower = f"P{int(slo.severity[1]) + 1}"
    return (
        Alert(
            name=f"{name}BurnsFast",
            expression=" or ".join(burn.expression(slo) for burn in FAST),
            severity=slo.severity,
            playbook=slo.playbook,
            summary=f"{slo.title} spends its error budget fast",
            description=description,
        ),
        Alert(
            name=f"{name}BurnsSlowly",
            expression=" or ".join(burn.expression(slo) for burn in SLOW),
            severity=lower,
            playbook=slo.playbook,
            summary=f"{slo.title} spends its error budget before its time",
            description=description,
            notify=TICKET,
        ),
    )


ADMIN_API, SIGNUP, *_ = SLOS

THRESHOLDS = (
    Alert(
        name="PulseAdminApiFailing",
        expression=f"{error_ratio(ADMIN_API, '1h')} > 0.005",
        severity="P2",
        playbook=BILLING,
        summary="Fewer than 99.5 % of the admin API's requests are answered",
        description="{{ $value | humanizePercentage }} failed within an hour.",
    ),
    Alert(
        name="PulseSignupFailing",
        expression=f"{error_ratio(SIGNUP, '1h')} > 0.01",
        severity="P3",
        playbook=PROVISIONING,
        summary="Fewer than 99 % of sign-ups are answered",
        description="{{ $value | humanizePercentage }} failed within an hour.",
    ),
    Alert(
        name="PulseProvisioningSlow",
        expression=f"{p95('provisioning')} > 5",
        hold="15m",
        severity="P3",
        playbook=PROVISIONING,
        summary="Provisioning takes more than 5 s for one in twenty",
        description="The 95th percentile is {{ $value | humanizeDuration }}.",
    ),
    Alert(
        name="PulseLifecycleSlow",
        expression=f"{p95('lifecycle')} > 2",
        hold="15m",
        severity="P3",
        playbook=PROVISIONING,
        summary="Lifecycle transitions take more than 2 s for one in twenty",
        description="The 95th percentile is {{ $value | humanizeDuration }}.",
    ),
    # What is measured late, or cannot be measured yet because the queue is that long.
    Alert(
        name="PulseBillingPropagationLate",
        expression=(
            f"({increase('pulse_billing_propagation_seconds_count', '1h')}"
            f" - {increase('pulse_billing_propagation_seconds_bucket', '1h', le='7200.0')}) > 0.5"
            f" or max({selector('pulse_jobs_oldest_waiting_seconds')}) > 7200"
        ),
        severity="P2",
        playbook=BILLING,
        summary="A change of billing took more than two hours to be obeyed",
        description="The worker's queue is that long, or the gate does not obey the change.",
    ),
)

BETA = (
    # Four addresses at their limit of five an hour.
    Alert(
        name="PulseSignupSpike",
        expression=f"round({increase('pulse_hosted_signups_total', '1h')}) > 20",
        severity="P4",
        playbook=ABUSE,
        summary="More than 20 sign-ups within an hour",
        description="There were {{ $value | humanize }}.",
        notify=TICKET,
    ),
    Alert(
        name="PulseSignupCeiling",
        expression=f"{increase('pulse_hosted_signups_refused_total', '1h', reason='ceiling_rate')} > 0",
        severity="P4",
        playbook=ABUSE,
        summary="Sign-ups are refused, because all together are too many",
        description="PULSE_SIGNUP_CEILING is reached: those who mean it are refused too.",
    ),
    Alert(
        name="PulseProvisioningFailures",
        expression=(
            f"{increase('pulse_hosted_provisions_total', '15m', status='failure')}"
            f" / ({increase('pulse_hosted_provisions_total', '15m')} > 0) > 0.1"
        ),
        severity="P3",
        playbook=PROVISIONING,
        summary="More than a tenth of provisionings fail",
        description="{{ $value | humanizePercentage }} failed within 15 minutes.",
    ),
    Alert(
        name="PulseActiveTenantsDropped",
        expression=(
            f"max(max_over_time({selector('pulse_hosted_active_tenants')}[1h]))"
            f" - max({selector('pulse_hosted_active_tenants')}) > 5"
        ),
        severity="P2",
        playbook=BILLING,
        summary="More than 5 tenants are active no longer, within an hour",
        description="{{ $value | humanize }} fewer than at the hour's highest.",
    ),
    Alert(
        name="PulseSuspensions",
        expression=(
            f"round({increase('pulse_hosted_lifecycle_transitions_total', '1h', to_status='suspended')}) > 5"
        ),
        severity="P2",
        playbook=BILLING,
        summary="More than 5 suspensions within an hour",
        description="There were {{ $value | humanize }}.",
    ),
)


def any_of(metric: str, window: str = "15m", **labels: str) -> str:
    return f"{increase(metric, window, **labels)} > 0"


CARE = (
    Alert(
        name="PulseNotScraped",
        expression=f"absent({selector('up')} == 1)",
        hold="2m",
        severity="P2",
        playbook=PROVISIONING,
        summary="Prometheus cannot read Pulse's metrics",
        description="Pulse is down, or no job named pulse scrapes it: no other alert can fire.",
    ),
    Alert(
        name="PulseTenantIsolationRefused",
        expression=any_of("pulse_rbac_isolation_refusals_total"),
        severity="P1",
        playbook=LEAK,
        summary="Code reached for a tenant's data from outside that tenant",
        description="It was refused, and the log has its traceback. What else does that code reach?",
    ),
    Alert(
        name="PulseTenantDatabaseUnusable",
        expression=any_of("pulse_rbac_unusable_databases_total", code="tenant_database_unavailable"),
        severity="P3",
        playbook=PROVISIONING,
        summary="A tenant's database cannot be used",
        description="The log line 'tenant database unusable' names it.",
    ),
    Alert(
        name="PulseTenantIntegrityFailed",
        expression=any_of("pulse_rbac_integrity_checks_total", "1h", result="failed"),
        severity="P3",
        playbook=PROVISIONING,
        summary="A tenant's database failed its integrity check",
        description="manage.py verify_tenants names it and says why.",
    ),
    Alert(
        name="PulseBackupFailed",
        expression=any_of("pulse_rbac_backups_total", "1h", result="failed"),
        severity="P3",
        playbook=PROVISIONING,
        summary="A tenant's database could not be backed up",
        description="The log says which, and why.",
        notify=TICKET,
    ),
    Alert(
        name="PulseRestoreRehearsalFailed",
        expression=any_of("pulse_rbac_restore_rehearsals_total", "1h", result="failed"),
        severity="P3",
        playbook=PROVISIONING,
        summary="A rehearsed restore failed",
        description="Backups that cannot be restored are none. The audit log has the rehearsal.",
        notify=TICKET,
    ),
    Alert(
        name="PulseStateUnreadable",
        expression=any_of("pulse_gate_refusals_total", code="state_unavailable|unavailable"),
        severity="P2",
        playbook=PROVISIONING,
        summary="The gate could not read the control database",
        description="Its requests were answered 503, never let through.",
    ),
    Alert(
        name="PulseJobsWait",
        expression=f"max({selector('pulse_jobs_oldest_waiting_seconds')}) > 300",
        hold="5m",
        severity="P3",
        playbook=PROVISIONING,
        summary="Jobs wait for more than 5 minutes",
        description="No worker runs, or too few: the oldest has waited {{ $value | humanizeDuration }}.",
    ),
    Alert(
        name="PulseStripeEventParked",
        expression=f"max({selector('pulse_billing_stripe_events_held', status='parked')}) > 0",
        severity="P2",
        playbook=BILLING,
        summary="An event of Stripe's failed for good",
        description="manage.py billing events has the error; its organization keeps the state it had.",
    ),
    Alert(
        name="PulseStripeEventsWait",
        expression=f"max({selector('pulse_billing_stripe_events_held', status='waiting')}) > 100",
        hold="15m",
        severity="P2",
        playbook=BILLING,
        summary="More than 100 events of Stripe's wait",
        description="Events come faster than they are processed, or no worker runs.",
    ),
    Alert(
        name="PulseStripeDrift",
        expression=any_of("pulse_billing_stripe_drifts_total", "1h", outcome="found|unreadable"),
        severity="P2",
        playbook=BILLING,
        summary="Stripe and Pulse differ",
        description="manage.py billing reconcile prints the differences.",
        notify=TICKET,
    ),
    # The incident is open already, and one about it would only start more clocks.
    Alert(
        name="PulseIncidentClockBreached",
        expression=f"max by (clock) ({selector('pulse_incident_clock_breaches')}) > 0",
        severity="P2",
        playbook="",
        summary="An incident is past one of its times",
        description="To {{ $labels.clock }} it. The incidents page shows all {{ $value | humanize }}.",
    ),
)

ALERTS = (*(alert for slo in SLOS for alert in burning(slo)), *THRESHOLDS, *BETA, *CARE)
