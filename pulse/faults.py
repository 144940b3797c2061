"""Named points in multi-step work at which a test can make the process fail.

Nothing outside the test suite arms one, and no setting can.
"""

from collections.abc import Callable

_armed: dict[str, Callable[[], None]] = {}


def arm(point: str, failure: Callable[[], None]) -> None:
    """Call `failure` whenever the work passes `point`."""
    _armed[point] = failure


def disarm() -> None:
    _armed.clear()


def reach(point: str) -> None:
    if failure := _armed.get(point):
        failure()
