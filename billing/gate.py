"""The gate's step 5: a subscription in force; and what it allows step 6."""

import json

from django.http import HttpRequest
from django.utils import timezone

from billing.errors import SubscriptionRequired
from billing.timeline import Segment
from tenants.errors import StateUnavailable
from tenants.gate import Admission


def check_subscription(request: HttpRequest) -> None:
    """Raise `SubscriptionRequired`; every end holds to the second, without a job.

    A timeline that says nothing of now is no pass: `StateUnavailable`.
    """
    admission: Admission = request.admission  # type: ignore[attr-defined]
    if admission.is_default:
        return
    now = timezone.now().timestamp()
    try:
        segments: list[Segment] = json.loads(admission.entitlement_timeline)
        in_force, rate = next(rest for end, *rest in segments if end is None or now < end)
    except (ValueError, TypeError, StopIteration) as error:
        raise StateUnavailable from error
    if not in_force:
        raise SubscriptionRequired
    admission.tenant_rate = str(rate)
