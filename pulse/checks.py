"""System checks: what is refused outside development, and what an operator should know."""

import os
import re
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning

from pulse import limits
from pulse.settings import STAGES


@register(Tags.security)
def production_is_safe(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """pulse.E001 to E004, E008: outside development there are a key, hosts and an address, and no DEBUG."""
    if settings.PULSE_STAGE not in STAGES:
        return [Error(
            f"PULSE_STAGE is {settings.PULSE_STAGE!r}.",
            hint=f"Set it to one of {', '.join(STAGES)}.",
            id="pulse.E001",
        )]  # fmt: skip
    if settings.PULSE_STAGE == "development":
        return []
    found: list[CheckMessage] = []
    if len(settings.SECRET_KEY) < 50:
        found.append(Error(
            "There is no secret key of 50 characters or more.",
            hint="Set PULSE_SECRET_KEY, to what this prints: openssl rand -base64 64",
            id="pulse.E002",
        ))  # fmt: skip
    if settings.DEBUG:
        found.append(Error(
            "DEBUG is on.", hint="Unset PULSE_DEBUG: it shows internals to visitors.", id="pulse.E003"
        ))  # fmt: skip
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        found.append(Error(
            "No allowed hosts are named.",
            hint="Set PULSE_ALLOWED_HOSTS to the host names that Pulse is reached by, separated by commas.",
            id="pulse.E004",
        ))  # fmt: skip
    if not re.fullmatch(r"https://[^/@\s]+/?", settings.PULSE_PUBLIC_URL):
        found.append(Error(
            "PULSE_PUBLIC_URL is not the https address that people reach Pulse at.",
            hint="Set it, such as https://pulse.example: links in mails lead there.",
            id="pulse.E008",
        ))  # fmt: skip
    return found


@register()
def settings_parse(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """pulse.E005 and E006: rates and proxies are well-formed."""
    found: list[CheckMessage] = []
    for name in ("PULSE_TENANT_RATE", "PULSE_SIGNUP_RATE", "PULSE_SIGNUP_EMAIL_RATE", "PULSE_SIGNUP_CEILING"):
        try:
            limits.rate(getattr(settings, name))
        except ValueError:
            found.append(Error(
                f"{name} is not a rate.", hint="Write it as 2000/minute or 5/hour.", id="pulse.E005"
            ))  # fmt: skip
    try:
        [ip_network(entry) for entry in settings.PULSE_TRUSTED_PROXIES]
    except ValueError as error:
        found.append(Error(
            f"PULSE_TRUSTED_PROXIES: {error}.",
            hint="List addresses or networks, such as 10.0.0.0/8, separated by commas.",
            id="pulse.E006",
        ))  # fmt: skip
    return found


@register()
def data_directory_is_writable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """pulse.E007: everything that must be backed up has a place."""
    folder = settings.PULSE_DATA_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if writable:
        return []
    return [Error(
        f"The data directory {folder} cannot be written.",
        hint="Create it for the user that runs Pulse, or set PULSE_DATA_DIR to another one.",
        id="pulse.E007",
    )]  # fmt: skip


@register()
def limits_are_shared(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """pulse.W001: several worker processes without Redis each count for themselves."""
    if settings.PULSE_WORKERS <= 1 or settings.REDIS_URL:
        return []
    return [CheckWarning(
        f"Rate limits are counted by each of the {settings.PULSE_WORKERS} worker processes for itself.",
        hint="Set REDIS_URL, or PULSE_WORKERS=1 with more PULSE_THREADS.",
        id="pulse.W001",
    )]  # fmt: skip
