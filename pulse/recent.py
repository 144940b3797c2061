"""Recent authentication, which a verb asks for that no finder of an open session may carry out.

The verb calls `actor.require_recent()`. Its form in the admin says `needs_recent_authentication = True`, so
that the person is sent to confirm that it is them before they fill it in, and back.
"""

import time

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode


def holds(request: HttpRequest) -> bool:
    """Whether the session's person has signed in, or confirmed it, in the last 15 minutes.

    It holds for a token, of which nobody can be asked: making one takes recent authentication. A sign-in by
    somebody else's word counts from when they have asked the person, which its record has as `proved_at`.
    """
    if getattr(request, "token", None) is not None:
        return True
    if request.user.is_anonymous:
        return False
    records = get_authentication_records(request, request.user)
    since = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return any(record.get("proved_at", record["at"]) > since for record in records)


def confirm_at(path: str) -> str:
    """The address where a person confirms that it is them, and which leads to `path` afterwards."""
    return f"{reverse('account_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: path})}"
