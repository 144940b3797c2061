"""The story of a tenant whose file is corrupt, and who works again when its backup is restored."""

import pytest

from rbac import databases
from tests.needs import chromium
from tests.processes import wait_for
from tests.stories.operator import Operator, meanwhile, told

pytestmark = [pytest.mark.drill, chromium]

PAGE = 4096
ROLES = "/api/org/roles"


def the_disk_fails(organization_id: str) -> None:
    file = databases.file_of(organization_id)
    content = file.read_bytes()
    file.write_bytes(content[:PAGE] + b"\xff" * (len(content) - PAGE))


def test_a_corrupt_file_is_found_and_restored(token: str, base: str, ada: Operator) -> None:
    ada.find("fjord", "Fjord Analytics")
    ada.open_tab("Database")
    ada.do("Back up now", reason="Before they move their roles over")
    assert told(base, token, ROLES)[0] == 200
    meanwhile(the_disk_fails, "fjord-analytics")
    # A thread that has just read the file remembers some of it.
    broken = (503, "tenant_database_unavailable")
    wait_for(lambda: told(base, token, ROLES) == broken, what="the damage to be met")

    ada.open_tab("Overview")
    ada.ask("Verify")
    ada.reads_in_the_form("needs care")
    ada.page.get_by_role("link", name="Close").click()
    ada.open("Overview")
    ada.reads("The database of fjord-analytics fails verify")
    ada.open("Restore it")
    ada.reads("The database needs care")
    ada.keep_picture("corrupt")
    ada.do(
        "Restore", within="Before they move their roles over",
        reason="The disk has damaged the file", typed_id="fjord-analytics",
    )  # fmt: skip
    ada.reads("fjord-analytics is restored to", "The database is whole")
    assert told(base, token, ROLES)[0] == 200
    ada.keep_picture("whole")
