"""Verdicts: signed, and standing until they expire or end."""

import pytest

from runbooks import verdicts

pytestmark = pytest.mark.usefixtures("database")


def test_no_verdict_stands_that_nobody_signed() -> None:
    assert not verdicts.stands("private_beta")
