"""Pulse with a guard broken by the word in PULSE_BROKEN, for processes of a test's own."""

from pulse.settings import *  # noqa: F403
from pulse.settings import INSTALLED_APPS, PULSE_GATE

INSTALLED_APPS = [*INSTALLED_APPS, "tests.runbooks.drills.broken_app"]
PULSE_GATE = [one for one in PULSE_GATE if one[1] != env.str("PULSE_BROKEN", "")]  # noqa: F405
