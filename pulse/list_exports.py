"""Lists as files: streamed, safe to open in a spreadsheet, and kept in the audit log."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from pulse import audit
from pulse.actors import Actor
from pulse.problems import InvalidRequest

PERMISSION = "pulse.export_lists"
AT_ONCE = 2000
# A cell that begins with one of these is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = Sequence[Any]


def exported(
    rows: QuerySet[Any],
    fields: Sequence[str],
    *,
    name: str,
    kind: str,
    filters: Mapping[str, str],
    actor: Actor,
    organization: str = "",
) -> Iterator[str]:
    """The rows as a file of the `kind` csv or json, piece by piece; that they were asked for is recorded now.

    `filters` are kept in the audit log without e-mail addresses, which a purge could not erase from there.
    """
    actor.require(PERMISSION)
    actor.require_recent()
    if kind not in KINDS:
        raise InvalidRequest("A list is exported as csv or json.")
    kept = {key: "(an address)" if "@" in value else value for key, value in filters.items()}
    after = {"list": name, "format": kind, "filters": kept}
    audit.record("list.export", actor=actor, organization=organization, after=after)
    values = rows.select_related(None).prefetch_related(None).values_list(*fields)
    return KINDS[kind](fields, values.iterator(chunk_size=AT_ONCE))


def _as_csv(fields: Row, rows: Iterable[Row]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(fields)
    for row in rows:
        yield writer.writerow(map(cell, row))


def cell(value: Any) -> Any:
    """The value as a spreadsheet takes it for what it is, never for a formula."""
    if isinstance(value, dict | list):
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _as_json(fields: Row, rows: Iterable[Row]) -> Iterator[str]:
    """One row a line; without its last line the file is cut off, and no JSON."""
    before = "[\n"
    for row in rows:
        document = dict(zip(fields, row, strict=True))
        yield before + json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


class _Echo:
    """What a CSV writer writes into, which only hands it on."""

    def write(self, text: str) -> str:
        return text


KINDS: dict[str, Callable[[Row, Iterable[Row]], Iterator[str]]] = {"csv": _as_csv, "json": _as_json}
