"""An operator's saved filters as they stand above the list."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from pulse import saved_filters
from pulse.actors import from_request


@dataclass(frozen=True, slots=True)
class Chip:
    """`forget` is the address of the form that deletes it."""

    name: str
    path: str
    forget: str
    is_current: bool


def of_list(model_admin: Any, request: HttpRequest) -> list[Chip]:
    present, here = request.GET.urlencode(), model_admin.path_of("changelist")
    actor = from_request(request, door="admin")
    return [
        Chip(
            saved.name,
            f"{here}?{saved.query}",
            f"{model_admin.path_of('forget_filter', saved.pk)}?{present}",
            saved.query == present,
        )
        for saved in saved_filters.of_list(model_admin.opts.label_lower, actor=actor)
    ]
