"""Mails to owners: after the commit, once, in text and HTML."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from billing import mails, overrides
from billing.overrides import Wanted
from tests.factories import SYSTEM, make_organization

pytestmark = pytest.mark.usefixtures("database")


def queued() -> list[list[str]]:
    tasks = DBTaskResult.objects.filter(task_path="billing.tasks.mail_owners")
    return [task.args_kwargs["args"] for task in tasks]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(state="active"), "active"),
        (Wanted(state="grace"), "payment_failed"),
        (Wanted(state="expired"), "expired"),
        (Wanted(state="suspended"), "suspended"),
        (Wanted(state="canceled"), "canceled"),
        (Wanted(plan="team"), "plan_changed"),
    ],
)
def test_each_step_is_told_in_words(wanted: Wanted, expected: str) -> None:
    make_organization("acme")
    overrides.add("acme", wanted, actor=SYSTEM, reason="x")
    assert queued() == [["acme", expected]]
    assert mails.send("acme", expected) == 1
    [message] = mail.outbox
    assert message.to == ["owner@acme.example"]
    assert "Acme Ltd" in message.subject
    assert "Acme Ltd" in message.body
    assert message.alternatives[0].mimetype == "text/html"


def test_what_changes_nothing_that_people_notice_is_not_told() -> None:
    make_organization("acme")
    overrides.add("acme", Wanted(limits={"seats": 9}), actor=SYSTEM, reason="x")
    assert queued() == []


def test_names_cannot_write_html_into_a_mail() -> None:
    make_organization("acme", name="<b>Acme</b>".replace("/", ""))
    mails.send("acme", "active")
    assert "<b>" not in mail.outbox[0].alternatives[0].content
    assert "<b>Acme" in mail.outbox[0].body


def test_nobody_is_told_when_the_operator_switched_it_off(settings) -> None:
    settings.PULSE_NOTIFY_OWNERS = False
    make_organization("acme")
    assert mails.send("acme", "active") == 0
    assert mail.outbox == []


def test_a_trial_that_ends_soon_and_one_that_has_ended_are_told_once_each() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        assert mails.tell_of_trials(now=timezone.now()) == {"trial_ends": [], "trial_ended": []}
        clock.shift(timedelta(days=12))
        assert mails.tell_of_trials(now=timezone.now())["trial_ends"] == ["acme"]
        assert mails.tell_of_trials(now=timezone.now())["trial_ends"] == []
        clock.shift(timedelta(days=2))
        assert mails.tell_of_trials(now=timezone.now())["trial_ended"] == ["acme"]
        assert mails.tell_of_trials(now=timezone.now())["trial_ended"] == []
    assert [message.subject for message in mail.outbox] == [
        "Acme Ltd: the trial ends soon",
        "Acme Ltd: the trial has ended",
    ]


def test_who_has_subscribed_meanwhile_is_not_told_of_the_trial() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        overrides.add("acme", Wanted(state="active"), actor=SYSTEM, reason="pays")
        clock.shift(timedelta(days=12))
        assert mails.tell_of_trials(now=timezone.now())["trial_ends"] == []
