"""How many organizations there are of each status, now and on each day."""

from datetime import date, timedelta

from django.db.models import Count
from django.utils import timezone

from tenants.models import DailyCount, Organization, OrganizationQuerySet, Status

KEPT_FOR = timedelta(days=400)


def by_status() -> dict[str, int]:
    """Customers alone: all of an index, less the few that drills have made."""
    counted = _grouped(Organization.objects.all())
    synthetic = _grouped(Organization.objects.synthetic())
    return {status.value: counted.get(status, 0) - synthetic.get(status, 0) for status in Status}


def keep(*, today: date | None = None) -> int:
    """Keep today's counts, if nobody has yet, and drop those of long ago; how many were kept."""
    today = today or timezone.now().date()
    DailyCount.objects.filter(day__lt=today - KEPT_FOR).delete()
    if DailyCount.objects.filter(day=today).exists():
        return 0
    rows = [DailyCount(day=today, status=status, count=count) for status, count in by_status().items()]
    return len(DailyCount.objects.bulk_create(rows, ignore_conflicts=True))


def on(day: date) -> dict[str, int]:
    """As they were at the start of the day, UTC; empty when nobody counted then."""
    return dict(DailyCount.objects.filter(day=day).values_list("status", "count"))


def _grouped(organizations: OrganizationQuerySet) -> dict[str, int]:
    return dict(organizations.order_by().values_list("status").annotate(Count("pk")))
