"""What the first page tells of tenants' databases: behind on schema, damaged, without a fresh backup."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from pulse.admin import home
from pulse.admin.home import Concern, Figure, Harm, Panel, Part
from rbac import fleet
from tenants.admin import organizations
from tenants.models import Organization

# Backups are made each night; half a day more is left for one to finish late.
FRESH_FOR = timedelta(hours=36)
# Damaged databases that are called by their name.
NAMED = 3


class DatabaseFilter(DropdownFilter):
    """Organizations whose database needs care."""

    title = "database"
    parameter_name = "database"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, words) for name, (words, _) in IN_NEED.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Organization]) -> QuerySet[Organization]:
        chosen = IN_NEED.get(self.value() or "")
        if chosen is None:
            return queryset
        _, found = chosen
        return queryset.filter(pk__in=found().order_by().values("pk"))


def part(request: HttpRequest) -> Part:
    if not request.user.has_perm("tenants.care_for_databases"):
        return Part()
    path = reverse("admin:tenants_organization_changelist")
    counted = {name: home.bounded_count(found()) for name, (_, found) in IN_NEED.items()}
    figures = [
        Figure(words, counted[name], f"{path}?database={name}", is_bounded=True)
        for name, (words, _) in IN_NEED.items()
    ]
    return Part((Panel("Databases", "database", tuple(figures)),), tuple(_concerns(path, counted)))


def damaged() -> QuerySet[Organization]:
    """The living organizations that failed when they were verified last."""
    return Organization.objects.living().filter(damaged_since__isnull=False).order_by("pk")


def without_fresh_backup() -> QuerySet[Organization]:
    """The living organizations that are older than a backup may be, and have none that is not."""
    oldest = timezone.now() - FRESH_FOR
    saved = Q(backed_up_at__isnull=False, backed_up_at__gte=oldest)
    return Organization.objects.living().customers().filter(created_at__lt=oldest).exclude(saved)


# The filter's value: its words, and what it shows.
IN_NEED: dict[str, tuple[str, Callable[[], QuerySet[Organization]]]] = {
    "damaged": ("Failing verify", damaged),
    "behind": ("Behind on schema", fleet.behind),
    "without_backup": ("No backup for 36 h", without_fresh_backup),
}


def _concerns(path: str, counted: dict[str, int]) -> Iterable[Concern]:
    for organization in damaged()[:NAMED]:
        page = reverse("admin:tenants_organization_database", args=(organization.pk,))
        text = f"The database of {organization.pk} fails verify"
        yield Concern(Harm.DATA, text, page, "Restore it", organization.damaged_since)
    if (more := counted["damaged"] - NAMED) > 0:
        text = (
            f"{home.in_words(more, 'database', 'databases')} more {'fails' if more == 1 else 'fail'} verify"
        )
        yield Concern(Harm.DATA, text, f"{path}?database=damaged", "See them")
    if behind := counted["behind"]:
        text = f"{home.in_words(behind, 'database is', 'databases are')} behind on schema"
        yield Concern(Harm.SERVICE, text, f"{path}?database=behind", "See them")
    if unsaved := counted["without_backup"]:
        text = (
            f"{home.in_words(unsaved, 'organization has', 'organizations have')} no backup of the last 36 h"
        )
        yield Concern(Harm.GUARD, text, f"{path}?database=without_backup", "See them")


organizations.more_filters.append(DatabaseFilter)
home.sources.append(part)
