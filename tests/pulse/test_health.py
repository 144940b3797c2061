"""`/healthz` and `/readyz`: each check fails for real, and the answer names it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from pulse import hosted_mode, jobs
from pulse.tasks import tidy
from tests import snapshots
from tests.api import Caller
from tests.factories import SYSTEM


@pytest.fixture
def processes(database: None) -> None:
    """A worker and a scheduler that have just beaten."""
    for role in ("worker", "scheduler"):
        jobs.beat(name=f"{role}-1", role=role, now=timezone.now())


@pytest.fixture
def lost_database(processes: None) -> Iterator[None]:
    """The database's name is one that is not there."""
    name = connection.settings_dict["NAME"]
    pool = connection.settings_dict["OPTIONS"].get("pool", {})
    patience = pool.get("timeout")
    snapshots.close_pools()
    connection.settings_dict["NAME"] = "/nonexistent/pulse.db" if connection.vendor == "sqlite" else "gone"
    pool |= {"timeout": 0.2} if pool else {}
    yield
    snapshots.close_pools()
    connection.settings_dict["NAME"] = name
    pool |= {"timeout": patience} if pool else {}


def failing(caller: Caller) -> dict[str, str]:
    """The checks that do not hold, by their names; the answer must agree with them."""
    answer = caller.get("/readyz")
    failed = {name: told for name, told in answer.json()["checks"].items() if told != "ok"}
    assert answer.status_code == (503 if failed else 200)
    assert answer.json()["status"] == ("not ready" if failed else "ready")
    return failed


def test_alive_asks_nothing(client) -> None:
    """Without access to any database, as pytest-django gives none here."""
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.usefixtures("processes")
def test_ready_when_everything_is_there(nobody: Caller) -> None:
    assert failing(nobody) == {}
    assert set(nobody.get("/readyz").json()["checks"]) == {
        "default", "migrations", "data_directory", "worker", "scheduler",
    }  # fmt: skip


@pytest.mark.usefixtures("processes")
def test_a_shut_gate_is_told_and_does_not_count(nobody: Caller) -> None:
    hosted_mode.kill(actor=SYSTEM)
    gate = {"open": False, "stage": "development", "reasons": ["the kill switch is on"]}
    assert failing(nobody) == {}
    assert nobody.get("/readyz").json()["gate"] == gate


@pytest.mark.usefixtures("processes")
def test_a_migration_that_is_not_applied(nobody: Caller) -> None:
    call_command("migrate", "pulse", "zero", fake=True, verbosity=0)
    assert failing(nobody)["migrations"].endswith("to apply: run manage.py migrate")


@pytest.mark.usefixtures("processes")
def test_a_data_directory_that_is_missing(nobody: Caller, settings) -> None:
    settings.PULSE_DATA_DIR = settings.PULSE_DATA_DIR / "missing"
    assert failing(nobody) == {"data_directory": "failed: FileNotFoundError"}


@pytest.mark.usefixtures("processes")
def test_a_data_directory_that_is_a_file(nobody: Caller, settings) -> None:
    settings.PULSE_DATA_DIR = settings.PULSE_DATA_DIR / "file"
    settings.PULSE_DATA_DIR.touch()
    assert failing(nobody) == {"data_directory": "failed: NotADirectoryError"}


@pytest.mark.parametrize("role", ["worker", "scheduler"])
def test_a_role_that_was_never_started(nobody: Caller, role: str) -> None:
    other = {"worker": "scheduler", "scheduler": "worker"}[role]
    jobs.beat(name="one", role=other, now=timezone.now())
    assert failing(nobody) == {role: f"no live {role}"}


@pytest.mark.usefixtures("processes")
def test_a_worker_whose_heart_stopped(nobody: Caller) -> None:
    later = timezone.now() + timedelta(seconds=61)
    jobs.beat(name="scheduler-1", role="scheduler", now=later)
    with time_machine.travel(later, tick=False):
        assert failing(nobody) == {"worker": "no live worker"}


@pytest.mark.usefixtures("processes")
def test_one_live_worker_of_several_is_enough(nobody: Caller) -> None:
    jobs.beat(name="worker-0", role="worker", now=timezone.now() - timedelta(hours=1))
    assert failing(nobody) == {}


@pytest.mark.usefixtures("lost_database")
def test_a_database_that_is_gone(client) -> None:
    checks = Caller(client, None).get("/readyz").json()["checks"]
    assert checks.pop("data_directory") == "ok"
    assert checks.pop("default") == "failed: OperationalError"
    assert set(checks.values()) == {"unknown: no database"}
    assert client.get("/readyz").status_code == 503


@pytest.mark.usefixtures("lost_database")
def test_without_a_database_the_process_is_alive_and_refuses_with_503(client) -> None:
    assert client.get("/healthz").status_code == 200
    refused = client.post("/api/public/signup", {}, content_type="application/json")
    assert (refused.status_code, refused["Retry-After"]) == (503, "1")


@pytest.mark.usefixtures("lost_database")
def test_without_a_database_metrics_go_on_without_what_is_counted_there(client) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert b"pulse_hosted_active_tenants" not in answer.content
    assert b"pulse_gate_refusals_total" in answer.content


@pytest.mark.usefixtures("lost_database")
def test_without_a_database_a_token_cannot_be_told_from_a_wrong_one(client) -> None:
    answer = client.get("/metrics", headers={"authorization": "Bearer pulse_x"}, REMOTE_ADDR="203.0.113.9")
    assert answer.status_code == 503


@pytest.mark.usefixtures("processes")
def test_a_table_that_cannot_be_read_fails_its_check_alone(nobody: Caller) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pulse_heartbeat RENAME TO lost_heartbeat")
    assert set(failing(nobody)) == {"worker", "scheduler"}


@pytest.mark.usefixtures("processes")
def test_the_gates_state_is_left_out_when_it_cannot_be_read(nobody: Caller) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pulse_killswitch RENAME TO lost_killswitch")
    assert failing(nobody) == {}
    assert "gate" not in nobody.get("/readyz").json()


@pytest.mark.usefixtures("processes")
def test_the_age_of_the_oldest_waiting_task_is_told(nobody: Caller) -> None:
    tidy.enqueue()
    now = DBTaskResult.objects.get().enqueued_at + timedelta(seconds=30)
    with time_machine.travel(now, tick=False):
        assert nobody.get("/readyz").json()["oldest_waiting_task_seconds"] == 30.0
