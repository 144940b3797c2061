"""What the first page tells of tenants: how many of each state, who is new, what could not be made."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from django.db.models import Count, TextField
from django.db.models.functions import Cast, Substr
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from pulse.admin import home
from pulse.admin.home import Chart, Concern, Figure, Harm, Panel, Part
from pulse.models import AuditEvent
from tenants import counting
from tenants.models import Organization, Status
from tenants.provisioning import FAILED

DAYS_CHARTED = 30


def part(request: HttpRequest) -> Part:
    if not request.user.has_perm("tenants.view_organization"):
        return Part()
    organizations = reverse("admin:tenants_organization_changelist")
    states = Panel("Tenants", "apartment", tuple(_states(organizations)))
    arrivals = Panel("Arrivals", "person_add", tuple(_arrivals(organizations)))
    return Part((states, arrivals), tuple(_concerns(organizations)), (_chart(),))


def _states(organizations: str) -> Iterable[Figure]:
    today = timezone.now().date()
    now, then = counting.by_status(), (counting.on(today), counting.on(today - timedelta(days=6)))
    for status in Status:
        note = _change(now[status], *(counts.get(status) for counts in then))
        yield Figure(str(status.label), now[status], f"{organizations}?status={status}", note)


def _change(now: int, yesterday: int | None, last_week: int | None) -> str:
    """Such as `+3 since yesterday, -1 in a week`; nothing of what nobody counted or did not change."""
    changes = ((yesterday, "since yesterday"), (last_week, "in a week"))
    told = [f"{now - then:+,} {words}" for then, words in changes if then is not None and now != then]
    return ", ".join(told)


def _arrivals(organizations: str) -> Iterable[Figure]:
    now = timezone.now()
    events = reverse("admin:pulse_auditevent_changelist")
    for words, span in (("24 h", timedelta(days=1)), ("30 days", timedelta(days=30))):
        since = now - span
        made = Organization.objects.customers().filter(created_at__gte=since).order_by().count()
        yield Figure(f"New in {words}", made, organizations)
        failed = home.bounded_count(AuditEvent.objects.filter(verb=FAILED, at__gte=since))
        yield Figure(f"Failed in {words}", failed, f"{events}?verb={FAILED}", is_bounded=True)


def _concerns(organizations: str) -> Iterable[Concern]:
    now = timezone.now()
    overdue = home.bounded_count(Organization.objects.due_for_purge(now=now - timedelta(days=2)))
    if overdue:
        waits = home.in_words(overdue, "organization is", "organizations are")
        yield Concern(
            Harm.DATA,
            f"{waits} two days past the retention and not purged",
            f"{organizations}?status={Status.PENDING_DELETION}",
            "See them",
        )
    hour = AuditEvent.objects.filter(verb=FAILED, at__gte=now - timedelta(hours=1))
    if failed := home.bounded_count(hour):
        events = reverse("admin:pulse_auditevent_changelist")
        text = f"{home.in_words(failed, 'provisioning', 'provisionings')} failed in the last hour"
        yield Concern(Harm.SERVICE, text, f"{events}?verb={FAILED}", "See why")


def _chart() -> Chart:
    """New organizations on each of the last days, UTC: a range of an index.

    The day is the beginning of the instant as text: SQLite would call Python for the date of each row.
    """
    first = timezone.now().date() - timedelta(days=DAYS_CHARTED - 1)
    grouped = (
        Organization.objects.customers()
        .filter(created_at__gte=datetime.combine(first, time.min, tzinfo=UTC))
        .order_by()
        .values_list(Substr(Cast("created_at", TextField()), 1, 10))
        .annotate(Count("pk"))
    )
    counted: dict[str, int] = dict(grouped)
    days = [first + timedelta(days=number) for number in range(DAYS_CHARTED)]
    bars = {
        "labels": [day.strftime("%-d %b") for day in days],
        "datasets": [{"label": "New organizations", "data": [counted.get(str(day), 0) for day in days]}],
    }
    return Chart(f"New organizations, last {DAYS_CHARTED} days", json.dumps(bars))


home.sources.append(part)
