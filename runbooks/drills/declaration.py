"""What a drill is: a declared thing, whose steps are functions and say in their docstring what they do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runbooks.drills.rehearsal import Rehearsal

# Tries one thing, raising `Unexpected` when something else came of it.
Act = Callable[["Rehearsal"], object]

HOSTED_STAGES = ("private_beta", "public_beta", "ga")


class Unexpected(Exception):
    """What was seen is not what was expected."""


@dataclass(frozen=True, slots=True)
class Drill:
    """`blocks` are the stages whose verdict lapses when it fails. `needs` says why it cannot be held here.

    Before its steps and after its rollback `probes` must find the system steady. What is rolled back is what
    the steps have noted before they did it (`runbooks.drills.rollback`), however far they came.
    """

    name: str
    title: str
    purpose: str
    blast_radius: str
    probes: tuple[Act, ...]
    steps: tuple[Act, ...]
    blocks: tuple[str, ...] = HOSTED_STAGES
    needs: Callable[[], str] = lambda: ""


def title_of(act: Act) -> str:
    """The first line of its docstring, without the full stop."""
    return (act.__doc__ or act.__name__).strip().splitlines()[0].rstrip(".")
