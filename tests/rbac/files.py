"""Tenants' files without rows in the control database, made fast, and what this process holds open."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rbac import access, databases, template
from rbac.models import Principal
from tenants import context


def make_tenants(*names: str) -> list[str]:
    """Tenants' databases without rows in the control database; the principal `<name>-admin` is admin."""
    for name in names:
        template.create(name, admin=f"{name}-admin")
    return list(names)


def clone_all(number: int) -> list[str]:
    """Plain copies of the template: this many made one by one, with their syncs, would take seconds."""
    whole = template.ensure()
    names = [f"t{one}" for one in range(number)]
    for name in names:
        databases.file_of(name).parent.mkdir()
        shutil.copyfile(whole, databases.file_of(name))
    return names


def decide(organization_id: str, principal: str | None = None) -> bool:
    with context.organization(organization_id):
        return access.check(principal or f"{organization_id}-admin", "write", "anything")


def principals() -> list[str]:
    return sorted(Principal.objects.values_list("id", flat=True))


def in_a_thread(work: Callable[[], Any]) -> Any:
    """The work's answer, from a new thread that has ended."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def descriptors(root: Path) -> list[str]:
    """The open files of this process below the folder."""
    opened = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue  # The listing's own descriptor.
        if target.startswith(str(root)):
            opened.append(target)
    return opened
