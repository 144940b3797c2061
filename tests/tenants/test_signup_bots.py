"""A run of bots: 10,000 sign-ups from 500 addresses make nothing, and leave no more than the limits allow."""

from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from tenants import tasks
from tenants.models import Organization, SignupRequest, User
from tests.api import Caller

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.drill]

SIGN_UPS, ADDRESSES = 10_000, 500


def flood(nobody: Caller) -> Counter[int]:
    """How often each status was answered."""
    answers: Counter[int] = Counter()
    for number in range(SIGN_UPS):
        address = f"198.51.{number % ADDRESSES // 250}.{number % 250}"
        wanted = {"email": f"bot{number}@bots.example", "org_name": f"Bot {number}"}
        answer = nobody.client.post(
            "/api/public/signup", wanted, content_type="application/json", REMOTE_ADDR=address
        )
        answers[answer.status_code] += 1
    return answers


def test_it_is_held_to_the_limits(nobody: Caller, settings) -> None:
    settings.PULSE_SIGNUP_DIRECT = False
    assert flood(nobody) == {202: 1000, 429: 9000}
    assert (Organization.objects.count(), User.objects.count()) == (1, 0)
    assert (SignupRequest.objects.count(), DBTaskResult.objects.count()) == (1000, 1000)
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)):
        tasks.tidy_signups.call()
    assert not SignupRequest.objects.exists()
