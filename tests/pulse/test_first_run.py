"""The first start makes an operator and says their password once; later ones say nothing."""

import re

import pytest

from pulse import first_run
from tenants.models import Organization, User
from tests.factories import make_operator

pytestmark = pytest.mark.usefixtures("database")


def prepared() -> list[str]:
    """What a start says."""
    said: list[str] = []
    first_run.prepare(say=said.append)
    return said


def test_the_first_operator_signs_in_with_the_password_that_was_said() -> None:
    (said,) = prepared()
    password = re.search(r"shown only once: (\S+)$", said)[1]
    operator = User.objects.get(email="operator@localhost")
    assert operator.check_password(password)
    assert operator.is_staff
    assert operator.is_superuser


def test_the_second_start_is_silent_and_keeps_the_password() -> None:
    prepared()
    before = User.objects.values("pk", "password").get()
    assert prepared() == []
    assert User.objects.values("pk", "password").get() == before


def test_a_password_from_the_environment_is_not_said(settings) -> None:
    settings.PULSE_OPERATOR_EMAIL = "Ann@Example.com"
    settings.PULSE_OPERATOR_PASSWORD = "correct horse battery staple"
    (said,) = prepared()
    assert said == "Created the operator Ann@Example.com with PULSE_OPERATOR_PASSWORD."
    assert User.objects.get(email="ann@example.com").check_password("correct horse battery staple")


def test_a_new_password_in_the_environment_changes_no_operator(settings) -> None:
    prepared()
    settings.PULSE_OPERATOR_PASSWORD = "another one altogether"
    assert prepared() == []
    assert not User.objects.get().check_password("another one altogether")


def test_where_there_is_an_operator_none_is_made() -> None:
    operator = make_operator("support")
    operator.set_password("a long enough password")
    operator.save()
    assert prepared() == []
    assert User.objects.count() == 1


def test_operators_who_cannot_sign_in_do_not_keep_the_first_from_being_made() -> None:
    User.objects.create_user("ada@operators.example", is_staff=True)
    (said,) = prepared()
    assert said.startswith("Created the operator operator@localhost.")


def test_two_first_starts_choose_two_passwords() -> None:
    first = prepared()
    User.objects.all().delete()
    assert prepared() != first


def test_the_default_organization_is_whole_after_a_start(data_dir) -> None:
    prepared()
    assert (data_dir / "orgs" / "default" / "rbac.db").exists()
    assert Organization.objects.filter(id="default").exists()
