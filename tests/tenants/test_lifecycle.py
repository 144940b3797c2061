"""The lifecycle through the operators' API."""

import pytest

from tests.api import Caller, code
from tests.factories import make_organization

pytestmark = pytest.mark.usefixtures("database")


def test_suspend_keeps_the_reason_and_tells_the_new_state(operator: Caller) -> None:
    make_organization("acme")
    answer = operator.post("/api/admin/orgs/acme/suspend", {"reason": "unpaid"})
    assert answer.status_code == 200
    assert answer.json()["status"] == "suspended"
    assert answer.json()["suspend_reason"] == "unpaid"


def test_suspend_refuses_the_default_organization(operator: Caller) -> None:
    assert code(operator.post("/api/admin/orgs/default/suspend")) == (400, "default_org_immutable")
