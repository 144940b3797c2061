"""How often a password may be tried, by address and by account, without anybody locking others out.

A browser that has signed in before holds a signed cookie and is counted by itself, so that whoever tries the
passwords of an account shuts out strangers alone. Its owner gets in at a new device by a mailed link.
"""

import secrets
from collections.abc import Iterator

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from pulse import limits
from pulse.clients import household_of
from tenants.models import User

COOKIE = "pulse_device"
COOKIE_AGE = 365 * 24 * 60 * 60
SALT = "tenants.accounts.device"
# Each is tried in turn; the longer the window, the slower it goes on.
PER_DEVICE: tuple[str, ...] = ("10/5minute", "60/day")
PER_STRANGER: tuple[str, ...] = ("10/5minute", "30/hour", "60/day")
PER_ACCOUNT: tuple[str, ...] = ("50/hour", "200/day")
# Many people sit behind one address.
PER_ADDRESS: tuple[str, ...] = ("60/minute", "600/hour")


def admit(request: HttpRequest, email: str) -> bool:
    """Count one attempt for the account, which need not exist; False when it is one too many.

    Counted before the password is looked at, so that many at once get no more tries. While Redis is gone,
    each process counts by itself.
    """
    return limits.admit(_counted(request, email.lower()))


def admit_passkey(request: HttpRequest) -> bool:
    """As `admit`, for a key, which says itself whose it is and cannot be guessed."""
    return limits.admit(_by_address(request))


def _by_address(request: HttpRequest) -> Iterator[limits.Counted]:
    household = household_of(request)
    yield from ((notation, ("sign-in", "address", household)) for notation in PER_ADDRESS)


def _counted(request: HttpRequest, email: str) -> Iterator[limits.Counted]:
    household = household_of(request)
    yield from _by_address(request)
    if device := _device(request, email):
        yield from ((notation, ("sign-in", "device", email, device)) for notation in PER_DEVICE)
        return
    yield from ((notation, ("sign-in", "stranger", email, household)) for notation in PER_STRANGER)
    yield from ((notation, ("sign-in", "account", email)) for notation in PER_ACCOUNT)


def remember(response: HttpResponse, user: User) -> None:
    """Know the browser again that has just signed in."""
    value = signing.dumps([user.email, secrets.token_urlsafe(8)], salt=SALT)
    response.set_cookie(
        COOKIE,
        value,
        max_age=COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _device(request: HttpRequest, email: str) -> str:
    """The name of the browser, if it has signed in with this address; empty otherwise."""
    try:
        known, device = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=COOKIE_AGE)
    except signing.BadSignature:
        return ""
    return str(device) if known == email else ""
