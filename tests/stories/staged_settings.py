"""Pulse as a stage with a gate runs it, by plain http, from the code of a test's own repository.

The guard that the word in PULSE_BROKEN names is broken.
"""

from pathlib import Path

from tests.runbooks.drills.broken_settings import *  # noqa: F403

BASE_DIR = Path(env.str("PULSE_CODE"))  # noqa: F405
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
