"""The gate's step 5: a subscription in force; and what it allows step 6."""

import json

from django.http import HttpRequest
from django.utils import timezone

from billing.errors import SubscriptionRequired
from tenants.gate import Admission


def check_subscription(request: HttpRequest) -> None:
    """Raise `SubscriptionRequired`; every end holds to the second, without a job."""
    admission: Admission = request.admission  # type: ignore[attr-defined]
    if admission.is_default:
        return
    now = timezone.now().timestamp()
    for ends_at, in_force, rate in json.loads(admission.entitlement_timeline):
        if ends_at is None or now < ends_at:
            if not in_force:
                raise SubscriptionRequired
            admission.tenant_rate = rate
            return
