"""System checks: what an operator should know before anybody asks whether it is safe to run."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError

from pulse.problems import Problem
from runbooks import lanes, playbook_lint, playbooks, verdicts


@register()
def a_verdict_stands(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """runbooks.W001: hosted mode is asked for outside development, and no verdict opens it."""
    if settings.PULSE_STAGE == "development" or settings.PULSE_HOSTED_MODE != "true":
        return []
    try:
        if verdicts.stands(settings.PULSE_STAGE):
            return []
    except DatabaseError:
        return []  # It cannot be asked, or has no tables yet; the gate is shut meanwhile.
    return [CheckWarning(
        f"No standing verdict covers the stage {settings.PULSE_STAGE}: every hosted route answers 404.",
        hint="See what is missing with manage.py readiness, then manage.py verdict sign.",
        id="runbooks.W001",
    )]  # fmt: skip


@register()
def lanes_can_be_read(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """runbooks.E001: a lane that cannot be used, with its file and line."""
    try:
        lanes.every()
    except Problem as problem:
        return [Error(problem.detail, hint="Mend it: until then no stage is ready.", id="runbooks.E001")]
    return []


@register()
def playbooks_can_be_followed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """runbooks.E002: what is wrong with a playbook, with its file and line."""
    try:
        found = playbooks.everything().values()
    except playbooks.PlaybookInvalid as error:
        return [Error(str(error), id="runbooks.E002")]
    return [Error(str(fault), id="runbooks.E002") for one in found for fault in playbook_lint.faults(one)]
