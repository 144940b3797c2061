"""The jobs of tenants: what a schedule or a verb queues, a worker carries out; twice changes nothing."""

from pathlib import Path

import pytest
from django.core import mail
from django.core.management import call_command

from pulse.models import AuditEvent, Schedule
from tenants import lifecycle, tasks
from tenants.models import Organization
from tests.factories import SYSTEM, make_organization
from tests.tenants.states import organization_in

pytestmark = pytest.mark.usefixtures("database")


def work() -> None:
    """Carry out all that is queued."""
    call_command("db_worker", batch=True, worker_id="test", verbosity=0)


def test_the_reaper_purges_once_however_often_it_runs() -> None:
    organization_in("past its retention")
    tasks.reap.enqueue()
    tasks.reap.enqueue()
    work()
    assert Organization.objects.get(id="acme").status == "purged"
    [event] = AuditEvent.objects.filter(verb="organization.purge")
    assert (event.actor, event.door) == ("job:reap", "job")


def test_the_reaper_tells_how_many_it_purged() -> None:
    organization_in("past its retention")
    assert (tasks.reap.call(), tasks.reap.call()) == (1, 0)


def test_reconciliation_clears_leftovers(data_dir: Path) -> None:
    (data_dir / "orgs" / "ghost").mkdir(parents=True)
    tasks.reconcile.enqueue()
    work()
    assert not (data_dir / "orgs" / "ghost").exists()


def test_the_worker_sends_what_a_suspension_queued() -> None:
    make_organization("acme")
    lifecycle.suspend("acme", actor=SYSTEM)
    work()
    assert [sent.subject for sent in mail.outbox] == ["Acme Ltd is suspended"]


def test_the_jobs_are_scheduled() -> None:
    scheduled = set(Schedule.objects.values_list("task", flat=True))
    assert {"tenants.tasks.reap", "tenants.tasks.reconcile"} <= scheduled
