"""Verdicts: whether a stage may be run, as an operator has signed it."""

from typing import Any

from django.db import connection
from django.utils import timezone

from runbooks.models import Outcome

OPENING = frozenset((Outcome.GO, Outcome.GO_WITH_CONDITIONS))
# The newest of a stage alone counts: what it superseded never stands again. By its index, one row.
LATEST = """
    SELECT verdict.outcome, verdict.signed_at <= %s AND verdict.expires_at > %s, verdict_end.verdict_id
    FROM runbooks_verdict verdict
    LEFT JOIN runbooks_verdictend verdict_end ON verdict_end.verdict_id = verdict.id
    WHERE verdict.stage = %s ORDER BY verdict.id DESC LIMIT 1
"""


def stands(stage: str) -> bool:
    """Whether a signed GO or GO_WITH_CONDITIONS covers the stage now: one raw read, on every hosted request.

    None does while the clock says that it was not signed yet.
    """
    now: Any = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(LATEST, (now, now, stage))
        row = cursor.fetchone()
    if row is None:
        return False
    outcome, is_its_time, ended = row
    return outcome in OPENING and bool(is_its_time) and ended is None
