"""The gate's step 5: a subscription in force."""

from datetime import UTC, datetime

from django.http import HttpRequest

from billing.errors import SubscriptionRequired
from billing.models import State
from tenants.gate import Admission

REFUSED = frozenset({State.EXPIRED, State.SUSPENDED, State.CANCELED})


def check_subscription(request: HttpRequest) -> None:
    """Raise `SubscriptionRequired`; a trial is over at its end to the second, and without one already."""
    admission: Admission = request.admission  # type: ignore[attr-defined]
    if admission.is_default:
        return
    if admission.subscription_state in REFUSED:
        raise SubscriptionRequired
    if admission.subscription_state == State.TRIAL:
        ends_at = admission.subscription_ends_at
        if ends_at is None or ends_at <= datetime.now(UTC):
            raise SubscriptionRequired
