"""Saved filters of the operators' lists: each operator's own, and no change that anybody else could notice.

So they are neither audited nor frozen.
"""

from django.db import transaction
from django.db.models import QuerySet

from pulse.actors import Actor
from pulse.models import SavedFilter
from pulse.problems import InvalidRequest, NotFound, PermissionRefused
from pulse.text import is_one_line

LONGEST_NAME, LONGEST_QUERY = 60, 2000
MOST_OF_A_LIST = 20


class InvalidFilterName(InvalidRequest):
    code = "invalid_filter_name"
    detail = "A name has 1 to 60 characters, and is one line."


class InvalidFilter(InvalidRequest):
    code = "invalid_filter"
    detail = "Filter, search or order the list first: in at most 2,000 characters."


class TooManyFilters(InvalidRequest):
    code = "too_many_filters"
    detail = "You have saved 20 filters of this list. Delete one first."


def of_list(list_of: str, *, actor: Actor) -> QuerySet[SavedFilter]:
    """The actor's own, by name."""
    return SavedFilter.objects.filter(operator=actor.name, list_of=list_of)


@transaction.atomic
def save(list_of: str, *, name: str, query: str, actor: Actor) -> SavedFilter:
    """Keep it under the name, in the place of one that has it.

    Raises `InvalidFilterName`, `InvalidFilter`, `TooManyFilters`.
    """
    _require_operator(actor)
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not is_one_line(name):
        raise InvalidFilterName
    if not 1 <= len(query) <= LONGEST_QUERY:
        raise InvalidFilter
    others = of_list(list_of, actor=actor).exclude(name=name)
    if others.count() >= MOST_OF_A_LIST:
        raise TooManyFilters
    saved, _ = SavedFilter.objects.update_or_create(
        operator=actor.name, list_of=list_of, name=name, defaults={"query": query}
    )
    return saved


def delete(list_of: str, filter_id: int, *, actor: Actor) -> None:
    """Raises `NotFound` for one that is not the actor's."""
    _require_operator(actor)
    deleted, _ = of_list(list_of, actor=actor).filter(pk=filter_id).delete()
    if not deleted:
        raise NotFound("You have saved no such filter.")


def _require_operator(actor: Actor) -> None:
    if not getattr(actor.user, "is_staff", False):
        raise PermissionRefused
