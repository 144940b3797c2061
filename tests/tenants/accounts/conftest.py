"""Of what the tests of accounts need in common."""

import pytest


@pytest.fixture(autouse=True)
def quick_hashes(settings) -> None:
    """Hundreds of passwords are tried here; what one attempt costs is measured by bench.sign_in."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
