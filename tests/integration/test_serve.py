"""`make run`'s core: one command starts everything, says what an operator needs, and stops everything."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from tests.integration.serving import Installation, alive, family_of, installation, serve
from tests.processes import free_port, wait_for

PASSWORD = re.compile(r"Created the operator (\S+)\. Password, shown only once: (\S+)")


@dataclass
class Start:
    """What a start has printed, and how it ended."""

    said: str
    exit_code: int
    processes: int
    left_over: list[int]


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Start]]:
    """An installation after its first start, with two web workers, which SIGTERM has stopped."""
    with installation(tmp_path_factory.mktemp("installation")) as ours:
        with serve(ours, PULSE_WORKERS="2") as running:
            assert requests.get(running.base + "/readyz", timeout=10).json()["status"] == "ready"
            family = family_of(running.process.pid)
            exit_code = running.end(signal.SIGTERM)
            ended = Start(ours.log.read_text(), exit_code, len(family), alive(family))
        yield ours, ended


@pytest.fixture
def installed(first_start: tuple[Installation, Start]) -> Installation:
    return first_start[0]


def sign_in(base: str, email: str, password: str) -> requests.Response:
    browser = requests.Session()
    browser.get(f"{base}/account/login/", timeout=10)
    form = {"login": email, "password": password, "next": "/admin/"}
    form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
    return browser.post(f"{base}/account/login/", data=form, timeout=10, allow_redirects=False)


def operate(ours: Installation, *arguments: str) -> None:
    done = ours.manage(*arguments)
    assert done.returncode == 0, done.stderr


def test_the_first_start_prints_one_password_and_the_admins_address(first_start):
    _, first = first_start

    assert len(PASSWORD.findall(first.said)) == 1
    assert re.search(r"^Pulse is ready: http://127\.0\.0\.1:\d+/admin/$", first.said, re.MULTILINE)


def test_a_signal_stops_all_processes_together(first_start):
    _, first = first_start

    # Web with its two, worker and scheduler, and what a job may have started.
    assert first.processes >= 5
    assert (first.exit_code, first.left_over) == (0, [])


def test_a_second_start_keeps_all_data_and_prints_no_password(first_start):
    ours, first = first_start
    ((email, password),) = PASSWORD.findall(first.said)

    with serve(ours) as running:
        signed_in = sign_in(running.base, email, password)

    assert (signed_in.status_code, signed_in.headers["Location"]) == (302, "/admin/")
    assert "assword" not in ours.log.read_text()


@pytest.mark.drill
def test_the_environment_may_give_the_first_password(tmp_path):
    with installation(tmp_path) as ours, serve(ours, PULSE_OPERATOR_PASSWORD="correct horse") as running:
        signed_in = sign_in(running.base, "operator@localhost", "correct horse")
        said = ours.log.read_text()

    assert signed_in.status_code == 302
    assert "correct horse" not in said


@pytest.mark.drill
def test_it_listens_on_ipv6_and_is_ready_under_the_host_names_of_production(installed: Installation):
    with serve(installed, PULSE_HOST="::1", PULSE_ALLOWED_HOSTS="pulse.example.com"):
        assert "Pulse is ready: http://[::1]:" in installed.log.read_text()


@pytest.mark.drill
def test_an_interrupt_stops_all_processes_together(installed: Installation):
    with serve(installed) as running:
        family = family_of(running.process.pid)

        assert running.end(signal.SIGINT) == 0
        assert alive(family) == []


@pytest.mark.parametrize(
    "name",
    ["worker", *(pytest.param(name, marks=pytest.mark.drill) for name in ("web", "scheduler"))],
)
def test_a_process_that_dies_takes_the_others_with_it(installed: Installation, name: str):
    with serve(installed) as running:
        family = family_of(running.process.pid)
        os.kill(running.children()[name], signal.SIGKILL)
        exit_code = running.process.wait(30)

        assert exit_code == 1
        assert f"The {name} ended with -9; stopping all." in running.log.read_text()
        wait_for(lambda: alive(family) == [], what="all processes to end")


@pytest.mark.drill
def test_killing_the_parent_leaves_no_child(installed: Installation):
    with serve(installed) as running:
        family = family_of(running.process.pid)
        running.end(signal.SIGKILL)

        wait_for(lambda: alive(family) == [], what="all processes to end")


def test_a_port_in_use_is_said_before_anything_is_changed(tmp_path):
    port = free_port()
    with installation(tmp_path) as ours, socket.create_server(("127.0.0.1", port)):
        done = ours.manage("serve", PULSE_PORT=str(port))

    assert done.returncode == 1
    assert f"Pulse cannot listen on 127.0.0.1:{port}: Address already in use." in done.stderr
    assert "assword" not in done.stdout


@pytest.mark.drill
def test_a_jobs_mail_is_sent_by_the_worker(installed: Installation):
    mails = installed.mails
    with serve(installed):
        operate(installed, "provision", "--email", "owner@acme.example", "--name", "Acme Ltd", "--id", "acme")
        operate(installed, "suspend", "acme", "--reason", "late")

        wait_for(
            lambda: any("Subject: Acme Ltd is suspended" in mail.read_text() for mail in mails.glob("*")),
            what="the mail",
            log=installed.log,
        )
