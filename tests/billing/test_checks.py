"""The system checks of billing's settings."""

import pytest

from billing.checks import stripe_is_whole


@pytest.mark.parametrize(
    ("key", "secrets", "found"),
    [
        ("", [], []),
        ("sk_test_1", ["whsec_1"], []),
        ("sk_test_1", ["whsec_1", "whsec_2"], []),
        ("sk_test_1", [], ["billing.W001"]),
        ("", ["whsec_1"], ["billing.W002"]),
        ("sk_test_1", ["secret"], ["billing.E001"]),
        ("sk_test_1", ["whsec_1", " whsec_2"], ["billing.E001"]),
    ],
)
def test_what_is_said_of_half_a_configuration(
    settings, key: str, secrets: list[str], found: list[str]
) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = key, secrets
    messages = stripe_is_whole(None)
    assert [message.id for message in messages] == found
    assert all(message.hint for message in messages)
