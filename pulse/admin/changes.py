"""An audit event's before and after, laid side by side."""

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


def changes_of(event: AuditEvent) -> list[Change]:
    """The event's fields, with people by the names that `actors.name_actors` found for them."""
    people = getattr(event, "names", {})
    before = event.before or {}
    after = event.after or {}

    def read(values: dict[str, Any], field: str) -> Any:
        value = values.get(field)
        return people.get(value, value) if isinstance(value, str) else value

    fields = dict.fromkeys([*before, *after])
    return [Change(field.replace("_", " "), read(before, field), read(after, field)) for field in fields]
