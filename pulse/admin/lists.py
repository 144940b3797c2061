"""Lists on pages that are no model's own list: cut into pages, whose links keep what was asked for."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from pulse.admin.filters import BoundedPaginator

PER_PAGE = 50


def cut(request: HttpRequest, rows: QuerySet[Any] | Sequence[Any]) -> dict[str, Any]:
    """The page that was asked for, or the nearest one, as `pulse/admin/pager.html` takes it."""
    kept = request.GET.copy()
    kept.pop("page", None)
    page = BoundedPaginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "query": f"{kept.urlencode()}&" if kept else ""}
