"""Instants in a list's query: any offset is understood, and what is no instant in UTC is a clear 400."""

import pytest

from tests.api import Caller, code


@pytest.mark.parametrize(
    "instant", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00-19:14", "0085-09-06T03:09:17-23:59"]
)
def test_any_offset_is_understood(operator: Caller, instant: str):
    assert operator.get(f"/api/admin/orgs?created_after={instant}").status_code == 200


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-10:00", "yesterday"])
def test_no_instant_in_utc_is_an_invalid_request(operator: Caller, instant: str):
    answer = operator.get(f"/api/admin/orgs?created_after={instant}")

    assert code(answer) == (400, "invalid_request")
    assert list(answer.json()["errors"]) == ["created_after"]
