"""System checks for the settings of rbac."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def cap_is_positive(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """rbac.E001: at least one tenant database may be open."""
    if settings.PULSE_RBAC_MAX_OPEN >= 1:
        return []
    return [Error(
        "PULSE_RBAC_MAX_OPEN is below 1.",
        hint="It caps each thread's open tenant databases; 64 is the default.",
        id="rbac.E001",
    )]  # fmt: skip
