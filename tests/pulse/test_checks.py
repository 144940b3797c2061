"""What Pulse refuses to start with, by id and with what to do, and what it only warns of."""

from pathlib import Path

import pytest
from django.core.checks import CheckMessage, run_checks

from pulse import checks

KEY = "k" * 50


@pytest.fixture
def production(settings) -> None:
    """Settings that are safe at the stage ga, with hosted mode shut: an open one asks for a verdict."""
    settings.PULSE_STAGE, settings.PULSE_HOSTED_MODE = "ga", ""
    settings.SECRET_KEY = KEY
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["pulse.example"]
    settings.PULSE_PUBLIC_URL = "https://pulse.example"


def found() -> dict[str, CheckMessage]:
    return {message.id: message for message in run_checks() if message.id.startswith("pulse.")}


def test_development_needs_nothing(settings) -> None:
    settings.SECRET_KEY, settings.DEBUG, settings.ALLOWED_HOSTS = "short", True, []
    assert found() == {}


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("stage", ["private_beta", "public_beta", "ga"])
def test_a_safe_production_is_accepted(settings, stage: str) -> None:
    settings.PULSE_STAGE = stage
    assert found() == {}


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("unsafe", "id_", "hint"),
    [
        ({"SECRET_KEY": "none"}, "pulse.E002", "openssl rand"),
        ({"SECRET_KEY": "k" * 49}, "pulse.E002", "PULSE_SECRET_KEY"),
        ({"DEBUG": True}, "pulse.E003", "PULSE_DEBUG"),
        ({"ALLOWED_HOSTS": []}, "pulse.E004", "PULSE_ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": ["*"]}, "pulse.E004", "PULSE_ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": ["pulse.example", "*"]}, "pulse.E004", "PULSE_ALLOWED_HOSTS"),
        ({"PULSE_PUBLIC_URL": "http://pulse.example"}, "pulse.E008", "https://pulse.example"),
        ({"PULSE_PUBLIC_URL": "https://"}, "pulse.E008", "links in mails"),
        ({"PULSE_STAGE": "production"}, "pulse.E001", "private_beta"),
        ({"PULSE_STAGE": ""}, "pulse.E001", "development"),
        ({"PULSE_TENANT_RATE": "many"}, "pulse.E005", "2000/minute"),
        ({"PULSE_SIGNUP_RATE": "0/hour"}, "pulse.E005", "5/hour"),
        ({"PULSE_TRUSTED_PROXIES": ["10.0.0.0/33"]}, "pulse.E006", "10.0.0.0/8"),
        ({"PULSE_TRUSTED_PROXIES": ["proxy.example"]}, "pulse.E006", "networks"),
        ({"PULSE_TRUSTED_PROXIES": ["10.0.0.1/8"]}, "pulse.E006", "networks"),
    ],
)
def test_each_fault_is_refused_by_its_id_with_what_to_do(
    settings, unsafe: dict[str, object], id_: str, hint: str
) -> None:
    for name, value in unsafe.items():
        setattr(settings, name, value)
    assert list(found()) == [id_]
    assert found()[id_].is_serious()
    assert hint in found()[id_].hint


@pytest.mark.usefixtures("production")
def test_all_faults_are_told_at_once(settings) -> None:
    settings.SECRET_KEY, settings.DEBUG, settings.ALLOWED_HOSTS = "none", True, []
    assert set(found()) == {"pulse.E002", "pulse.E003", "pulse.E004"}


def test_both_rates_are_told_by_their_names(settings) -> None:
    settings.PULSE_TENANT_RATE = settings.PULSE_SIGNUP_RATE = "many"
    told = [message.msg for message in checks.settings_parse(None)]
    assert told == ["PULSE_TENANT_RATE is not a rate.", "PULSE_SIGNUP_RATE is not a rate."]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_data_directory_that_is_a_file_is_refused(settings, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    settings.PULSE_DATA_DIR = tmp_path / place
    assert list(found()) == ["pulse.E007"]


def test_a_data_directory_that_nobody_can_write_is_refused(settings) -> None:
    settings.PULSE_DATA_DIR = Path("/proc/pulse")
    assert "PULSE_DATA_DIR" in found()["pulse.E007"].hint


def test_a_data_directory_that_is_missing_is_made(settings, tmp_path: Path) -> None:
    settings.PULSE_DATA_DIR = tmp_path / "new" / "data"
    assert found() == {}
    assert settings.PULSE_DATA_DIR.is_dir()


@pytest.mark.parametrize(
    ("workers", "redis_url", "warned"),
    [(1, "", []), (2, "", ["pulse.W001"]), (2, "redis://127.0.0.1:6379/1", [])],
)
def test_several_workers_without_redis_are_warned_of(
    settings, workers: int, redis_url: str, warned: list[str]
) -> None:
    settings.PULSE_WORKERS, settings.REDIS_URL = workers, redis_url
    assert list(found()) == warned
    assert not any(message.is_serious() for message in found().values())
