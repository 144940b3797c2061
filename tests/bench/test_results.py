"""What `make bench` prints and keeps, from given measurements."""

import json
from datetime import UTC, datetime

import pytest
import time_machine
from rich.console import Console

from bench import measure, results
from bench.results import Result

WITHIN = Result("warm check, to one SQL join", 8.0, 5.0, "µs", 2.0)
OVER = Result("lifecycle verb, p95, to its limit", 6.0, 5.0, "ms", 1.0)
INFORMATION = Result("new tenant database, to migrate", 1.0, 8.0, "ms")


def rows(*found: Result) -> list[dict[str, object]]:
    return [result.as_json() for result in found]


def test_a_row_has_the_measurements_their_ratio_and_whether_the_budget_holds():
    assert WITHIN.as_json() == {
        "name": "warm check, to one SQL join",
        "ours": 8.0,
        "against": 5.0,
        "unit": "µs",
        "ratio": 1.6,
        "budget": 2.0,
        "within": True,
    }


@pytest.mark.parametrize(
    ("result", "within"), [(WITHIN, True), (OVER, False), (INFORMATION, None)], ids=lambda value: str(value)
)
def test_a_budget_holds_up_to_its_ratio(result, within):
    assert result.within is within


def test_a_ratio_that_is_the_budget_is_within_it():
    assert Result("gate", 7.0, 5.0, "µs", 1.4).within


@pytest.mark.parametrize(("found", "code"), [((WITHIN, INFORMATION), 0), ((WITHIN, OVER), 1)])
def test_only_a_missed_budget_fails_the_command(found, code):
    assert results.exit_code(rows(*found)) == code


def test_the_file_names_the_machine_the_versions_and_the_date(tmp_path):
    results.write(rows(WITHIN, OVER), load=0.5, file=tmp_path / "results.json")
    document = json.loads((tmp_path / "results.json").read_text())
    assert set(document) == {"machine", "versions", "date", "results"}
    assert set(document["machine"]) == {"processors", "load", "architecture", "system"}
    assert {"Python", "SQLite", "Django"} <= set(document["versions"])
    assert document["results"] == rows(WITHIN, OVER)


@time_machine.travel(datetime(2026, 3, 1, 12, 30, tzinfo=UTC), tick=False)
def test_the_date_is_an_instant_in_utc():
    assert results.document([], load=0.5)["date"] == "2026-03-01T12:30:00+00:00"


def test_the_table_has_a_line_for_each_row_and_marks_a_missed_budget():
    console = Console(width=120)
    with console.capture() as captured:
        console.print(results.table(rows(WITHIN, OVER, INFORMATION)))
    marks = [line.split("│")[-2].strip() for line in captured.get().splitlines() if ", to " in line]
    assert marks == ["yes", "NO", ""]


def test_the_p95_is_that_of_most_fifties():
    calm, hiccup = [1000.0] * 50, [90_000.0] * 50
    assert measure.p95_milliseconds(calm + hiccup + calm) == 1.0


def test_a_rotation_turns_to_every_tenant_before_one_comes_again():
    visited: list[int] = []

    def visit(number: int) -> measure.Work:
        visited.append(number)
        return lambda: None

    measure.alternately(measure.Rotation(visit, 10), rounds=7, calls=5, title="rotation")
    assert sorted(visited) == list(range(10))


def test_what_is_timed_elsewhere_is_taken_as_told():
    class Remote:
        def microseconds(self, calls: int) -> float:
            return 40.0 / calls

    assert measure.alternately(Remote(), rounds=2, calls=4, title="remote") == [[10.0, 10.0]]


def test_a_row_is_read_back_as_it_was_written():
    watched = Result("memory, to the first quarter", 1.0, 1.0, "MiB", 1.05, [(0.0, 1.0)])
    assert [Result.from_json(result.as_json()) for result in (WITHIN, watched)] == [WITHIN, watched]


def test_contenders_take_turns():
    took: list[str] = []
    measured = measure.alternately(
        lambda: took.append("a"), lambda: took.append("b"), rounds=2, calls=2, title="turns"
    )
    assert "".join(took[-8:]) in ("aabbbbaa", "bbaaaabb")
    assert [len(values) for values in measured] == [2, 2]
