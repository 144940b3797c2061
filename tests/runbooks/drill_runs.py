"""Runs of drills as the runner leaves them."""

from datetime import timedelta

from django.utils import timezone

from runbooks.models import DrillRun


def failed_run(drill: str) -> DrillRun:
    now = timezone.now()
    return DrillRun.objects.create(
        drill=drill, state=DrillRun.State.FAILED, started_at=now - timedelta(seconds=3), ended_at=now,
        seconds=3.0, actor="job:drills", door="job", base_url="http://127.0.0.1:8000", host="here",
        process=1, beat_at=now,
    )  # fmt: skip
