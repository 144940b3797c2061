"""`.env.example` and the README name every variable that the settings read, and no other."""

import re

from django.conf import settings

READ = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')
EXAMPLE = re.compile(r"^#?\s?([A-Z][A-Z_]+)=", re.MULTILINE)
# Of no use to whom the README speaks.
SPECIAL = {"PULSE_DEBUG", "PULSE_LOG_LEVEL", "PULSE_SSL_REDIRECT", "PULSE_TRUSTED_ORIGINS"}


def variables() -> set[str]:
    return set(READ.findall((settings.BASE_DIR / "pulse/settings.py").read_text()))


def test_the_example_names_every_variable_and_no_other() -> None:
    named = set(EXAMPLE.findall((settings.BASE_DIR / ".env.example").read_text()))
    assert named == variables()


def test_the_readme_names_every_variable() -> None:
    readme = (settings.BASE_DIR / "README.md").read_text()
    assert {name for name in variables() - SPECIAL if f"`{name}`" not in readme} == set()
