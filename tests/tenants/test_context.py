"""The current organization crosses threads and tasks correctly, and is always reset."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tenants import context
from tenants.context import NoOrganization

MANY = [f"org-{number}" for number in range(50)]


def current_or_none() -> str | None:
    try:
        return context.current()
    except NoOrganization:
        return None


def test_outside_any_organization_asking_for_it_raises() -> None:
    with pytest.raises(NoOrganization):
        context.current()


def test_inner_organization_ends_with_its_block() -> None:
    with context.organization("outer"):
        with context.organization("inner"):
            assert context.current() == "inner"
        assert context.current() == "outer"
    assert current_or_none() is None


def test_an_exception_resets_it() -> None:
    with pytest.raises(KeyError), context.organization("acme"):
        raise KeyError
    assert current_or_none() is None


def test_a_new_thread_starts_without_one() -> None:
    seen = []
    with context.organization("acme"):
        thread = threading.Thread(target=lambda: seen.append(current_or_none()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_the_threads_of_a_pool_keep_theirs_apart() -> None:
    together = threading.Barrier(4)

    def work(organization_id: str) -> str:
        with context.organization(organization_id):
            together.wait(10)
            return context.current()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, MANY[:48])) == MANY[:48]
        assert list(pool.map(lambda _: current_or_none(), range(8))) == [None] * 8


def test_a_copied_context_carries_it_into_a_thread() -> None:
    with context.organization("acme"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(contextvars.copy_context().run, context.current).result() == "acme"


def test_asyncio_tasks_keep_theirs_apart() -> None:
    async def work(organization_id: str) -> str:
        with context.organization(organization_id):
            for _ in range(3):
                await asyncio.sleep(0)
            return context.current()

    async def all_at_once() -> list[str]:
        return await asyncio.gather(*map(work, MANY))

    assert asyncio.run(all_at_once()) == MANY


def test_a_task_inherits_it_and_cannot_change_its_parents() -> None:
    async def child() -> str:
        inherited = context.current()
        # Entered and never left: it dies with the task.
        context.organization("other").__enter__()
        return inherited

    async def parent() -> tuple[str, str]:
        with context.organization("acme"):
            inherited = await asyncio.create_task(child())
            return inherited, context.current()

    assert asyncio.run(parent()) == ("acme", "acme")


def test_to_thread_carries_it() -> None:
    async def work(organization_id: str) -> str:
        with context.organization(organization_id):
            return await asyncio.to_thread(context.current)

    async def all_at_once() -> list[str]:
        return await asyncio.gather(*map(work, MANY))

    assert asyncio.run(all_at_once()) == MANY
