"""Two operators on one form: the second is told of the first, and loses nothing typed."""

import pytest

from pulse import schedules
from pulse.models import Schedule
from tenants import organizations, people
from tenants.models import User
from tests.admin import signed_in, text
from tests.factories import acting, make_operator, make_organization

pytestmark = pytest.mark.usefixtures("database")

SECOND = {
    "/admin/tenants/organization/acme/rename/": {"name": "Second Ltd"},
    "/admin/pulse/schedule/{schedule}/times/": {"expression": "0 5 * * *", "time_zone": "UTC"},
    "/admin/tenants/user/{person}/groups/": {"groups": ["billing"], "reason": "moved"},
}


def come_first(person: User) -> None:
    ada = acting(make_operator("admin", email="ada@pulse.example"))
    organizations.rename("acme", name="First Ltd", actor=ada)
    schedules.change("tidy", expression="0 4 * * *", time_zone="UTC", actor=ada)
    people.change_groups(person, groups=["operator"], actor=ada, reason="promoted")


@pytest.mark.parametrize("address", SECOND)
def test_who_comes_second_is_told_who_was_first_and_loses_nothing_typed(address: str) -> None:
    make_organization("acme")
    person = make_operator("support")
    page = address.format(schedule=Schedule.objects.get(name="tidy").pk, person=person.pk)
    client = signed_in("admin")
    sent = SECOND[address] | {"seen": client.get(page).context["form"]["seen"].value()}
    come_first(person)

    answer = client.post(page, sent)

    assert "Changed by ada@pulse.example" in text(answer)
    assert {name: answer.context["form"][name].value() for name in SECOND[address]} == SECOND[address]
    again = sent | {"seen": answer.context["form"]["seen"].value()}
    assert client.post(page, again).status_code == 302
