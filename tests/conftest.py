"""Every test works on a real, committed database and a data directory of its own.

Django's own flush cannot empty the audit log, whose triggers refuse it: the database is put back whole,
from a copy that was made after the migrations.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.test.utils import setup_databases, teardown_databases

from pulse import faults, limits
from rbac import databases, template
from tests import snapshots
from tests.api import Caller
from tests.factories import operator_token


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failure: everything that the tests need is there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = 1


@pytest.fixture(scope="session")
def built_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenant template, built once, so that each test's data directory gets it by a copy."""
    return tmp_path_factory.mktemp("template") / "rbac.db"


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path: Path, built_template: Path) -> Iterator[Path]:
    """A data directory of the test's own, with the tenant template in it."""
    settings.PULSE_DATA_DIR = tmp_path / "data"
    settings.PULSE_DATA_DIR.mkdir()
    ours = template._template_file()
    if built_template.exists():
        ours.parent.mkdir(parents=True)
        shutil.copyfile(built_template, ours)
    yield settings.PULSE_DATA_DIR
    databases.close_all()
    faults.disarm()
    if ours.exists() and not built_template.exists():
        shutil.copyfile(ours, built_template)


@pytest.fixture(autouse=True)
def static_files_on_demand(settings) -> None:
    """A new client does not look through the static files of all packages before its first request."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """No rate limit remembers an earlier test."""
    cache.clear()
    limits.forget()


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker) -> Iterator[None]:
    """One migrated test database for each worker process of pytest."""
    if connection.vendor == "sqlite":
        # Nothing here has to outlive a loss of power.
        connection.settings_dict["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
    else:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        connection.settings_dict["TEST"]["NAME"] = f"test_pulse_{worker}"
    with django_db_blocker.unblock():
        before = setup_databases(verbosity=0, interactive=False)
        yield
        teardown_databases(before, verbosity=0)


@pytest.fixture(scope="session")
def snapshot(django_db_setup: None, django_db_blocker) -> Iterator[snapshots.Snapshot]:
    with django_db_blocker.unblock():
        taken = snapshots.take(connection)
        yield taken
        taken.drop()


@pytest.fixture
def database(snapshot: snapshots.Snapshot, django_db_blocker) -> Iterator[None]:
    """The control database as the migrations leave it; what the test commits is undone after it."""
    with django_db_blocker.unblock():
        try:
            yield
        finally:
            connections.close_all()
            snapshot.restore()


@pytest.fixture
def operator(database: None) -> Caller:
    """An operator of the group `admin`, with a token."""
    return Caller(Client(), operator_token("admin"))


@pytest.fixture
def nobody(database: None) -> Caller:
    return Caller(Client(), None)
