"""What an organization uses of what it may: a row for each thing that is counted, from every app."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tenants.admin.organization_pages import OrganizationPage, Page, register
from tenants.models import Organization

NEARLY_ALL = 80  # Percent.


@dataclass(frozen=True, slots=True)
class Use:
    """One thing; without a number where Pulse counts none, without a limit where nothing says one."""

    title: str
    used: str
    limit: str = ""
    percent: int | None = None
    note: str = ""

    @classmethod
    def counted(cls, title: str, used: int, limit: int | None, *, note: str = "") -> "Use":
        percent = min(100, used * 100 // limit) if limit else None
        return cls(title, f"{used:,}", "no limit" if limit is None else f"{limit:,}", percent, note)

    @property
    def is_nearly_all(self) -> bool:
        return self.percent is not None and self.percent >= NEARLY_ALL


# In the order of the page.
sources: list[Callable[[Organization], Iterable[Use]]] = []


class Usage(OrganizationPage):
    title = "Usage and limits"
    permission = "tenants.view_organization"
    template_name = "tenants/admin/usage.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        uses = [use for source in sources for use in source(self.subject)]
        return super().get_context_data(uses=uses, **kwargs)


register(Page("usage", "usage/", Usage, tab="Usage and limits"))
