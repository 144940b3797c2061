"""`python -m bench.charts`: which rows of the results are one chart."""

import pytest

from bench import results
from bench.results import Result
from tests import needs

pytestmark = needs.matplotlib

BARS = [
    Result("a new database, to a clone", 1.0, 0.5, "µs", 3.0),
    Result("a new database, to migrate", 1.0, 80.0, "µs"),
]
LINES = [
    Result("check among 10 tenants, to pycasbin", 9.0, 90.0, "µs"),
    Result("check among 10,000 tenants, to pycasbin", 9.1, 91.0, "µs"),
]
WATCHED = [Result("memory, to the first quarter", 101.0, 100.0, "MiB", 1.05, [(0.0, 100.0), (60.0, 101.0)])]


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (BARS, ["a-new-database"]),
        (LINES + WATCHED, ["check-among-tenants", "memory"]),
    ],
)
def test_the_rows_of_one_subject_are_one_chart(rows, names, tmp_path):
    from bench import charts

    document = results.document([row.as_json() for row in rows], load=0.1)
    files = charts.draw(document, into=tmp_path)
    assert [file.stem for file in files] == names
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)


def test_charts_of_an_earlier_run_make_way(tmp_path):
    from bench import charts

    charts.draw(results.document([row.as_json() for row in BARS], load=0.1), into=tmp_path)
    charts.draw(results.document([row.as_json() for row in WATCHED], load=0.1), into=tmp_path)
    assert [file.name for file in tmp_path.glob("*.png")] == ["memory.png"]


def test_one_chart_has_one_unit(tmp_path):
    from bench import charts

    rows = [BARS[0].as_json(), BARS[1].as_json() | {"unit": "ms"}]
    with pytest.raises(ValueError, match=r"a new database: .* different units"):
        charts.draw(results.document(rows, load=0.1), into=tmp_path)


def test_the_machine_what_ran_and_the_date_are_in_the_picture():
    from bench import charts

    document = results.document([], load=0.1)
    footer = charts.described(document)
    assert document["date"] in footer
    assert f"{document['machine']['processors']} processors" in footer
    assert f"Django {document['versions']['Django']}" in footer
