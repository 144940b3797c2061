"""Instants as operators read them: by the 24-hour clock, with how far away they are.

They are sent in UTC; `console.js` shows them in the browser's own zone, with UTC on hover.
"""

from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

NOTHING = "-"
DAY_AND_TIME = "%-d %b %Y, %H:%M"


def short(moment: datetime | None) -> SafeString | str:
    """`3 Mar 2025, 14:02`, with the seconds and the distance in its tooltip."""
    if moment is None:
        return NOTHING
    moment = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC, {}" class="pulse-moment">{}</time>',
        moment.isoformat(),
        moment.strftime("%Y-%m-%d %H:%M:%S"),
        distance(moment),
        moment.strftime(DAY_AND_TIME),
    )


def long(moment: datetime | None) -> SafeString | str:
    """`3 Mar 2025, 14:02 UTC (2 hours ago)`."""
    if moment is None:
        return NOTHING
    told = '{} <span data-zone>UTC</span> <span class="pulse-subtle">({})</span>'
    return format_html(told, short(moment), distance(moment))


def plain(moment: datetime) -> str:
    """`3 Mar 2025, 14:02 UTC`, where there can be no markup."""
    return moment.astimezone(UTC).strftime(f"{DAY_AND_TIME} UTC")


def distance(moment: datetime) -> str:
    """How long ago, or in how long, by its two largest units."""
    now = timezone.now()
    if abs(now - moment) < timedelta(minutes=1):
        return "just now"
    if moment > now:
        return f"in {timesince(now, moment, depth=2)}"
    return f"{timesince(moment, now, depth=2)} ago"
