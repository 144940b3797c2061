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


class InvalidDocument(Problem):
    """`file` and `line` (from 1) are among its members."""

    status = 500
    code = "invalid_document"
    detail = "A file of the runbooks cannot be used."


class PacketNotFound(NotFound):
    code = "packet_not_found"
    detail = "There is no such packet."


class PacketState(Problem):
    status = 409
    code = "packet_state"
    detail = "The packet is not in a state for this."


class EvidenceRuns(Problem):
    status = 409
    code = "evidence_runs"
    detail = "Evidence of this is being run already."


class TestsNotInstalled(Problem):
    status = 409
    code = "tests_not_installed"
    detail = "Evidence runs the tests, and they are not installed here: pip install -r requirements-dev.txt."


class OwnReview(Problem):
    status = 409
    code = "own_review"
    detail = "Who implemented a packet does not review it. Ask another person, who runs it as themselves."


class NotReviewable(Problem):
    status = 409
    code = "not_reviewable"
    detail = "The implementer's evidence is of other code than this. It has to be run again first."


class NothingToExport(NotFound):
    code = "nothing_to_export"
    detail = "There is no such evidence."


class InvalidBundle(Problem):
    status = 400
    code = "invalid_bundle"
    detail = "This is no bundle of evidence that holds."


class BundleKnown(Problem):
    status = 409
    code = "bundle_known"
    detail = "This bundle was imported before."


class RecordNotFound(NotFound):
    code = "record_not_found"
    detail = "There is no such record of evidence."


class MoveRefused(Problem):
    """The control database was not moved: PostgreSQL is as it was."""

    status = 409
    code = "move_refused"


class NotOnSqlite(MoveRefused):
    code = "not_on_sqlite"
    detail = "This installation's control database is no SQLite file. Run this with the old DATABASE_URL."


class TargetUnusable(MoveRefused):
    code = "target_unusable"


class NotMigrated(MoveRefused):
    code = "not_migrated"


class TargetNotEmpty(MoveRefused):
    code = "target_not_empty"


class PulseIsRunning(MoveRefused):
    code = "pulse_is_running"


class CopyDiffers(MoveRefused):
    code = "copy_differs"


class UnknownStage(InvalidRequest):
    code = "unknown_stage"
    detail = "There is no such stage."


class OutcomeChanged(Problem):
    status = 409
    code = "outcome_changed"
    detail = "Something else is computed by now. Look again."


class NoGo(Problem):
    status = 409
    code = "no_go"
    detail = "The stage may not be run."


class VerdictNotFound(NotFound):
    code = "verdict_not_found"
    detail = "There is no such verdict."


class VerdictEnded(Problem):
    status = 409
    code = "verdict_ended"
    detail = "The verdict stands no more."


class DrillNotFound(NotFound):
    detail = "There is no such drill."


class DrillRunning(Problem):
    status = 409
    code = "drill_running"
    detail = "A drill is running. Drills are held one at a time, because they share the gate and the limits."


class GateKilled(Problem):
    status = 409
    code = "gate_killed"
    detail = "The kill switch is on, and no drill is held until it is off."
