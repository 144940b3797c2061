"""Stripe's SDK as Pulse is configured: key, address, time-outs. Without a key, billing is manual."""

from collections.abc import Iterator
from contextlib import contextmanager

import stripe
import structlog
from django.conf import settings

from billing import errors

log = structlog.get_logger(__name__)

ANSWERS_WITHIN_SECONDS = 10


def is_configured() -> bool:
    return bool(settings.STRIPE_SECRET_KEY)


def client() -> stripe.StripeClient:
    """Raises `StripeNotConfigured`."""
    if not is_configured():
        raise errors.StripeNotConfigured
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        base_addresses={"api": settings.STRIPE_API_BASE},
        http_client=stripe.RequestsClient(timeout=ANSWERS_WITHIN_SECONDS),
        max_network_retries=1,
    )


@contextmanager
def answering() -> Iterator[None]:
    """Stripe's errors within the block as `StripeUnavailable` or `StripeRefused`; what it said is logged."""
    try:
        yield
    except stripe.StripeError as error:
        log.warning("stripe refused", kind=type(error).__name__, status=error.http_status, said=error.code)
        if isinstance(
            error, stripe.InvalidRequestError | stripe.AuthenticationError | stripe.PermissionError
        ):
            raise errors.StripeRefused(f"Stripe refused: {error.code or type(error).__name__}.") from error
        raise errors.StripeUnavailable from error
