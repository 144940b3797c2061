"""What operators may put on a schedule of their own: jobs with their arguments, offered by the apps above."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Offer:
    """`key` names it in forms and on the command line, such as `drill:gate-closing`."""

    key: str
    title: str
    task: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


# Each answers with what can be had at present; apps above put theirs here.
sources: list[Callable[[], Iterable[Offer]]] = []


def everything() -> dict[str, Offer]:
    return {offer.key: offer for source in sources for offer in source()}


def is_offered(task: str) -> bool:
    """Whether a schedule of this job is an operator's to delete."""
    return any(offer.task == task for offer in everything().values())
