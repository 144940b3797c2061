"""Two operators at once, in two processes: one wins, the other is refused."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from pulse.models import AuditEvent
from tenants.models import Organization
from tests.processes import ROOT, environment

RACES = 200


@pytest.fixture
def racers(database: None) -> Iterator[list["subprocess.Popen[str]"]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.tenants.racer"],
            cwd=ROOT,
            env=environment(DJANGO_SETTINGS_MODULE="pulse.settings"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for _ in range(2)
    ]
    try:
        assert [answer(racer) for racer in started] == ["ready", "ready"]
        yield started
    finally:
        for racer in started:
            racer.communicate(timeout=30)


def answer(racer: "subprocess.Popen[str]") -> str:
    return racer.stdout.readline().strip()


def test_exactly_one_of_two_suspensions_wins_each_time(racers) -> None:
    ids = [f"org-{number}" for number in range(RACES)]
    Organization.objects.bulk_create(Organization(id=one, display_name=one) for one in ids)
    for one in ids:
        for racer in racers:
            racer.stdin.write(one + "\n")
        assert sorted(map(answer, racers)) == ["409 already_suspended", "won"]
    assert AuditEvent.objects.filter(verb="organization.suspend").count() == RACES
