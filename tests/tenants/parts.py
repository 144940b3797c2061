"""A tenant resource of the tests' own."""

from pathlib import Path

from pulse import faults
from tenants.models import Organization, User


class Part:
    """Keeps nothing of a tenant but what it was asked to do."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name = name
        self.calls = calls

    def provision(self, organization: Organization, *, owner: User | None) -> None:
        self.calls.append(f"provision {self.name}")

    def undo(self, organization_id: str) -> None:
        self.calls.append(f"undo {self.name}")
        faults.reach(f"undo.{self.name}")

    def missing(self, organization: Organization) -> bool:
        return False

    def verify(self, organization: Organization) -> list[str]:
        return [f"{self.name} is odd"]

    def export(self, organization: Organization, into: Path) -> None:
        (into / f"{self.name}.jsonl").write_text("{}\n")

    def before_purge(self, organization: Organization) -> None:
        self.calls.append(f"before_purge {self.name}")

    def purge(self, organization: Organization) -> None:
        self.calls.append(f"purge {self.name}")

    def orphans(self) -> list[str]:
        return []

    def clear(self, orphan: str) -> None:
        self.calls.append(f"clear {self.name}")
