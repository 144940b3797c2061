"""The story of a freeze: nothing that operators change moves while somebody looks, and then it does again."""

import pytest
import requests

from tests.factories import operator_token
from tests.needs import chromium
from tests.processes import bearer
from tests.stories.operator import Operator

pytestmark = [pytest.mark.drill, chromium]


@pytest.fixture
def script(customers: None) -> str:
    """The token of an operator's script."""
    return operator_token("admin")


def overrides(base: str, script: str) -> tuple[int, str]:
    """What a script is answered that lays an override over what a customer has."""
    address = base + "/api/admin/orgs/northwind-energy/billing-state"
    wanted = {"subscription_state": "active", "reason": "agreed with sales"}
    seen = requests.get(address, **bearer(script)).headers["ETag"]
    reply = requests.put(address, json=wanted, **bearer(script, **{"If-Match": seen}))
    return reply.status_code, reply.json().get("code", "")


def test_operators_writes_are_frozen_and_thawed(script: str, base: str, ada: Operator) -> None:
    ada.find("freeze", "Freeze operators' writes")
    ada.answer(reason="INC-7: prices differ from Stripe's, nothing may move")
    ada.reads("Operators' writes are frozen", "INC-7")
    assert overrides(base, script) == (423, "frozen")

    ada.find("northwind", "Northwind Energy")
    ada.ask("Rename")
    ada.answer(name="Northwind Energy AS")
    ada.reads_in_the_form("frozen")
    ada.keep_picture("frozen")
    ada.page.reload()
    ada.do("Lift the freeze", reason="INC-7 is resolved")
    ada.reads("The freeze is lifted.", "Operators may write")
    assert overrides(base, script)[0] == 200
