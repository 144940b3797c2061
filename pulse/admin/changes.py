"""An audit event's before and after, laid side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulse.models import AuditEvent


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an event; `before` or `after` is None where the event does not have it."""

    field: str
    before: Any
    after: Any

    @property
    def differs(self) -> bool:
        return bool(self.before != self.after)

    @property
    def is_origin(self) -> bool:
        """Whether it only says where another field's value comes from."""
        return self.field.startswith("origin ")


def changes_of(event: AuditEvent) -> list[Change]:
    """The event's fields, with people by the names that `actors.name_actors` found for them."""
    people = getattr(event, "names", {})
    before = _flat(event.before or {})
    after = _flat(event.after or {})

    def read(values: dict[str, Any], field: str) -> Any:
        value = values.get(field)
        return people.get(value, value) if isinstance(value, str) else value

    fields = dict.fromkeys([*before, *after])
    return [Change(field.replace("_", " "), read(before, field), read(after, field)) for field in fields]


def _flat(values: Mapping[str, Any], *, below: str = "") -> dict[str, Any]:
    """`{"limits": {"seats": 5}}` as `{"limits seats": 5}`, so that one value that differs is seen alone."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        field = f"{below}{name}"
        found |= _flat(value, below=f"{field} ") if isinstance(value, dict) else {field: value}
    return found
