"""The readiness board as JSON, and as a dated page of Markdown to be kept beside the code."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from runbooks import verdicts
from runbooks.models import Verdict
from runbooks.readiness import Line, Readiness


def described(computed: Readiness) -> dict[str, Any]:
    """The board as JSON: what the command prints and the API answers."""
    return {
        "stage": computed.stage,
        "outcome": computed.outcome,
        "version": computed.code.version,
        "is_dirty": computed.code.is_dirty,
        "verdict_stands": verdicts.stands(computed.stage),
        "lines": [line.as_json() for line in computed.lines],
    }


def write(computed: Readiness) -> Path:
    """Into `docs/readiness/`, one file a day and stage; a later one of the day takes its place."""
    file = Path(settings.BASE_DIR) / "docs" / "readiness" / f"{timezone.now():%Y-%m-%d}-{computed.stage}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(render(computed), encoding="utf-8")
    return file


def render(computed: Readiness) -> str:
    lines = [
        f"# Readiness for {computed.stage}: {computed.outcome}",
        "",
        f"Computed {timezone.now():%Y-%m-%d %H:%M} UTC, of {computed.code}. {_signed(computed.stage)}",
        "",
        "| | what | state | since (UTC) | why | next |",
        "|---|---|---|---|---|---|",
        *(_row(line) for line in computed.lines),
    ]
    return "\n".join(lines) + "\n"


def _signed(stage: str) -> str:
    verdict: Verdict | None = verdicts.latest(stage)
    if verdict is None:
        return "No verdict was ever signed."
    signed = f"{verdict.signed_at:%Y-%m-%d %H:%M} UTC"
    return f"The latest verdict, {verdict.outcome}, was signed {signed} and is {verdicts.state_of(verdict)}."


def _row(line: Line) -> str:
    mark = "ok" if line.holds else "**blocks**" if line.blocks else "open"
    since = f"{line.since:%Y-%m-%d %H:%M}" if line.since else ""
    todo = f"`{line.next}`" if line.next else ""
    cells = (mark, f"{line.id} {line.title}", line.state, since, line.why, todo)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
