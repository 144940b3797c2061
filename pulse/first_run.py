"""What a start makes sure of: the first operator, and the default organization's resources."""

import secrets
from collections.abc import Callable

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

# Each is called at a start; apps above put theirs here.
preparations: list[Callable[[], object]] = []


def prepare(*, say: Callable[[str], object]) -> None:
    """Idempotent. Says the first operator's password, once, unless the environment gave it."""
    for preparation in preparations:
        preparation()
    operators = get_user_model().objects
    can_sign_in = operators.filter(is_staff=True, is_active=True)
    if can_sign_in.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX).exists():
        return
    given = settings.PULSE_OPERATOR_PASSWORD
    password = given or secrets.token_urlsafe(12)
    operator = operators.create_superuser(settings.PULSE_OPERATOR_EMAIL, password)
    # Who sets the address in the environment vouches for it.
    EmailAddress.objects.create(user=operator, email=operator.email, verified=True, primary=True)
    if given:
        say(f"Created the operator {settings.PULSE_OPERATOR_EMAIL} with PULSE_OPERATOR_PASSWORD.")
    else:
        say(f"Created the operator {settings.PULSE_OPERATOR_EMAIL}. Password, shown only once: {password}")
