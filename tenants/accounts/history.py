"""What happens to an account goes into the audit log: django-allauth's signals, as events."""

from typing import Any

from allauth.account import signals
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from pulse import audit, faults, limits
from pulse.actors import Actor, from_user
from tenants.accounts import attempts, letters
from tenants.metrics import sign_ins
from tenants.models import User

# More failures than this are counted in the metric alone, so that guessing does not fill the disk.
FAILURES_KEPT = "1000/hour"


@receiver(signals.user_logged_in)
def signed_in(request: HttpRequest, user: User, response: HttpResponse, **more: Any) -> None:
    sign_ins.labels(outcome="success").inc()
    _record("account.sign_in", request, user)
    attempts.remember(response, user)


@receiver(user_logged_out)
def signed_out(request: HttpRequest, user: User | None, **more: Any) -> None:
    if user is not None:
        _record("account.sign_out", request, user)


def failed(request: HttpRequest, user: User | None) -> None:
    """Leave it to a job, which takes as long for an account that nobody has, to record it."""
    from tenants.tasks import record_failed_sign_in

    sign_ins.labels(outcome="failure").inc()
    if limits.admit([(FAILURES_KEPT, ("failed-sign-ins",))]):
        request_id = request.META.get("pulse.request_id", "")
        record_failed_sign_in.enqueue(str(user.public_id) if user else "", request_id)


def record_failure(public_id: str, request_id: str) -> bool:
    """Whether there was somebody whose account it was."""
    if not public_id:
        return False
    stranger = Actor(kind="anonymous", name="sign-in", door="page", request_id=request_id)
    audit.record("account.sign_in_failed", actor=stranger, after={"user": public_id})
    return True


@receiver(signals.password_changed)
def password_changed(request: HttpRequest, user: User, **more: Any) -> None:
    _record("account.password_change", request, user)


@receiver(signals.password_set)
def password_set(request: HttpRequest, user: User, **more: Any) -> None:
    _record("account.password_set", request, user)


@receiver(signals.password_reset)
def password_reset(request: HttpRequest, user: User, **more: Any) -> None:
    _record("account.password_reset", request, user)


@receiver(signals.email_changed)
def email_changed(request: HttpRequest, user: User, to_email_address: EmailAddress, **more: Any) -> None:
    """allauth tells the old address."""
    _record("account.email_change", request, user)
    letters.post("account/email/email_confirm", to_email_address.email)


@receiver(mfa.authenticator_added)
def factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    _record("account.factor_add", request, user, factor=authenticator.type)


@receiver(mfa.authenticator_removed)
def factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    _record("account.factor_remove", request, user, factor=authenticator.type)


@receiver(mfa.authenticator_reset)
def factor_reset(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    _record("account.factor_reset", request, user, factor=authenticator.type)


def _record(verb: str, request: HttpRequest, user: User, **after: str) -> None:
    actor = from_user(user, door="page", request_id=request.META.get("pulse.request_id", ""))
    audit.record(verb, actor=actor, after={"user": str(user.public_id), **after})
    faults.reach("account.recorded")
