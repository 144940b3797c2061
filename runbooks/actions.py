"""What an incident's buttons do: the safe steps of playbooks, each a verb that exists already.

What came of it, for each organization, is a line of the timeline.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from billing import reconciliation
from pulse import freeze
from pulse.actors import Actor
from pulse.audit import LONGEST_REASON
from pulse.problems import PermissionRefused, as_problem
from runbooks import errors, handling
from runbooks.incidents import HANDLE
from runbooks.models import Incident
from tenants import lifecycle, organizations, resources

SECURITY = "security_incident"


@dataclass(frozen=True, slots=True)
class Action:
    """`run` is given an organization, or "" for an action on Pulse as a whole, and says what came of it."""

    title: str
    icon: str
    told: str
    run: Callable[[str, Incident, Actor], str]
    of_organizations: bool = True
    is_danger: bool = False


def _suspend(organization_id: str, incident: Incident, actor: Actor) -> str:
    lifecycle.suspend(organization_id, actor=actor, reason=SECURITY)
    return "suspended"


def _refresh(organization_id: str, incident: Incident, actor: Actor) -> str:
    drift = reconciliation.refresh(organization_id, actor=actor, reason=_reason(incident))
    if drift is None:
        return "derived anew"
    return drift.error or f"taken over from Stripe: {', '.join(sorted(drift.differences))}"


def _verify(organization_id: str, incident: Incident, actor: Actor) -> str:
    organization = organizations.living(organization_id)
    findings = resources.verify(organization)
    told = [f"{part}: {one}" for part, found in sorted(findings.items()) for one in found]
    return "; ".join(told) or "whole and without strangers"


def _freeze(nothing: str, incident: Incident, actor: Actor) -> str:
    freeze.begin(actor=actor, reason=_reason(incident))
    return "frozen"


def _lift(nothing: str, incident: Incident, actor: Actor) -> str:
    freeze.lift(actor=actor, reason=_reason(incident))
    return "lifted"


ACTIONS: Mapping[str, Action] = {
    "suspend": Action(
        title="Suspend organizations",
        icon="block",
        told="Their people are refused from the next request on. Their data stays whole. "
        f"The reason is {SECURITY}.",
        run=_suspend,
        is_danger=True,
    ),
    "verify_isolation": Action(
        title="Verify isolation",
        icon="verified_user",
        told="Checks each part of them, and looks for people in their roles who are not members.",
        run=_verify,
    ),
    "refresh_billing": Action(
        title="Refresh billing",
        icon="sync",
        told="Derives what they may do anew, from Stripe and from the layers of billing.",
        run=_refresh,
    ),
    "freeze": Action(
        title="Freeze operators' writes",
        icon="ac_unit",
        told="What operators change is refused until it is lifted; incidents and the lifecycle go on.",
        run=_freeze,
        of_organizations=False,
        is_danger=True,
    ),
    "lift_freeze": Action(
        title="Lift the freeze",
        icon="lock_open",
        told="Operators may write again.",
        run=_lift,
        of_organizations=False,
    ),
}


def run(
    number: int, *, action: str, actor: Actor, organizations: Sequence[str] = (), step: int | None = None
) -> dict[str, str]:
    """What came of it, by organization (or by `pulse`); one that refuses does not stop the others.

    The organizations are those of the incident where none is named; those that are named are the incident's
    from then on. With a step, that is done. Raises `UnknownAction`, `OrganizationsRequired`, `StepNotFound`.
    """
    actor.require(HANDLE)
    if action not in ACTIONS:
        raise errors.UnknownAction
    taken = ACTIONS[action]
    incident = handling.concern(number, organizations=organizations, actor=actor)
    subjects = list(organizations) or incident.organizations if taken.of_organizations else [""]
    if not subjects:
        raise errors.OrganizationsRequired
    outcomes = {one or "pulse": _outcome(taken, one, incident, actor) for one in subjects}
    handling.tell_of_action(number, action=action, outcomes=outcomes, step=step, actor=actor)
    return outcomes


def _outcome(taken: Action, organization_id: str, incident: Incident, actor: Actor) -> str:
    try:
        return taken.run(organization_id, incident, actor)
    except PermissionRefused:
        raise
    except Exception as error:
        problem = as_problem(error)
        if problem is None:
            raise
        return f"{problem.code}: {problem.detail}"


def _reason(incident: Incident) -> str:
    return str(incident)[:LONGEST_REASON]
