"""Loaded before Django's settings: the tests' own data directory, an open gate and every other default.

Evidence is run with the settings of the installation that it is of. The tests must not see them: they empty
the cache and the limits of the Redis that they are given.
"""

import os
import tempfile
from collections.abc import Mapping

# Also against `.env`, which fills in what is missing.
PINNED = {
    "PULSE_STAGE": "development",
    "PULSE_HOSTED_MODE": "true",
    "PULSE_LOG_LEVEL": "WARNING",
    "EMAIL_URL": "memorymail://",
    "REDIS_URL": "",
}


def is_of_installation(name: str) -> bool:
    return name.startswith(("PULSE_", "STRIPE_")) and not name.startswith("PULSE_TEST_")


def for_tests(given: Mapping[str, str]) -> dict[str, str]:
    """What the tests may see of it: all but an installation's settings; its database server is theirs too."""
    return {name: value for name, value in given.items() if not is_of_installation(name)} | PINNED


_seen = for_tests(os.environ)
os.environ.clear()
os.environ.update(_seen, PULSE_DATA_DIR=tempfile.mkdtemp(prefix="pulse-tests-"))
