"""`manage.py slo`: what is left of each error budget, and the files for Prometheus and Grafana."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command

from tests import needs
from tests.api import Caller
from tests.factories import UserFactory, make_operator
from tests.monitoring import prometheus, remember
from tests.processes import free_port, manage
from tests.runbooks.recorded import series

SHIPPED = settings.BASE_DIR / "docs" / "monitoring"
NAMES = {"admin_api", "signup", "provisioning", "billing_propagation", "lifecycle"}


def slo(*arguments: str) -> tuple[int, str]:
    """The exit code and the output."""
    out = StringIO()
    try:
        call_command("slo", *arguments, stdout=out)
    except SystemExit as ended:
        return ended.code, out.getvalue()
    return 0, out.getvalue()


def status() -> tuple[int, dict[str, dict[str, object]]]:
    code, said = slo("status", "--json")
    return code, {one["slo"]: one for one in json.loads(said)}


def requests_of_a_week(failed: int, *, served: int) -> dict[str, float]:
    counted = {"served": served, "failed": failed, "refused": 1_000_000}
    return {
        series("pulse_http_requests_total", area="admin_api", outcome=outcome): total
        for outcome, total in counted.items()
    }


def provisionings_of_a_day(slow: int, *, good: int) -> dict[str, float]:
    name = "pulse_hosted_provision_seconds"
    return {series(f"{name}_bucket", le="2.0"): good, series(f"{name}_count"): good + slow}


FILES = [("pulse.rules.yml", "rules"), ("pulse.dashboard.json", "dashboard")]


@pytest.mark.parametrize(("file", "verb"), FILES)
def test_the_shipped_files_are_in_step(file: str, verb: str) -> None:
    assert (SHIPPED / file).read_text() == slo(verb)[1]


@pytest.mark.parametrize("verb", ["rules", "dashboard"])
def test_a_file_can_be_written(tmp_path: Path, verb: str) -> None:
    assert slo(verb, "--output", str(tmp_path / "file")) == (0, "")
    assert (tmp_path / "file").read_text() == slo(verb)[1]


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        slo("rules", "--output", str(tmp_path / "nowhere" / "file"))


@pytest.mark.parametrize("speedup", ["0", "-1", "1001", "fast", "1.5"])
def test_windows_are_divided_by_a_whole_number(speedup: str) -> None:
    with pytest.raises(CommandError, match="from 1 to 1000"):
        slo("rules", "--speedup", speedup)


@needs.promtool
def test_half_of_a_weeks_budget_is_left(settings, tmp_path: Path) -> None:
    remember(tmp_path, requests_of_a_week(50, served=99_950), days=8)
    with prometheus(tmp_path) as settings.PULSE_PROMETHEUS_URL:
        code, found = status()
    assert code == 0
    told = found["admin_api"]
    assert (told["source"], told["note"], told["exhausted"]) == ("prometheus", "", False)
    assert told["budget_left"] == pytest.approx(0.5, abs=0.001)
    assert told["current"] == pytest.approx(0.9995, abs=0.00001)
    assert told["counted"] == pytest.approx(100_000 * 7 / 8, rel=0.01)


@needs.promtool
def test_an_exhausted_budget_ends_with_1_and_says_so(settings, tmp_path: Path) -> None:
    recorded = requests_of_a_week(0, served=1000) | provisionings_of_a_day(60, good=940)
    remember(tmp_path, recorded, days=1)
    with prometheus(tmp_path) as settings.PULSE_PROMETHEUS_URL:
        code, found = status()
        _, table = slo("status")
    assert code == 1
    assert [name for name, told in found.items() if told["exhausted"]] == ["provisioning"]
    assert found["provisioning"]["budget_left"] == pytest.approx(-0.2, abs=0.01)
    assert "provisioning\t95 % within 2 s\t1d\t94.000%\t" in table


@needs.prometheus
def test_a_prometheus_that_has_never_scraped_pulse_is_told_of(settings, tmp_path: Path) -> None:
    with prometheus(tmp_path) as settings.PULSE_PROMETHEUS_URL:
        code, found = status()
    assert code == 0
    assert found.keys() == NAMES
    assert {told["note"] for told in found.values()} == {
        "Prometheus has no counts for some objectives: is the job named pulse?"
    }


@contextmanager
def answering(body: bytes, *, missing: int = 0) -> Iterator[str]:
    """A server that is no Prometheus, or one that ends some bytes too early: its base URL."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + missing))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_without_prometheus_own_counts_are_told_with_a_note(settings) -> None:
    settings.PULSE_PROMETHEUS_URL = f"http://127.0.0.1:{free_port()}"
    _, found = status()
    assert {told["source"] for told in found.values()} == {"own counts"}
    assert all("Prometheus does not answer" in told["note"] for told in found.values())


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>", b"{}", b"[]", b"null", b'{"data": {"result": 7}}', b"\xff",
        b'{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}}',
        b'{"data": {"result": [{"metric": {"slo": "signup"}, "value": [1, "many"]}]}}',
    ],
)  # fmt: skip
def test_what_is_no_prometheus_is_not_believed(settings, body: bytes) -> None:
    with answering(body) as settings.PULSE_PROMETHEUS_URL:
        _, found = status()
    assert {told["source"] for told in found.values()} == {"own counts"}


def test_an_answer_that_breaks_off_is_not_believed(settings) -> None:
    with answering(b'{"data": {"result": [', missing=100) as settings.PULSE_PROMETHEUS_URL:
        _, found = status()
    assert {told["source"] for told in found.values()} == {"own counts"}


def test_own_counts_are_told_with_a_note(operator: Caller) -> None:
    before = status()[1]["admin_api"]["counted"]
    operator.get("/api/admin/orgs")
    _, found = status()
    assert found["admin_api"]["counted"] == before + 1
    assert found["admin_api"]["source"] == "own counts"
    assert "since their start, not over the window: PULSE_PROMETHEUS_URL is not set" in slo("status")[1]


def test_the_budgets_are_not_for_an_operator_who_may_read_nothing(database) -> None:
    nobody = UserFactory(is_staff=True)
    assert slo("status", "--actor", nobody.email)[0] == 1
    assert slo("status", "--json", "--actor", make_operator("support").email)[1].startswith("[")


def test_a_command_tells_what_the_served_processes_have_counted(database) -> None:
    """They count into a folder of the data directory, here by one process after the other."""
    served = settings.PULSE_DATA_DIR / "metrics"
    served.mkdir()
    for name in ("acme", "bolt"):
        wanted = ("--email", f"owner@{name}.example", "--name", name)
        assert manage("provision", *wanted, PROMETHEUS_MULTIPROC_DIR=str(served)).returncode == 0
    told = status()[1]["provisioning"]
    assert (told["counted"], told["bad"], told["source"]) == (2, 0, "own counts")


@pytest.mark.parametrize("verb", ["rules", "dashboard"])
def test_what_is_for_other_programs_is_one_json_document_too(tmp_path: Path, verb: str) -> None:
    file = tmp_path / "made.json"
    _, printed = slo(verb, "--json")
    _, told = slo(verb, "--json", "--output", str(file))

    assert json.loads(printed) == json.loads(file.read_text())
    assert json.loads(told) == {"output": str(file)}


def test_the_rules_are_the_same_in_json_as_in_yaml() -> None:
    assert json.loads(slo("rules", "--json", "--speedup", "60")[1]) == yaml.safe_load(
        slo("rules", "--speedup", "60")[1]
    )
