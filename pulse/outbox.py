"""The outbox: mails are rows of the change that they tell of, sent by a job after its commit.

A mail server that is down delays them. A mail is sent once; only a worker that dies between the server's
answer and the row's deletion sends it again. What became of a mail about an organization is in its audit log.
"""

from datetime import timedelta

import structlog
from django.core.mail import BadHeaderError, EmailMultiAlternatives
from django.db import transaction
from django.utils import timezone

from pulse import audit, metrics
from pulse.actors import from_job
from pulse.models import Mail
from pulse.text import is_one_line

log = structlog.get_logger(__name__)

# A worker that has taken a mail and is not done after this has died.
LEASE = timedelta(minutes=5)
# Tried after 1, 2, 4 … minutes, at most each hour, for a day: then a link in it would be of no use.
LONGEST_WAIT = timedelta(hours=1)
KEPT_FOR = timedelta(hours=24)
MOST_AT_ONCE = 100
OUTBOX = from_job("outbox")


@transaction.atomic
def put(
    *,
    to: str,
    subject: str,
    text: str,
    html: str = "",
    about: str = "",
    organization: str = "",
    recipient: str = "",
) -> Mail:
    """Send the mail once the transaction has committed. Raises `BadHeaderError`.

    `about` and the public id of the `recipient` stand in the story of the organization that it is about.
    """
    from pulse.tasks import deliver_mails

    if not is_one_line(subject):
        raise BadHeaderError(f"A subject is one line: {subject!r}")
    mail = Mail.objects.create(
        to=to,
        subject=subject,
        text=text,
        html=html,
        about=about,
        organization=organization,
        recipient=recipient,
    )
    deliver_mails.enqueue()
    return mail


def deliver() -> int:
    """Send what is due, the oldest first; how many. Safe to run by several workers at once."""
    due = Mail.objects.filter(due_at__lte=timezone.now()).order_by("due_at")[:MOST_AT_ONCE]
    return sum(_send(mail) for mail in due if _claim(mail))


def _claim(mail: Mail) -> bool:
    """Compare and swap on the moment at which it was due. Those before it may have taken minutes."""
    seen = Mail.objects.filter(pk=mail.pk, due_at=mail.due_at)
    return seen.update(due_at=timezone.now() + LEASE, attempts=mail.attempts + 1) == 1


def _send(mail: Mail) -> bool:
    message = EmailMultiAlternatives(mail.subject, mail.text, to=[mail.to])
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    try:
        message.send()
    except Exception:  # Whatever it was, it keeps no other mail from being sent.
        log.exception("a mail could not be sent", attempts=mail.attempts + 1)
        _postpone(mail)
        return False
    _forget(mail, outcome="sent")
    return True


def _postpone(mail: Mail) -> None:
    now = timezone.now()
    if now > mail.created_at + KEPT_FOR:
        _forget(mail, outcome="given_up")
        log.error("a mail was given up", attempts=mail.attempts + 1)
        return
    # A power of more than 6 is more than an hour.
    wait = min(timedelta(minutes=2 ** min(mail.attempts, 6)), LONGEST_WAIT)
    Mail.objects.filter(pk=mail.pk).update(due_at=now + wait)
    metrics.mails.labels(outcome="postponed").inc()


@transaction.atomic
def _forget(mail: Mail, *, outcome: str) -> None:
    """Delete it, and keep that it was sent or given up in the story of the organization it is about."""
    mail.delete()
    metrics.mails.labels(outcome=outcome).inc()
    if mail.organization:
        told = {"about": mail.about, "to": mail.recipient or "an address that has no account"}
        audit.record(f"mail.{outcome}", actor=OUTBOX, organization=mail.organization, after=told)
