"""Mails to owners: after the commit, once, in text and HTML."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.mail import BadHeaderError
from django.utils import timezone
from django.utils.html import escape
from django_tasks_db.models import DBTaskResult

from billing import mails, overrides, subscriptions
from billing.models import Subscription
from billing.overrides import Wanted
from pulse import outbox
from tenants.models import Organization
from tests.factories import SYSTEM, make_organization

pytestmark = pytest.mark.usefixtures("database")


def sent(organization_id: str, name: str) -> int:
    """What the worker does with a queued mail; how many were written to."""
    told = mails.send(organization_id, name)
    assert outbox.deliver() == told
    return told


def queued() -> list[list[str]]:
    tasks = DBTaskResult.objects.filter(task_path="billing.tasks.mail_owners")
    return [task.args_kwargs["args"] for task in tasks]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(state="active"), "active"),
        (Wanted(state="grace"), "payment_due"),
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
    assert sent("acme", expected) == 1
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
    sent("acme", "trial_ends")
    assert "<b>" not in mail.outbox[0].alternatives[0].content
    assert "<b>Acme" in mail.outbox[0].body


def test_nobody_is_told_when_the_operator_switched_it_off(settings) -> None:
    settings.PULSE_NOTIFY_OWNERS = False
    make_organization("acme")
    assert sent("acme", "trial_ends") == 0
    assert mail.outbox == []


def test_what_is_not_true_any_more_is_not_told() -> None:
    make_organization("acme")
    assert sent("acme", "payment_due") == 0
    assert sent("acme", "trial_ends") == 1


# What the clock does is told too, once, whatever the worker missed.


def told() -> dict[str, list[str]]:
    return mails.tell_of_ends(now=timezone.now())


def test_a_trial_that_ends_soon_and_one_that_has_ended_are_told_once_each() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        assert told() == {}
        clock.shift(timedelta(days=12))
        assert [told(), told()] == [{"trial_ends": ["acme"]}, {}]
        clock.shift(timedelta(days=2))
        assert [told(), told()] == [{"trial_ended": ["acme"]}, {}]
    assert sorted(queued()) == [["acme", "trial_ended"], ["acme", "trial_ends"]]


def test_a_clock_that_is_set_back_an_hour_tells_nothing_twice() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        clock.shift(timedelta(days=14))
        told()
        clock.shift(-timedelta(hours=1))
        told()
        clock.shift(timedelta(hours=1))
        told()
    assert sorted(queued()) == [["acme", "trial_ended"], ["acme", "trial_ends"]]


def test_a_worker_that_was_down_for_a_day_tells_of_it_afterwards() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        clock.shift(timedelta(days=15))
        assert told() == {"trial_ended": ["acme"]}


def test_who_has_subscribed_meanwhile_is_not_told_of_the_trial() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        overrides.add("acme", Wanted(state="active"), actor=SYSTEM, reason="pays")
        clock.shift(timedelta(days=12))
        assert told() == {}
        clock.shift(timedelta(days=3))
        assert told() == {}


def test_an_extended_trial_is_told_by_its_own_end() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        until = timezone.now() + timedelta(days=40)
        overrides.extend_trial("acme", until=until, actor=SYSTEM, reason="asked")
        clock.shift(timedelta(days=15))
        assert told() == {}
        clock.shift(timedelta(days=23))
        assert told() == {"trial_ends": ["acme"]}
        clock.shift(timedelta(days=3))
        assert told() == {"trial_ended": ["acme"]}


def test_the_end_of_a_grace_is_told_and_stripes_word_on_it_is_not_told_again() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        ends_at = timezone.now() + timedelta(days=2)
        subscriptions.set_state("acme", state="grace", grace_ends_at=ends_at, actor=SYSTEM)
        assert told() == {}
        clock.move_to(ends_at)
        assert told() == {"expired": ["acme"]}
        subscriptions.set_state("acme", state="expired", actor=SYSTEM)
    assert sorted(queued()) == [["acme", "expired"], ["acme", "payment_due"]]


def test_a_cancellation_to_the_end_of_the_period_is_told_at_that_end() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        ends_at = timezone.now() + timedelta(days=2)
        subscriptions.set_state("acme", state="active", actor=SYSTEM)
        Subscription.objects.update(cancel_at_period_end=True, period_ends_at=ends_at)
        clock.move_to(ends_at)
        assert told() == {"canceled": ["acme"]}


def test_what_the_clock_has_ended_and_a_change_meets_first_is_told_with_the_change() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        clock.shift(timedelta(days=14))
        overrides.add("acme", Wanted(limits={"seats": 9}), actor=SYSTEM, reason="x")
        assert told() == {}
    assert queued() == [["acme", "trial_ended"]]


def test_an_override_that_ends_brings_back_what_is_below_and_that_is_told() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_organization("acme")
        subscriptions.set_state("acme", state="expired", actor=SYSTEM)
        until = timezone.now() + timedelta(days=3)
        overrides.grant_grace("acme", until=until, actor=SYSTEM, reason="bank holiday")
        clock.move_to(until)
        assert told() == {"expired": ["acme"]}


def test_nothing_is_told_to_an_organization_without_a_subscription() -> None:
    now = timezone.now()
    overrides.add(
        "default", Wanted(state="active", valid_until=now + timedelta(days=1)), actor=SYSTEM, reason="x"
    )
    assert mails.tell_of_ends(now=now + timedelta(days=2)) == {}
    assert queued() == []


# Read aloud.


@pytest.mark.parametrize("name", list(mails.SUBJECTS))
def test_each_mail_is_whole_sentences_in_text_and_the_same_in_html(name: str, settings) -> None:
    settings.PULSE_SUPPORT_CONTACT = "help@pulse.example"
    make_organization("acme", name="Smith & Sons")
    state = mails.STILL_TRUE.get(name, "active")
    ends_at = timezone.now() + timedelta(days=2)
    subscriptions.set_state("acme", state=state, trial_ends_at=ends_at, actor=SYSTEM)
    sent("acme", name)
    [message] = mail.outbox
    [_, sentences, *_] = message.body.split("\n\n")
    assert sentences.startswith(("Smith & Sons ", "The ", "A "))
    assert sentences.endswith(".")
    assert "  " not in sentences
    assert "None" not in sentences
    assert escape(sentences) in message.alternatives[0].content
    assert "help@pulse.example" in message.body


def test_a_payment_that_is_due_says_until_when_the_service_goes_on() -> None:
    make_organization("acme")
    ends_at = datetime(2030, 1, 15, 12, tzinfo=UTC)
    subscriptions.set_state("acme", state="grace", grace_ends_at=ends_at, actor=SYSTEM)
    sent("acme", "payment_due")
    assert "until 15 January 2030, 12:00 UTC" in mail.outbox[0].body


def test_a_name_cannot_write_a_header() -> None:
    make_organization("acme")
    Organization.objects.filter(id="acme").update(display_name="Acme\nBcc: all@example.com")
    with pytest.raises(BadHeaderError):
        sent("acme", "trial_ends")
    assert mail.outbox == []
