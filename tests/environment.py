"""Loaded before Django's settings: the tests' own data directory and an open gate, whatever `.env` says."""

import os
import tempfile

os.environ.update(
    PULSE_DATA_DIR=tempfile.mkdtemp(prefix="pulse-tests-"),
    PULSE_STAGE="development",
    PULSE_HOSTED_MODE="true",
    PULSE_LOG_LEVEL="WARNING",
    EMAIL_URL="memorymail://",
)
