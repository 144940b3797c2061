"""Tenant resources: provisioning walks the list in order, undoing and purging in reverse."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pulse import faults
from tenants import errors, lifecycle, resources
from tests.api import Caller
from tests.factories import SYSTEM, make_organization
from tests.tenants.parts import Part
from tests.tenants.states import soft_delete_long_ago

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def calls() -> Iterator[list[str]]:
    """What was asked of two more resources, `one` and `two`."""
    made: list[str] = []
    for name in ("one", "two"):
        resources.register(Part(name, made))
    yield made
    del resources._registered[-2:]


def test_provisioning_goes_in_order(calls: list[str]) -> None:
    make_organization("acme")
    assert calls == ["provision one", "provision two"]


def test_a_failure_is_undone_in_reverse_and_the_failed_part_too(calls: list[str]) -> None:
    def fail() -> None:
        raise OSError

    faults.arm("provision.two", fail)
    with pytest.raises(errors.ProvisioningFailed):
        make_organization("acme")
    assert calls == ["provision one", "provision two", "undo two", "undo one"]


def test_a_part_that_cannot_be_undone_keeps_no_other_from_it(calls: list[str], data_dir: Path) -> None:
    def fail() -> None:
        raise RuntimeError

    faults.arm("provision.two", fail)
    faults.arm("undo.two", fail)
    with pytest.raises(errors.ProvisioningFailed):
        make_organization("acme")
    assert calls[-2:] == ["undo two", "undo one"]
    assert not (data_dir / "orgs" / "acme").exists()


def test_a_failure_of_the_first_part_leaves_the_next_alone(calls: list[str]) -> None:
    def fail() -> None:
        raise OSError

    faults.arm("provision.one", fail)
    with pytest.raises(errors.ProvisioningFailed):
        make_organization("acme")
    assert calls == ["provision one", "undo one"]


def test_a_purge_asks_all_before_it_goes_in_reverse(calls: list[str]) -> None:
    make_organization("acme")
    soft_delete_long_ago("acme")
    calls.clear()
    lifecycle.purge("acme", actor=SYSTEM)
    assert calls == ["before_purge one", "before_purge two", "purge two", "purge one"]


def test_a_check_tells_the_findings_of_each_part(calls: list[str], operator: Caller) -> None:
    make_organization("acme")
    answer = operator.get("/api/admin/orgs/acme/verify").json()
    assert answer == {"whole": False, "findings": {"one": ["one is odd"], "two": ["two is odd"]}}


def test_a_tenant_without_its_file_is_not_whole(operator: Caller, data_dir: Path) -> None:
    make_organization("acme")
    (data_dir / "orgs" / "acme" / "rbac.db").unlink()
    answer = operator.get("/api/admin/orgs/acme/verify").json()
    assert list(answer["findings"]) == ["rbac"]


def test_a_tenant_without_its_subscription_is_not_whole(operator: Caller) -> None:
    make_organization("acme").subscription.delete()
    answer = operator.get("/api/admin/orgs/acme/verify").json()
    assert answer == {"whole": False, "findings": {"billing": ["there is no subscription"]}}
