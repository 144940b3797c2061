"""A change of the tenant's changelog as an operator reads it: field by field, rule by rule."""

from collections.abc import Iterator, Sequence
from typing import Any

from pulse.admin.changes import Change as Difference
from rbac.models import Change
from rbac.presentation import in_words


def of_change(change: Change) -> list[Difference]:
    """What differs between before and after; each rule and each role of a list by itself."""
    before, after = change.before, change.after
    if isinstance(before or after, list):
        return list(_of_lists("role", before or [], after or []))
    return list(_of_documents(before or {}, after or {}))


def _of_documents(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    for field in dict.fromkeys([*before, *after]):
        if field == "permissions":
            yield from _of_lists("rule", _rules(before), _rules(after))
        elif field != "id" and before.get(field) != after.get(field):
            yield Difference(field.replace("_", " "), before.get(field), after.get(field))


def _rules(document: dict[str, Any]) -> list[str]:
    return [in_words(permission) for permission in document.get("permissions", ())]


def _of_lists(name: str, before: Sequence[str], after: Sequence[str]) -> Iterator[Difference]:
    yield from (Difference(name, one, None) for one in before if one not in after)
    yield from (Difference(name, None, one) for one in after if one not in before)
