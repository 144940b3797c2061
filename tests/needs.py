"""What some tests need of the machine: each is found by environment variable or on the PATH, or skips."""

import importlib.util
import os
import shutil

import pytest


def program(name: str, *, package: str) -> pytest.MarkDecorator:
    """Skip unless the program is on the PATH."""
    reason = f"{name} is not on the PATH; on Debian: apt-get install {package}"
    return pytest.mark.skipif(shutil.which(name) is None, reason=reason)


def variable(name: str, *, example: str) -> pytest.MarkDecorator:
    """Skip unless the environment variable is set."""
    return pytest.mark.skipif(not os.environ.get(name), reason=f"{name} is not set; for example {example}")


def library(name: str, *, requirements: str) -> pytest.MarkDecorator:
    """Skip unless the library is installed."""
    missing = importlib.util.find_spec(name) is None
    return pytest.mark.skipif(missing, reason=f"{name} is not installed: pip install -r {requirements}")


alertmanager = program("prometheus-alertmanager", package="prometheus-alertmanager")
axe = variable(
    "PULSE_TEST_AXE", example="node_modules/axe-core/axe.min.js, after npm install axe-core@4.14.1"
)
chromium = program("chromium", package="chromium")
matplotlib = library("matplotlib", requirements="requirements-bench.txt")
nginx = program("nginx", package="nginx-light")
prometheus = program("prometheus", package="prometheus")
promtool = program("promtool", package="prometheus")
oidc_provider = variable(
    "PULSE_TEST_OIDC_PROVIDER", example="node_modules, after npm install oidc-provider@8.8.1"
)
postgresql = variable("PULSE_TEST_DATABASE_URL", example="postgres://pulse:pulse@127.0.0.1:5432/pulse")
redis = variable("PULSE_TEST_REDIS_URL", example="redis://127.0.0.1:6379/1")
stripe_mock = program("stripe-mock", package="golang && go install github.com/stripe/stripe-mock@v0.203.0")
