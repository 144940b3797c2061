"""Two provisionings of one id at once: the one that fails takes nothing of the one that succeeds."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from pulse import faults
from tenants import errors, resources
from tenants.models import Organization
from tests.factories import make_organization
from tests.processes import wait_for

pytestmark = pytest.mark.usefixtures("database")


def locks(file: Path) -> list[str]:
    """The kernel's lines about advisory locks on the file; one that waits has an arrow."""
    inode = f":{file.stat().st_ino} "
    return [
        line for line in Path("/proc/locks").read_text().splitlines() if "FLOCK" in line and inode in line
    ]


def provision(**wanted: str) -> Organization:
    try:
        return make_organization("acme", **wanted)
    finally:
        connection.close()


def test_a_failing_provisioning_leaves_alone_what_another_makes_under_the_same_id(data_dir: Path) -> None:
    lock = data_dir / "provisioning.lock"
    second_has_made_its_files = threading.Event()
    futures: dict[str, Future[Organization]] = {}

    def meet() -> None:
        if "second" not in futures:
            futures["second"] = pool.submit(provision, email="second@acme.example")
            raise OSError
        second_has_made_its_files.set()
        # We have not committed. The first must wait for us, for it cannot see our row.
        wait_for(
            lambda: futures["first"].done() or any("->" in line for line in locks(lock)), what="the first"
        )

    faults.arm("provision.audited", meet)
    faults.arm("provision.undoing", lambda: second_has_made_its_files.wait(20))
    with ThreadPoolExecutor(2) as pool:
        futures["first"] = pool.submit(provision, email="first@acme.example")
        with pytest.raises(errors.ProvisioningFailed):
            futures["first"].result()
        organization = futures["second"].result()
    assert resources.verify(organization) == {}
