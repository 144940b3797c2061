"""Settings from the environment, as processes of their own read them; unsafe production never starts."""

import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings as current

from pulse.settings import development_secret
from tests.environment import for_tests
from tests.processes import ROOT, environment

SAFE = {
    # A mode that is asked for without a verdict is warned of.
    "PULSE_HOSTED_MODE": "",
    "PULSE_STAGE": "ga",
    "PULSE_SECRET_KEY": "correct horse battery staple " * 3,
    "PULSE_ALLOWED_HOSTS": "pulse.example",
}


def python(*argv: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *argv],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def wsgi(**changes: str) -> "subprocess.CompletedProcess[str]":
    return python("-c", "import pulse.wsgi", **changes)


def test_the_check_command_names_every_fault_of_a_bare_production() -> None:
    checked = python("manage.py", "check", PULSE_STAGE="ga", PULSE_DEBUG="true", PULSE_ALLOWED_HOSTS="")
    assert checked.returncode == 1
    for id_ in ("pulse.E002", "pulse.E003", "pulse.E004"):
        assert id_ in checked.stderr
    assert "HINT: Set PULSE_SECRET_KEY" in checked.stderr


def test_the_check_command_accepts_a_safe_production_as_django_deploys_it() -> None:
    checked = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **SAFE)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_web_application_refuses_to_start_where_it_is_unsafe() -> None:
    started = wsgi(PULSE_STAGE="ga", PULSE_DEBUG="true", PULSE_ALLOWED_HOSTS="")
    assert started.returncode == 1
    assert "SystemCheckError" in started.stderr
    assert [f"pulse.E00{number}" in started.stderr for number in (2, 3, 4)] == [True] * 3


def test_the_web_application_starts_in_a_safe_production_with_a_warning() -> None:
    assert wsgi(**SAFE, PULSE_WORKERS="4").returncode == 0


def test_cookies_and_redirects_are_strict_outside_development() -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_HTTPONLY")
    code = f"from django.conf import settings as s; print(*[getattr(s, name) for name in {names}])"
    told = python("-c", code, DJANGO_SETTINGS_MODULE="pulse.settings", **SAFE)
    assert told.stdout.split() == ["True"] * 4


def test_one_secret_of_the_machines_own_is_kept_for_development(tmp_path: Path) -> None:
    file = tmp_path / "var" / "secret_key"
    first = development_secret(file)
    assert len(first) >= 50
    assert development_secret(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_all_who_start_at_once_have_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as starting:
        for number in range(20):
            file = tmp_path / f"{number}"
            [secret] = set(starting.map(development_secret, [file] * 8))
            assert len(secret) >= 50


def test_without_a_place_for_it_the_secret_lasts_for_the_process() -> None:
    nowhere = Path("/proc/pulse/secret_key")
    assert development_secret(nowhere) != development_secret(nowhere)


def test_only_the_gates_steps_are_named_that_exist() -> None:
    kinds = {guards for guards, _ in current.PULSE_GATE}
    assert kinds == {"operations", "hosted", "renewal", "tenant"}


def test_the_tests_see_nothing_of_the_installation_that_runs_them_as_evidence() -> None:
    installation = {
        "REDIS_URL": "redis://production/0",
        "PULSE_REQUIRE_OPERATOR_MFA": "true",
        "PULSE_TENANT_CAP": "1",
        "STRIPE_API_BASE": "https://api.stripe.com",
    }
    seen = for_tests(installation | {"PATH": "/bin", "PULSE_TEST_REDIS_URL": "redis://tests/1"})
    assert (seen["REDIS_URL"], seen["PULSE_STAGE"]) == ("", "development")
    assert (seen["PATH"], seen["PULSE_TEST_REDIS_URL"]) == ("/bin", "redis://tests/1")
    assert not seen.keys() & installation.keys() - {"REDIS_URL"}


def test_a_web_server_of_its_own_listens_where_the_settings_say() -> None:
    done = python(
        "-m", "gunicorn", "pulse.wsgi:application", "--config", "python:pulse.gunicorn", "--print-config",
        PULSE_PORT="8123", PULSE_WORKERS="3",
    )  # fmt: skip
    assert re.search(r"^bind +.*127\.0\.0\.1:8123", done.stdout, re.MULTILINE)
    assert re.search(r"^workers += 3$", done.stdout, re.MULTILINE)
