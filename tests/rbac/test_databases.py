"""Opening, finding and closing tenants' databases: each trap of connections by thread, and of files."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import close_old_connections, connections, transaction

from rbac import databases, metrics
from rbac.models import Principal, Role
from tenants import context
from tests.rbac.files import clone_all, decide, descriptors, in_a_thread, make_tenants, principals

pytestmark = pytest.mark.usefixtures("database")

CAP = 4


@pytest.fixture(autouse=True)
def small_cap(settings) -> None:
    settings.PULSE_RBAC_MAX_OPEN = CAP


def crowd(number: int = CAP + 1) -> list[str]:
    """More tenants than may be open at once."""
    return make_tenants(*(f"other-{one}" for one in range(number)))


def gauge() -> float:
    return metrics.open_databases._value.get()


def test_the_least_recently_used_database_is_closed_at_the_cap() -> None:
    first, *others = crowd(CAP + 1)
    for name in (first, *others):
        decide(name)
    assert databases.opened_here() == others


def test_use_keeps_a_database_from_being_the_next_to_close() -> None:
    first, *others = crowd(CAP + 1)
    for name in (first, *others[:-1], first, others[-1]):
        decide(name)
    assert first in databases.opened_here()
    assert others[0] not in databases.opened_here()


def test_an_evicted_database_opens_again() -> None:
    first, *others = crowd(CAP + 1)
    for name in (first, *others):
        decide(name)
    assert decide(first)


def test_nothing_is_registered_for_an_open_database() -> None:
    make_tenants("acme")
    decide("acme")
    assert list(connections) == ["default"]


def test_an_eviction_in_one_thread_leaves_another_threads_connection_alone() -> None:
    make_tenants("acme")
    others = crowd()
    with databases.using("acme") as opened:
        in_a_thread(lambda: [decide(name) for name in ("acme", *others)])
        assert opened.raw.execute("SELECT count(*) FROM rbac_role").fetchone() == (4,)
    assert databases.opened_here() == ["acme"]


def test_closing_in_one_thread_does_not_close_in_another() -> None:
    make_tenants("acme")
    decide("acme")
    in_a_thread(lambda: databases.close("acme"))
    assert databases.opened_here() == ["acme"]
    assert decide("acme")


def test_threads_leave_no_descriptor_behind_when_they_end(data_dir: Path) -> None:
    names = crowd(CAP)
    gc.disable()  # Which would close them at some time or other.
    try:
        for _ in range(5):
            in_a_thread(lambda: [decide(name) for name in names])
        assert descriptors(data_dir / "orgs") == []
    finally:
        gc.enable()


def test_the_gauge_of_open_databases_goes_down_when_a_thread_ends() -> None:
    names = crowd(CAP)
    before = gauge()

    def work() -> float:
        for name in names:
            decide(name)
        return gauge()

    assert in_a_thread(work) == before + CAP
    assert gauge() == before


def test_the_gauge_counts_an_eviction_out() -> None:
    before = gauge()
    for name in crowd(CAP + 3):
        decide(name)
    assert gauge() == before + CAP
    databases.close_all()
    assert gauge() == before


def test_a_database_is_not_closed_within_a_block_that_uses_it() -> None:
    make_tenants("acme")
    with databases.using("acme") as opened:
        for name in crowd(2 * CAP):
            decide(name)
        assert opened.raw.execute("SELECT count(*) FROM rbac_role").fetchone() == (4,)


def test_a_database_is_not_closed_within_a_transaction() -> None:
    make_tenants("acme")
    with context.organization("acme"), transaction.atomic(using="rbac_acme"):
        Principal.objects.create(id="kept")
        for name in crowd(2 * CAP):
            decide(name)
    with context.organization("acme"):
        assert Principal.objects.filter(id="kept").exists()


def test_a_database_is_not_closed_while_a_queryset_is_iterated() -> None:
    make_tenants("acme")
    others = iter(crowd(2 * CAP))
    with context.organization("acme"):
        Principal.objects.bulk_create(Principal(id=f"p{number}") for number in range(20))
        seen = 0
        for _ in Principal.objects.iterator(chunk_size=2):
            seen += 1
            if other := next(others, None):
                decide(other)
                assert "acme" in databases.opened_here()
    assert seen == 21


def test_a_decision_does_not_disturb_an_iteration_on_its_own_connection() -> None:
    make_tenants("acme")
    with context.organization("acme"):
        seen = [(role.id, decide("acme")) for role in Role.objects.order_by("id").iterator(chunk_size=1)]
    assert seen == [("admin", True), ("auditor", True), ("operator", True), ("viewer", True)]


def test_a_database_may_be_closed_once_its_iteration_has_ended() -> None:
    make_tenants("acme")
    with context.organization("acme"):
        assert len(list(Role.objects.iterator(chunk_size=2))) == 4
        Role.objects.count()
    for name in crowd(CAP):
        decide(name)
    assert "acme" not in databases.opened_here()


def test_a_block_that_is_left_by_an_error_no_longer_keeps_its_database() -> None:
    make_tenants("acme")
    with pytest.raises(ZeroDivisionError), databases.using("acme"):
        raise ZeroDivisionError
    for name in crowd(CAP):
        decide(name)
    assert "acme" not in databases.opened_here()


def test_a_pools_thread_does_not_inherit_the_organization() -> None:
    make_tenants("acme")
    with context.organization("acme"), pytest.raises(context.NoOrganization):
        in_a_thread(lambda: Role.objects.count())


def test_a_pools_thread_keeps_no_organization_of_its_last_work() -> None:
    make_tenants("acme")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(decide, "acme").result()
        with pytest.raises(context.NoOrganization):
            pool.submit(Role.objects.count).result()


@pytest.mark.parametrize(
    "crossing", [asyncio.to_thread, lambda work: sync_to_async(work, thread_sensitive=False)()]
)
def test_tasks_that_cross_into_threads_each_keep_their_organization(crossing) -> None:
    names = crowd(6)

    async def one(name: str) -> list[list[str]]:
        with context.organization(name):
            answers = []
            for _ in range(3):
                answers.append(await crossing(principals))
                await asyncio.sleep(0)
            return answers

    async def all_at_once() -> list[list[list[str]]]:
        return await asyncio.gather(*(one(name) for name in names))

    answers = asyncio.run(all_at_once())
    assert answers == [[[f"{name}-admin"]] * 3 for name in names]


def test_close_old_connections_is_safe_while_another_thread_opens_tenants(settings) -> None:
    settings.PULSE_RBAC_MAX_OPEN = 200
    names = clone_all(400)
    finished = threading.Event()

    def open_all() -> list[str]:
        try:
            for name in names:
                databases.open_database(name)
            return databases.opened_here()
        finally:
            finished.set()

    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(open_all)
        while not finished.wait(0.001):
            close_old_connections()
            assert list(connections) == ["default"]
        assert opening.result() == names[-200:]


def test_five_hundred_tenants_pass_through_a_cap_of_sixteen(settings, data_dir: Path) -> None:
    settings.PULSE_RBAC_MAX_OPEN = 16
    most = 0
    for number, name in enumerate(clone_all(500)):
        assert decide(name, "nobody") is False
        if number % 20 == 0:
            close_old_connections()
            most = max(most, len(descriptors(data_dir / "orgs")))
    assert len(databases.opened_here()) == 16
    assert list(connections) == ["default"]
    assert 3 <= most <= 3 * 16 + 3
