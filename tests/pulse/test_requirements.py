"""What an installation needs is in requirements.txt; the tests and the benches have more, and hide it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.processes import ROOT, environment

PACKAGES = ("pulse", "tenants", "rbac", "billing", "runbooks")
# `manage.py` as in an installation that has not installed what the tests need.
WITHOUT_TESTS = """
import runpy, sys

class NotInstalled:
    def find_spec(self, name, *more):
        if name.partition(".")[0] in {"pytest", "hypothesis", "playwright", "schemathesis", "time_machine"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotInstalled())
sys.argv[0] = "manage.py"
runpy.run_path("manage.py", run_name="__main__")
"""


def installed_by_it() -> set[str]:
    """The distributions of requirements.txt, with the extras that it names, and all that they require."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    waiting = [Requirement(line) for line in lines if re.match(r"\w", line)]
    found: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if (key := str(wanted)) not in found:
            found |= {key, canonicalize_name(wanted.name)}
            waiting += required_by(wanted)
    return found


def required_by(wanted: Requirement) -> list[Requirement]:
    further = [Requirement(one) for one in requires(wanted.name) or ()]
    extras = [{"extra": extra} for extra in ("", *wanted.extras)]
    return [
        one for one in further if one.marker is None or any(one.marker.evaluate(extra) for extra in extras)
    ]


def imported() -> Iterator[tuple[str, Path]]:
    """The top-level names that the packages import from elsewhere."""
    for file in (file for package in PACKAGES for file in ROOT.glob(f"{package}/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from ((alias.name.partition(".")[0], file) for alias in node.names)
            if isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0], file


def test_the_packages_import_nothing_that_it_does_not_install() -> None:
    ours = installed_by_it()
    where = packages_distributions()
    strangers = {
        (name, file.name)
        for name, file in imported()
        if name in where and not {canonicalize_name(one) for one in where[name]} & ours
    }
    assert strangers == set()


def without_tests(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TESTS, *arguments],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_an_installation_without_the_tests_has_no_fault() -> None:
    done = without_tests("check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("database")
def test_evidence_that_needs_the_tests_says_how_to_get_them() -> None:
    done = without_tests("evidence", "run", "HOP-00", "--as", "implementer")
    assert done.returncode != 0
    assert "tests_not_installed" in done.stderr or "pip install -r requirements-dev.txt" in done.stderr
