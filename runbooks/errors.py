"""The refusals of runbooks."""

from pulse.problems import InvalidRequest, NotFound, Problem


class SeedRefused(Problem):
    status = 409
    code = "seed_refused"
    detail = "A made-up world is for an empty installation."


class IncidentNotFound(NotFound):
    detail = "There is no such incident."


class StepNotFound(NotFound):
    detail = "The incident has no such step."


class UnknownPlaybook(InvalidRequest):
    code = "unknown_playbook"
    detail = "There is no such playbook."


class InvalidTitle(InvalidRequest):
    code = "invalid_title"
    detail = "A title is one line of at most 200 characters."


class InvalidSeverity(InvalidRequest):
    code = "invalid_severity"
    detail = "A severity is P1, P2, P3 or P4."


class InvalidNote(InvalidRequest):
    code = "invalid_note"
    detail = "A note has at most 10000 characters, and no control characters but line breaks and tabs."


class NoteRequired(InvalidRequest):
    code = "note_required"
    detail = "Say what it was and what was done."


class TooManyOrganizations(InvalidRequest):
    code = "too_many_organizations"
    detail = "An incident names at most 200 organizations."


class OrganizationsRequired(InvalidRequest):
    code = "organizations_required"
    detail = "Name the organizations that this is to be done with."


class OwnerRefused(InvalidRequest):
    code = "owner_refused"
    detail = "An incident is owned by an operator who may handle incidents."


class UnknownAction(InvalidRequest):
    code = "unknown_action"
    detail = "There is no such action."


class InvalidNotification(InvalidRequest):
    code = "invalid_notification"
    detail = "This is not a notification of Alertmanager's, version 4."


class AlreadyAcknowledged(Problem):
    status = 409
    code = "already_acknowledged"
    detail = "The incident is acknowledged already."


class AlreadyContained(Problem):
    status = 409
    code = "already_contained"
    detail = "The incident is contained already."


class AlreadyResolved(Problem):
    status = 409
    code = "already_resolved"
    detail = "The incident is resolved. What comes now is another one."


class NotResolved(Problem):
    status = 409
    code = "not_resolved"
    detail = "An incident is reviewed once it is resolved."


class AlreadyReviewed(Problem):
    status = 409
    code = "already_reviewed"
    detail = "The incident is reviewed already."


class SameSeverity(Problem):
    status = 409
    code = "same_severity"
    detail = "The incident has this severity already."


class StepDone(Problem):
    status = 409
    code = "step_done"
    detail = "This step is done already."
