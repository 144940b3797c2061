"""Every alert by `promtool test rules`: it fires, and it does not just under its threshold, when all is well,
when nothing happens, when nothing is recorded, and because of a restart.

The numbers here are the objectives' own, written down anew: they are not read from what is tested.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain, repeat
from pathlib import Path

import pytest

from runbooks import alerts, playbooks, rules
from tests import needs
from tests.runbooks.promtool import Case, Clock, failing
from tests.runbooks.recorded import Phase, Values, counter, histogram, requests, series

pytestmark = needs.promtool

MINUTE, HOUR, DAY = 60, 3600, 86_400
# Of alerts without a hold only the last instant matters, and half a step beyond the last sample makes
# `increase` extrapolate.
COUNTED = Clock(step=MINUTE, evaluate=HOUR + 30, at=HOUR + 30)
HELD = Clock(step=MINUTE, evaluate=2 * MINUTE, at=30 * MINUTE)
FAST = Clock(step=MINUTE, evaluate=6 * HOUR, at=6 * HOUR)
SLOW = Clock(step=10 * MINUTE, evaluate=3 * DAY, at=3 * DAY)

# The share that may be bad, and what records it.
OBJECTIVES: dict[str, tuple[float, Callable[..., dict[str, Values]]]] = {
    "PulseAdminApi": (0.001, partial(requests, "admin_api")),
    "PulseSignup": (0.005, partial(requests, "signup")),
    "PulseProvisioning": (0.05, partial(histogram, "pulse_hosted_provision_seconds", ("2.0", "5.0"))),
    "PulseBillingPropagation": (
        0.01, partial(histogram, "pulse_billing_propagation_seconds", ("3600.0", "7200.0")),
    ),
    "PulseLifecycle": (
        0.05, partial(histogram, "pulse_hosted_lifecycle_transition_seconds", ("0.5", "2.0")),
    ),
}  # fmt: skip

# Alerts that count within their window: what is counted, how many are too many, how many are not yet.
COUNTS = {
    "PulseSignupSpike": (series("pulse_hosted_signups_total"), 21, 20),
    "PulseSuspensions": (
        series("pulse_hosted_lifecycle_transitions_total", from_status="active", to_status="suspended"), 6, 5,
    ),
    "PulseSignupCeiling": (series("pulse_hosted_signups_refused_total", reason="ceiling_rate"), 1, 0),
    "PulseTenantIsolationRefused": (
        series("pulse_rbac_isolation_refusals_total", kind="no_organization"), 1, 0,
    ),
    "PulseTenantDatabaseUnusable": (
        series("pulse_rbac_unusable_databases_total", code="tenant_database_unavailable"), 1, 0,
    ),
    "PulseTenantIntegrityFailed": (series("pulse_rbac_integrity_checks_total", result="failed"), 1, 0),
    "PulseBackupFailed": (series("pulse_rbac_backups_total", result="failed"), 1, 0),
    "PulseRestoreRehearsalFailed": (series("pulse_rbac_restore_rehearsals_total", result="failed"), 1, 0),
    "PulseStateUnreadable": (series("pulse_gate_refusals_total", code="state_unavailable"), 1, 0),
    "PulseStripeDrift": (series("pulse_billing_stripe_drifts_total", outcome="found"), 1, 0),
}  # fmt: skip

# Alerts on what stands: what is looked at, what is too much, what is not yet, for how many minutes it may be.
LEVELS = {
    "PulseJobsWait": (series("pulse_jobs_oldest_waiting_seconds"), 301, 300, 5),
    "PulseBillingPropagationLate": (series("pulse_jobs_oldest_waiting_seconds"), 7201, 7200, 0),
    "PulseStripeEventParked": (series("pulse_billing_stripe_events_held", status="parked"), 1, 0, 0),
    "PulseStripeEventsWait": (series("pulse_billing_stripe_events_held", status="waiting"), 101, 100, 15),
    "PulseIncidentClockBreached": (series("pulse_incident_clock_breaches", clock="contain"), 1, 0, 0),
    "PulseNotScraped": (series("up", instance="127.0.0.1:8000"), 0, 1, 2),
}
# Errors within an hour, and slowness at the 95th percentile for 15 minutes.
RATIOS = {"PulseAdminApiFailing": ("PulseAdminApi", 0.005), "PulseSignupFailing": ("PulseSignup", 0.01)}
SLOWNESS = {"PulseProvisioningSlow": "PulseProvisioning", "PulseLifecycleSlow": "PulseLifecycle"}


def well(clock: Clock, *, traffic: float = 1000, reset_at: int | None = None) -> dict[str, Values]:
    """All that the alerts look at, while Pulse does well, or nothing at all happens."""
    steps = clock.steps
    recorded: dict[str, Values] = {}
    for _, record in OBJECTIVES.values():
        recorded |= record([Phase(steps, traffic=traffic)], reset_at=reset_at)
    for name, *_ in COUNTS.values():
        recorded[name] = counter(repeat(0, steps), start=7, reset_at=reset_at)
    for name, _, quiet, _ in LEVELS.values():
        recorded[name] = [quiet] * (steps + 1)
    provisions = {"success": traffic, "failure": 0}
    for status, growth in provisions.items():
        recorded[series("pulse_hosted_provisions_total", status=status)] = counter(
            repeat(growth, steps), reset_at=reset_at
        )
    # Not among those that count: a file behind its schema, or busy.
    recorded[series("pulse_rbac_unusable_databases_total", code="tenant_busy")] = counter(repeat(1, steps))
    recorded[series("pulse_billing_stripe_drifts_total", outcome="fixed")] = counter(repeat(1, steps))
    return recorded | {
        series("pulse_hosted_active_tenants"): [50] * (steps + 1),
        series("pulse_jobs_oldest_waiting_seconds"): [3] * (steps + 1),
    }


def case(name: str, firing: int, clock: Clock, recorded: Mapping[str, Values]) -> Case:
    """The alert, named before the colon, is firing once or not at all."""
    alert = name.split(":")[0]
    return Case(name, firing_alerts(alert), firing, clock, recorded, subject=alert)


def firing_alerts(alert: str = "") -> str:
    chosen = f'alertname="{alert}",' if alert else ""
    return f'count(ALERTS{{{chosen}alertstate="firing"}}) or vector(0)'


def burning() -> Iterator[Case]:
    """Each pair of windows alone: spent as fast as it may not, a hundredth slower, and no longer."""
    for slo, (budget, record) in OBJECTIVES.items():
        fast, slow = f"{slo}BurnsFast", f"{slo}BurnsSlowly"
        for share, firing in ((1.01, 1), (0.99, 0)):
            said = "over" if firing else "just under"
            hour = [Phase(300), Phase(60, bad=14.4 * share * budget)]
            yield case(f"{fast}: {said} 14.4 times for 1 h", firing, FAST, record(hour))
            six_hours = [Phase(360, bad=6 * share * budget)]
            yield case(f"{fast}: {said} 6 times for 6 h", firing, FAST, record(six_hours))
            day = [Phase(288, traffic=10_000_000), Phase(144, bad=3 * share * budget)]
            yield case(f"{slow}: {said} 3 times for 1 d", firing, SLOW, record(day))
            three_days = [Phase(432, bad=1 * share * budget)]
            yield case(f"{slow}: {said} 1 time for 3 d", firing, SLOW, record(three_days))
            restarted = record(six_hours, reset_at=350)
            yield case(f"{fast}: {said} 6 times, through a restart", firing, FAST, restarted)
            restarted = record(three_days, reset_at=420)
            yield case(f"{slow}: {said} 1 time, through a restart", firing, SLOW, restarted)
        over = [Phase(300), Phase(55, bad=16 * budget), Phase(5)]
        yield case(f"{fast}: over since 5 minutes", 0, FAST, record(over))
        over = [Phase(288), Phase(108, bad=4.2 * budget), Phase(36)]
        yield case(f"{slow}: over since 6 hours", 0, SLOW, record(over))


def thresholds() -> Iterator[Case]:
    for alert, (slo, limit) in RATIOS.items():
        _, record = OBJECTIVES[slo]
        for share, firing, said in ((1.01, 1, "over"), (0.99, 0, "just under")):
            phases = [Phase(60, bad=limit * share)]
            yield case(f"{alert}: {said}", firing, COUNTED, record(phases))
            restarted = record(phases, reset_at=30)
            yield case(f"{alert}: {said}, through a restart", firing, COUNTED, restarted)
    for alert, slo in SLOWNESS.items():
        _, record = OBJECTIVES[slo]
        for share, firing, said in ((0.051, 1, "over"), (0.049, 0, "just under")):
            # One in ten is over the objective's bound: the percentile lies in the next bucket.
            phases = [Phase(30, bad=0.1, awful=share)]
            yield case(f"{alert}: {said}", firing, HELD, record(phases))
            restarted = record(phases, reset_at=20)
            yield case(f"{alert}: {said}, through a restart", firing, HELD, restarted)
        short = [Phase(16), Phase(14, bad=0.5, awful=0.5)]
        yield case(f"{alert}: for 14 minutes", 0, HELD, record(short))
    _, record = OBJECTIVES["PulseBillingPropagation"]
    alert = "PulseBillingPropagationLate"
    one_late = [Phase(30), Phase(1, bad=1, awful=1, traffic=1), Phase(29)]
    yield case(f"{alert}: one change after two hours", 1, COUNTED, record(one_late))
    restarted = record(one_late, reset_at=45)
    yield case(f"{alert}: one change after two hours, then a restart", 1, COUNTED, restarted)
    in_time = [Phase(30), Phase(1, bad=1, traffic=1), Phase(29)]
    yield case(f"{alert}: one change just within two hours", 0, COUNTED, record(in_time))


def counts() -> Iterator[Case]:
    for alert, (name, over, under) in COUNTS.items():
        for number, firing, said in ((over, 1, "over"), (under, 0, "just under")):
            growth = [*repeat(0, 30), *repeat(number / 25, 25), *repeat(0, 5)]
            yield case(f"{alert}: {said}", firing, COUNTED, {name: counter(growth)})
            restarted = {name: counter(growth, reset_at=50)}
            yield case(f"{alert}: {said}, through a restart", firing, COUNTED, restarted)
    for share, firing, said in ((0.101, 1, "over"), (0.099, 0, "just under")):
        for reset_at, through in ((None, ""), (50, ", through a restart")):
            changed = {
                series("pulse_hosted_provisions_total", status=status): counter(
                    repeat(1000 * part, 60), reset_at=reset_at
                )
                for status, part in (("success", 1 - share), ("failure", share))
            }
            yield case(f"PulseProvisioningFailures: {said}{through}", firing, COUNTED, changed)
    active = series("pulse_hosted_active_tenants")
    for left, firing, said in ((44, 1, "over"), (45, 0, "just under")):
        fallen = {active: [*repeat(50, 40), *repeat(left, 21)]}
        yield case(f"PulseActiveTenantsDropped: {said}", firing, COUNTED, fallen)
        unseen = {active: [*repeat(50, 40), None, None, *repeat(left, 19)]}
        yield case(f"PulseActiveTenantsDropped: {said}, through a restart", firing, COUNTED, unseen)


def levels() -> Iterator[Case]:
    for alert, (name, over, under, minutes) in LEVELS.items():
        steps = HELD.steps + 1
        yield case(f"{alert}: over", 1, HELD, {name: [over] * steps})
        yield case(f"{alert}: just under", 0, HELD, {name: [under] * steps})
        through = [*repeat(over, steps - 20), None, None, *repeat(over, 18)]
        yield case(f"{alert}: over, through a restart", 1, HELD, {name: through})
        if minutes:
            short = [*repeat(under, steps - minutes), *repeat(over, minutes)]
            yield case(f"{alert}: not for long enough", 0, HELD, {name: short})


def nothing_wrong() -> Iterator[Case]:
    """No alert of any name fires; without a single series the one that says so, and no other."""
    for clock, said in ((COUNTED, "an hour"), (HELD, "half an hour"), (FAST, "6 hours"), (SLOW, "3 days")):
        restart = clock.steps - 3
        worlds = {
            "none: all is well": well(clock),
            "none: nothing happens": well(clock, traffic=0),
            "none: a restart": well(clock, reset_at=restart),
            "none: a restart while nothing happens": well(clock, traffic=0, reset_at=restart),
        }
        for name, recorded in worlds.items():
            yield Case(f"{name}, {said}", firing_alerts(), 0, clock, recorded)
        unrelated = {series("some_other_metric"): [1] * (clock.steps + 1)}
        yield Case(f"missing: one alert, {said}", firing_alerts(), 1, clock, unrelated)
        only = firing_alerts("PulseNotScraped")
        yield Case(f"missing: that nothing is scraped, {said}", only, 1, clock, unrelated)


CASES = list(chain(burning(), thresholds(), counts(), levels(), nothing_wrong()))


def test_each_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    assert failing(CASES, rules.document(), tmp_path) == []


@pytest.mark.parametrize("alert", [alert.name for alert in alerts.ALERTS])
def test_every_alert_has_cases_of_firing_of_not_firing_and_of_restarts(alert: str) -> None:
    ours = [case for case in CASES if case.subject == alert]
    assert {case.answer for case in ours} == {0, 1}
    assert [case.name for case in ours if "restart" in case.name]
    assert [case.name for case in ours if "just under" in case.name]


@pytest.mark.parametrize("playbook", ["", *playbooks.everything()])
def test_a_playbook_names_the_alerts_that_open_an_incident_with_it(playbook: str) -> None:
    """All but one have a playbook: an incident about an incident would only start more clocks."""
    ours = {alert.name for alert in alerts.ALERTS if alert.playbook == playbook}
    named = set(playbooks.everything()[playbook].alerts) if playbook else {"PulseIncidentClockBreached"}
    assert ours == named


def test_no_two_cases_have_the_same_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
