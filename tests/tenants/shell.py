"""The operators' commands within the test's process."""

import csv
import io
import json
from typing import Any

from django.core.management import call_command


def run(*argv: str) -> tuple[int, str, str]:
    """The exit code, and what is on standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*argv, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def document(*argv: str) -> tuple[int, Any]:
    """The exit code and the one JSON document of `--json`."""
    status, out, _ = run(*argv, "--json")
    return status, json.loads(out)


def table(*argv: str) -> list[dict[str, str]]:
    """The rows of the plain output."""
    _, out, _ = run(*argv)
    return list(csv.DictReader(io.StringIO(out), delimiter="\t", quoting=csv.QUOTE_NONE))
