"""Filters of the operators' lists that stay cheap on large tables."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import IntegerField, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.functional import cached_property
from unfold.contrib.filters.admin import BooleanRadioFilter, DropdownFilter, RangeDateFilter, TextFilter

MOST_COUNTED = 10_000


def beginning_with(field: str, words: str) -> Q:
    """Whose field begins so, by its index: SQLite takes none for LIKE, PostgreSQL orders by a locale."""
    if connection.vendor != "sqlite":
        return Q(**{f"{field}__startswith": words})
    return Q(**{f"{field}__gte": words, f"{field}__lt": words + chr(sys.maxunicode)})


def counted_at_most(most: int, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The first of the rows, to be counted: by the key alone, because what annotates them is not needed."""
    return rows.order_by().values("pk")[:most]


class BoundedCount(Subquery):
    """How many rows a query has, as a column of another's, and `MOST_COUNTED` at most."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet[Any]) -> None:
        super().__init__(counted_at_most(MOST_COUNTED, rows))


def bounded(count: int) -> str:
    """A bounded count as it is read: `10,000+` where there may be more."""
    return f"{count:,}{'+' if count >= MOST_COUNTED else ''}"


class BoundedPaginator(Paginator[Any]):
    """Counts no further than `MOST_COUNTED` rows: who looks for older ones filters."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        return counted_at_most(MOST_COUNTED, rows).count()


class ExactFilter(TextFilter):
    """A text field that matches whole, so that an index answers."""

    parameter_name: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        return queryset.filter(**{self.parameter_name: value}) if value else queryset


class YesNoFilter(BooleanRadioFilter):
    """By an index: SQLite takes none for a bare boolean, which Django writes for an equality."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = request.GET.get(self.lookup_kwarg, "")
        if wanted not in ("", "0", "1"):
            raise IncorrectLookupParameters
        return queryset.filter(**{f"{self.field_path}__in": [wanted == "1"]}) if wanted else queryset


class UsedValuesFilter(DropdownFilter):
    """A choice of the values that occur in an indexed field: one seek of the index for each."""

    parameter_name: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in self._used(model_admin.model)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset

    def has_output(self) -> bool:
        return True

    def _used(self, model: Any) -> Iterator[str]:
        name = self.parameter_name
        values = model.objects.order_by(name).values_list(name, flat=True)
        value = values.first()
        while value is not None:
            yield value
            value = values.filter(**{f"{name}__gt": value}).first()


class DayRangeFilter(RangeDateFilter):
    """From one day to another in UTC, both included; what is not a date does not filter."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "day (UTC)"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        begin = self._midnight("from")
        end = self._midnight("to", days_later=1)
        if begin is not None:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": begin})
        if end is not None:
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": end})
        return queryset

    def _midnight(self, which: str, *, days_later: int = 0) -> datetime | None:
        given = self.used_parameters.get(f"{self.parameter_name}_{which}")
        try:
            day = parse_date(str(given or ""))
            return datetime.combine(day, time.min, tzinfo=UTC) + timedelta(days=days_later) if day else None
        except (ValueError, OverflowError):  # There is no such day, or none after it.
            return None
