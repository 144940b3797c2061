"""The outbox: a mail is sent after the commit, once, and outlives a mail server that is down."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.message import Message

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone

from pulse import outbox, tasks
from pulse.models import AuditEvent, Mail
from tests.processes import free_port
from tests.tenants.scrape import value_of

pytestmark = pytest.mark.usefixtures("database")


class Inbox(MessageHandler):
    """What has arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.received.append(message)


class Post:
    """A mail server on loopback that can be taken down and brought up again."""

    def __init__(self, port: int) -> None:
        self.inbox = Inbox()
        self.server = Controller(self.inbox, hostname="127.0.0.1", port=port)

    @property
    def received(self) -> list[Message]:
        return self.inbox.received


@pytest.fixture
def post(settings) -> Iterator[Post]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    post = Post(settings.EMAIL_PORT)
    yield post
    if post.server.loop.is_running():
        post.server.stop()


def write() -> Mail:
    return outbox.put(to="ann@example.com", subject="Hello", text="text", html="<p>html</p>")


def test_a_mail_arrives_with_both_parts_and_is_forgotten(post: Post) -> None:
    post.server.start()
    write()
    assert tasks.deliver_mails.call() == 1
    [message] = post.received
    assert (message["To"], message["Subject"]) == ("ann@example.com", "Hello")
    assert [part.get_content_type() for part in message.get_payload()] == ["text/plain", "text/html"]
    assert not Mail.objects.exists()


def test_it_is_sent_once_however_often_the_job_runs(post: Post) -> None:
    post.server.start()
    write()
    for _ in range(3):
        tasks.deliver_mails.call()
    assert len(post.received) == 1


def test_a_change_that_is_undone_tells_nobody(post: Post) -> None:
    @transaction.atomic
    def change() -> None:
        write()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        change()
    assert tasks.deliver_mails.call() == 0


def test_a_dead_server_delays_it(post: Post) -> None:
    write()
    assert outbox.deliver() == 0
    post.server.start()
    assert outbox.deliver() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=1, seconds=1)):
        assert outbox.deliver() == 1
    assert len(post.received) == 1


def test_it_is_tried_less_and_less_often_and_given_up_after_a_day(post: Post) -> None:
    before = value_of("pulse_mails_total", outcome="given_up")
    write()
    now, tries = timezone.now(), 0
    while mail := Mail.objects.first():
        now = max(now, mail.due_at)
        with time_machine.travel(now, tick=False):
            outbox.deliver()
        tries += 1
    assert 24 < tries < 40
    assert value_of("pulse_mails_total", outcome="given_up") == before + 1


def test_one_that_cannot_be_sent_keeps_no_other_from_it(post: Post) -> None:
    post.server.start()
    Mail.objects.filter(pk=write().pk).update(subject="Hello\nBcc: eve@example.com")
    write()
    assert outbox.deliver() == 1
    assert Mail.objects.get().attempts == 1


def test_what_a_dead_worker_had_taken_is_sent_after_its_lease(post: Post) -> None:
    post.server.start()
    mail = write()
    assert outbox._claim(mail)
    assert outbox.deliver() == 0
    with time_machine.travel(timezone.now() + outbox.LEASE + timedelta(seconds=1)):
        assert outbox.deliver() == 1


class Slow(BaseEmailBackend):
    """A mail server that takes longer for the first mail than a lease lasts."""

    taken = 0

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        Slow.taken += 1
        if Slow.taken == 1:
            self.clock.shift(outbox.LEASE + timedelta(minutes=1))
        else:
            outbox.deliver()  # Another worker looks for mails.
        return len(messages)


def test_a_mail_that_waited_long_for_others_is_still_sent_once(settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Slow"
    write()
    write()
    Slow.taken = 0
    with time_machine.travel(timezone.now()) as Slow.clock:
        assert outbox.deliver() == 2
    assert Slow.taken == 2


def write_about(organization: str) -> Mail:
    return outbox.put(
        to="ann@example.com", subject="Hello", text="text", about="billing/grace", organization=organization
    )


def story_of(organization: str) -> list[tuple[str, str]]:
    events = AuditEvent.objects.filter(organization=organization, verb__startswith="mail.")
    return [(event.verb, event.after["about"]) for event in events]


def test_a_mail_about_an_organization_stands_in_its_story_once_it_is_sent(post: Post) -> None:
    write_about("acme")
    write()
    assert outbox.deliver() == 0
    assert story_of("acme") == []
    post.server.start()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert outbox.deliver() == 2
    assert story_of("acme") == [("mail.sent", "billing/grace")]
    assert story_of("") == []


def test_one_that_was_given_up_stands_there_too(post: Post) -> None:
    mail = write_about("acme")
    with time_machine.travel(mail.created_at + timedelta(days=2)):
        outbox.deliver()
    assert story_of("acme") == [("mail.given_up", "billing/grace")]
