"""Filters of the API's lists that take what a client may send and a database may not."""

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django_filters import IsoDateTimeFilter
from django_filters.fields import IsoDateTimeField


class InstantField(IsoDateTimeField):
    """An instant in UTC: PostgreSQL knows no offset of 16 h and more, and year 1 or 9999 may have no UTC."""

    def to_python(self, value: Any) -> datetime | None:
        instant: datetime | None = super().to_python(value)
        try:
            return instant and instant.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class InstantFilter(IsoDateTimeFilter):
    field_class = InstantField

    def __init__(self, *, field_name: str, lookup_expr: str) -> None:
        super().__init__(field_name=field_name, lookup_expr=lookup_expr)  # type: ignore[no-untyped-call]
