"""System checks for the settings of billing."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning


@register()
def stripe_is_whole(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """billing.E001, W001, W002: a key without webhook secrets, or the other way round, does half the work."""
    found: list[CheckMessage] = []
    if settings.STRIPE_SECRET_KEY and not settings.STRIPE_WEBHOOK_SECRETS:
        found.append(CheckWarning(
            "STRIPE_SECRET_KEY is set and STRIPE_WEBHOOK_SECRETS is not: what customers pay is not heard of.",
            hint="Add an endpoint for /api/webhooks/stripe in Stripe and set its signing secret.",
            id="billing.W001",
        ))  # fmt: skip
    if settings.STRIPE_WEBHOOK_SECRETS and not settings.STRIPE_SECRET_KEY:
        found.append(CheckWarning(
            "STRIPE_WEBHOOK_SECRETS is set and STRIPE_SECRET_KEY is not: nobody can subscribe.",
            hint="Set the secret key of the same Stripe account.",
            id="billing.W002",
        ))  # fmt: skip
    if any(not secret.startswith("whsec_") for secret in settings.STRIPE_WEBHOOK_SECRETS):
        found.append(Error(
            "STRIPE_WEBHOOK_SECRETS has an entry that is not a signing secret.",
            hint="List the secrets that begin with whsec_, separated by commas: two during a rotation.",
            id="billing.E001",
        ))  # fmt: skip
    return found
