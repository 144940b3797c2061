"""Cron expressions in a time zone: the next firing, as a person there would expect it.

When clocks go forward, a firing in the hour that is left out happens at its end. When they go back, an
expression that names its hour fires in the first of the two alike hours alone.
"""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter

from pulse.problems import InvalidRequest

FIELDS = 5
# croniter also knows fields that it makes up anew at each look.
RANDOM = re.compile(r"(^|[\s,])[rh]($|[\s,(/])", re.IGNORECASE)


class InvalidCron(InvalidRequest):
    code = "invalid_cron"
    detail = "A cron expression has five fields, minute to weekday, such as 30 2 * * 1-5, and fires some day."


class InvalidTimeZone(InvalidRequest):
    code = "invalid_time_zone"
    detail = "A time zone has a name of the IANA's, such as UTC or Europe/Berlin."


def next_after(expression: str, moment: datetime, time_zone: str = "UTC") -> datetime:
    """In UTC. Raises ValueError for an expression or a time zone that means nothing."""
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, OSError) as error:
        raise ValueError(f"{time_zone} is no time zone") from error
    firings = croniter(expression, moment.astimezone(zone))
    while True:
        timestamp: float = firings.get_next(float)
        upcoming = datetime.fromtimestamp(timestamp, zone)
        if not upcoming.fold or _any_hour(expression):
            return upcoming.astimezone(UTC)


def next_firings(expression: str, moment: datetime, time_zone: str, count: int) -> list[datetime]:
    """The next few, in their time zone."""
    found = []
    for _ in range(count):
        moment = next_after(expression, moment, time_zone)
        found.append(moment.astimezone(ZoneInfo(time_zone)))
    return found


def check(expression: str, time_zone: str) -> None:
    """Raise `InvalidCron` or `InvalidTimeZone`."""
    if time_zone not in available_timezones():
        raise InvalidTimeZone
    if len(expression.split()) != FIELDS or RANDOM.search(expression):
        raise InvalidCron
    try:
        next_after(expression, datetime.now(UTC), time_zone)
    except ValueError:
        raise InvalidCron from None


def _any_hour(expression: str) -> bool:
    """Such expressions mean real time, and so fire in both of two alike hours."""
    _, _, rest = expression.strip().partition(" ")
    return rest.lstrip().startswith("*")
