"""`Idempotency-Key`: a repeated POST or PUT is answered with the first reply instead of acting again."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from pulse.models import IdempotencyKey
from pulse.problems import InvalidRequest, Problem

KEPT_FOR = timedelta(hours=24)
# A key whose first request never finished (its process was killed) may be tried again after this. gunicorn's
# threads are never ended for their length; this is far more than any request takes, or a proxy waits for one.
ABANDONED_AFTER = timedelta(minutes=15)
LONGEST_KEY = 128
KEPT_HEADERS = ("Content-Type", "ETag", "Location")


class KeyReused(Problem):
    status = 422
    code = "idempotency_key_reused"
    detail = "This Idempotency-Key was used for another request."


class InProgress(Problem):
    status = 409
    code = "idempotency_in_progress"
    detail = "The first request with this Idempotency-Key is still being carried out."


def reserve(request: HttpRequest, *, caller: str) -> IdempotencyKey | None:
    """Claim the request's key. None without one; a row with a `status` is a reply to repeat.

    Raises `KeyReused`, `InProgress`, or `InvalidRequest` for a key of more than 128 characters.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key or request.method not in ("POST", "PUT"):
        return None
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise InvalidRequest(f"An Idempotency-Key has at most {LONGEST_KEY} printable characters.")
    request_hash = _fingerprint(request)
    now = timezone.now()
    _drop_expired(caller=caller, key=key, now=now)
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                caller=caller, key=key, request_hash=request_hash, created_at=now
            )
    except IntegrityError:
        return _earlier(caller=caller, key=key, request_hash=request_hash)


def settle(reserved: IdempotencyKey, response: Response, *, secrets: Sequence[str] = ()) -> None:
    """Keep the reply, with its `secrets` emptied.

    The key is forgotten after a failure of ours and after a refusal that says to try again: a retry acts.
    """
    if response.status_code >= 500 or response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        forget(reserved)
        return
    body = response.rendered_content
    if hidden := [name for name in secrets if name in (response.data or ())]:
        body = JSONRenderer().render({**response.data, **dict.fromkeys(hidden)})
    # An update, because what has been done stays a success also where the key is gone by now.
    IdempotencyKey.objects.filter(pk=reserved.pk).update(
        status=response.status_code,
        body=body.decode(),
        headers={name: response[name] for name in KEPT_HEADERS if response.has_header(name)},
    )


def repeat(reply: IdempotencyKey) -> HttpResponse:
    """The kept reply, as it was."""
    return HttpResponse(
        reply.body, status=reply.status, headers={**reply.headers, "Idempotent-Replayed": "true"}
    )


def forget(reserved: IdempotencyKey) -> None:
    """Let a retry act."""
    IdempotencyKey.objects.filter(pk=reserved.pk).delete()


def prune() -> int:
    """Delete the keys that are past their 24 h."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    return deleted


def _fingerprint(request: HttpRequest) -> str:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    digest.update(request.body)
    return digest.hexdigest()


def _drop_expired(*, caller: str, key: str, now: datetime) -> None:
    mine = IdempotencyKey.objects.filter(caller=caller, key=key)
    mine.filter(created_at__lt=now - KEPT_FOR).delete()
    mine.filter(status=None, created_at__lt=now - ABANDONED_AFTER).delete()


def _earlier(*, caller: str, key: str, request_hash: str) -> IdempotencyKey:
    earlier = IdempotencyKey.objects.filter(caller=caller, key=key).first()
    if earlier is None:
        raise InProgress
    if earlier.request_hash != request_hash:
        raise KeyReused
    if earlier.status is None:
        raise InProgress
    return earlier
