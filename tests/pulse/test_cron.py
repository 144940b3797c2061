"""When a cron expression fires, above all on the two days a year on which clocks are moved."""

from datetime import UTC, datetime

import pytest

from pulse import cron

BERLIN = "Europe/Berlin"
# Clocks go from 02:00 to 03:00 at 01:00 UTC.
BEFORE_THE_GAP = datetime(2026, 3, 28, 22, 45, tzinfo=UTC)
# Clocks go from 03:00 to 02:00 at 01:00 UTC.
BEFORE_THE_OVERLAP = datetime(2026, 10, 24, 22, 45, tzinfo=UTC)


def fires(expression: str, after: datetime, count: int, time_zone: str = BERLIN) -> list[str]:
    found = cron.next_firings(expression, after, time_zone, count)
    return [one.astimezone(UTC).strftime("%d %H:%M") for one in found]


def test_the_hour_is_the_time_zones() -> None:
    assert fires("30 2 * * *", datetime(2026, 7, 1, tzinfo=UTC), 1) == ["01 00:30"]
    assert fires("30 2 * * *", datetime(2026, 1, 1, tzinfo=UTC), 1) == ["01 01:30"]
    assert fires("30 2 * * *", datetime(2026, 7, 1, tzinfo=UTC), 1, "UTC") == ["01 02:30"]


def test_a_firing_in_the_gap_happens_at_its_end_and_once() -> None:
    assert fires("30 2 * * *", BEFORE_THE_GAP, 2) == ["29 01:00", "30 00:30"]


def test_an_hourly_job_goes_on_by_the_hour_over_the_gap() -> None:
    assert fires("0 * * * *", BEFORE_THE_GAP, 4) == ["28 23:00", "29 00:00", "29 01:00", "29 02:00"]


def test_a_firing_in_the_overlap_happens_once() -> None:
    assert fires("30 2 * * *", BEFORE_THE_OVERLAP, 2) == ["25 00:30", "26 01:30"]


def test_an_hourly_job_goes_on_by_the_hour_over_the_overlap() -> None:
    assert fires("0 * * * *", BEFORE_THE_OVERLAP, 4) == ["24 23:00", "25 00:00", "25 01:00", "25 02:00"]


def test_asked_within_the_second_of_the_two_hours_the_day_is_done() -> None:
    assert fires("30 2 * * *", datetime(2026, 10, 25, 1, 10, tzinfo=UTC), 1) == ["26 01:30"]


def test_half_an_hour_is_left_out_where_that_is_the_custom() -> None:
    assert fires("15 2 * * *", datetime(2026, 10, 3, 10, tzinfo=UTC), 2, "Australia/Lord_Howe") == [
        "03 15:30",
        "04 15:15",
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "every day",
        "61 * * * *",
        "0 0 30 2 *",
        "* * * * * *",
        "@daily",
        "R R * * *",
        "1,h * * * *",
        "* * *",
    ],
)
def test_an_expression_that_means_nothing_or_another_thing_each_time_is_refused(expression: str) -> None:
    with pytest.raises(cron.InvalidCron):
        cron.check(expression, "UTC")


@pytest.mark.parametrize("time_zone", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "europe/berlin "])
def test_a_place_that_is_no_time_zone_is_refused(time_zone: str) -> None:
    with pytest.raises(cron.InvalidTimeZone):
        cron.check("0 0 * * *", time_zone)
    with pytest.raises(ValueError):
        cron.next_after("0 0 * * *", BEFORE_THE_GAP, time_zone)
