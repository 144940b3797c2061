"""What is kept of readiness: packets' states, evidence, verdicts, drills, incidents.

Lanes, drills, playbooks and SLOs themselves are data in files, named here by their ids. Evidence,
verdicts, steps of drills and entries of timelines are append-only: triggers refuse UPDATE and DELETE.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class PacketState(models.TextChoices):
    """`stale` is none of them: it is an approved packet whose evidence has aged, and computed."""

    PLANNED = "planned"
    RUNNING = "running"
    IMPLEMENTED = "implemented"
    APPROVED = "approved"
    REJECTED = "rejected"


class Packet(models.Model):
    """How far a lane's packet has come; no row means that it is planned."""

    lane = models.CharField(max_length=64)
    name = models.CharField(max_length=32, help_text="Such as HOP-02.")
    state = models.CharField(max_length=16, choices=PacketState, default=PacketState.PLANNED)
    changed_at = models.DateTimeField(default=timezone.now, help_text="UTC.")
    implementation = models.ForeignKey(
        "EvidenceRun", models.PROTECT, null=True, blank=True, related_name="implements"
    )
    review = models.ForeignKey("EvidenceRun", models.PROTECT, null=True, blank=True, related_name="reviews")
    # The two runs' actors, here so that the database can keep them apart.
    implementer = models.CharField(max_length=150, blank=True)
    reviewer = models.CharField(max_length=150, blank=True)

    class Meta:
        # Their list is the board.
        verbose_name_plural = "readiness"
        ordering = ("lane", "name")
        permissions = (
            ("implement_packet", "Can run a packet's evidence as its implementer"),
            ("review_packet", "Can run a packet's evidence as its reviewer, approve and reject it"),
        )
        constraints = (
            models.UniqueConstraint(fields=("lane", "name"), name="packet_once"),
            models.CheckConstraint(
                condition=Q(reviewer="") | ~Q(reviewer=F("implementer")), name="packet_reviewed_by_another"
            ),
            models.CheckConstraint(
                condition=~Q(state=PacketState.APPROVED)
                | (Q(implementation__isnull=False) & Q(review__isnull=False) & ~Q(reviewer="")),
                name="packet_approved_on_two_runs",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """On whose behalf evidence was run."""

    IMPLEMENTER = "implementer"
    REVIEWER = "reviewer"
    SCHEDULE = "schedule"
    DRILL = "drill"


class EvidenceRun(models.Model):
    """One pass over commands, such as a packet's; what they did is in its records."""

    lane = models.CharField(max_length=64, blank=True, help_text="Empty where it proves no packet.")
    subject = models.CharField(max_length=64, help_text="The packet, or what else was run.")
    role = models.CharField(max_length=16, choices=Role)
    actor_kind = models.CharField(max_length=16)
    actor = models.CharField(max_length=150)
    version = models.CharField(
        max_length=64, blank=True, help_text="The git commit, or the package's version."
    )
    is_dirty = models.BooleanField(default=False, help_text="Files differed from the commit.")
    host = models.CharField(max_length=255)
    process = models.PositiveIntegerField(help_text="Of the host; a run whose process is gone has failed.")
    started_at = models.DateTimeField(help_text="UTC.")
    beat_at = models.DateTimeField(help_text="UTC; an old one means that the process is gone.")
    ended_at = models.DateTimeField(null=True, blank=True)
    passed = models.BooleanField(null=True, help_text="Empty while it runs.")
    failure = models.CharField(max_length=32, blank=True, help_text="Of the run itself, such as abandoned.")

    class Meta:
        ordering = ("-pk",)
        permissions = (("export_evidence", "Can export and import bundles of evidence"),)
        indexes = (models.Index(fields=("lane", "subject", "-started_at"), name="evidence_run_of_subject"),)
        constraints = (
            models.UniqueConstraint(
                fields=("lane", "subject"),
                condition=Q(ended_at__isnull=True),
                name="one_evidence_run_at_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.subject} run {self.pk}"


class EvidenceRecord(models.Model):
    """One command's outcome: a link of an append-only chain, as the audit log's."""

    sequence = models.BigIntegerField(primary_key=True)
    run = models.ForeignKey(EvidenceRun, models.PROTECT, related_name="records")
    argv = models.JSONField()
    exit_code = models.IntegerField(null=True, help_text="Empty when it was not to be had.")
    passed = models.BooleanField()
    failure = models.CharField(max_length=32, blank=True, help_text="Such as timed_out or truncated_output.")
    started_at = models.DateTimeField(help_text="UTC.")
    ended_at = models.DateTimeField()
    seconds = models.FloatField(help_text="By the monotonic clock.")
    version = models.CharField(max_length=64, blank=True)
    is_dirty = models.BooleanField()
    host = models.CharField(max_length=255)
    actor = models.CharField(max_length=150)
    output = models.BinaryField(help_text="Standard output and error, compressed by zlib.")
    output_bytes = models.BigIntegerField(help_text="Before compression, and before it was cut.")
    output_sha256 = models.CharField(max_length=64, help_text="Of the kept output, uncompressed.")
    junit = models.JSONField(null=True, help_text="Tests, failures, errors, skipped and seconds.")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ("sequence",)

    def __str__(self) -> str:
        return f"#{self.sequence}"


class EvidenceHead(models.Model):
    """The chain's last link: the row that writers lock to take turns."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"head #{self.sequence}"


class EvidenceBundle(models.Model):
    """Another machine's segment of its own chain, as it was imported and verified: kept apart from ours."""

    sha256 = models.CharField(max_length=64, unique=True, help_text="Of the file.")
    content = models.BinaryField(help_text="The file.")
    host = models.CharField(max_length=255, help_text="Where it says that it was exported.")
    exported_at = models.DateTimeField(help_text="UTC, as it says.")
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    last_hash = models.CharField(max_length=64)
    imported_at = models.DateTimeField(default=timezone.now, help_text="UTC.")
    imported_by = models.CharField(max_length=150)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.host} #{self.first} to #{self.last}"


class Outcome(models.TextChoices):
    GO = "GO"
    GO_WITH_CONDITIONS = "GO_WITH_CONDITIONS"
    NO_GO = "NO_GO"


class Verdict(models.Model):
    """A signed answer to whether a stage may be run: superseded, revoked or lapsed, never edited."""

    stage = models.CharField(max_length=32)
    outcome = models.CharField(max_length=32, choices=Outcome)
    reasons = models.JSONField(help_text="What it was computed from, line by line.")
    version = models.CharField(max_length=64, blank=True)
    evidence_sequence = models.BigIntegerField(help_text="The last evidence record that it could see.")
    signed_at = models.DateTimeField(default=timezone.now, help_text="UTC.")
    signed_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        permissions = (("sign_verdict", "Can sign and revoke verdicts"),)
        indexes = (models.Index(fields=("stage", "-id"), name="verdict_of_stage"),)

    def __str__(self) -> str:
        return f"{self.outcome} for {self.stage}"


class VerdictEnd(models.Model):
    """Why a verdict stands no more, before its expiry."""

    class How(models.TextChoices):
        SUPERSEDED = "superseded"
        REVOKED = "revoked"
        LAPSED = "lapsed"
        # Written when it is noticed, so that a clock that is set back revives nothing.
        EXPIRED = "expired"

    verdict = models.OneToOneField(Verdict, models.PROTECT, primary_key=True, related_name="end")
    how = models.CharField(max_length=16, choices=How)
    at = models.DateTimeField(default=timezone.now, help_text="UTC.")
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)

    def __str__(self) -> str:
        return self.how


class DrillRun(models.Model):
    """One rehearsal on the running system. At most one runs at a time: they share its gate and its limits."""

    class State(models.TextChoices):
        RUNNING = "running"
        PASSED = "passed"
        FAILED = "failed"
        # What it needs is not there, such as Redis.
        NOT_APPLICABLE = "not_applicable"
        # It was stopped, or its process died; what it had changed was rolled back, by it or by who found it.
        ABANDONED = "abandoned"

    drill = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(help_text="UTC.")
    ended_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(null=True, help_text="By the monotonic clock.")
    actor = models.CharField(max_length=150)
    door = models.CharField(max_length=16)
    base_url = models.CharField(max_length=200, help_text="The server that was rehearsed on.")
    host = models.CharField(max_length=255)
    process = models.PositiveIntegerField()
    beat_at = models.DateTimeField(help_text="UTC; an old one means that the process is gone.")
    version = models.CharField(max_length=64, blank=True)
    # What the rollback needs to know of: organizations made, the kill switch's earlier state and so on.
    undo = models.JSONField(default=list, help_text="Pairs of a kind and a name; empty once all is undone.")
    evidence = models.ForeignKey(EvidenceRecord, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("-pk",)
        permissions = (("run_drill", "Can run drills"),)
        indexes = (models.Index(fields=("drill", "-started_at"), name="drill_run_of_drill"),)
        constraints = (
            models.UniqueConstraint(
                fields=("state",), condition=Q(state="running"), name="one_drill_run_at_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.drill} #{self.pk}"


class DrillStep(models.Model):
    """One line of a run's journal, written when the step has ended."""

    run = models.ForeignKey(DrillRun, models.PROTECT, related_name="steps")
    number = models.PositiveSmallIntegerField()
    phase = models.CharField(max_length=16, help_text="probe, step or rollback.")
    name = models.CharField(max_length=200)
    passed = models.BooleanField()
    detail = models.TextField(blank=True, help_text="What was expected and what was seen.")
    started_at = models.DateTimeField(help_text="UTC.")
    seconds = models.FloatField()

    class Meta:
        ordering = ("run", "number")
        constraints = (models.UniqueConstraint(fields=("run", "number"), name="drill_step_once"),)

    def __str__(self) -> str:
        return self.name


class Severity(models.TextChoices):
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


class IncidentQuerySet(models.QuerySet["Incident"]):
    def unresolved(self) -> "IncidentQuerySet":
        return self.filter(resolved_at__isnull=True)


class Incident(models.Model):
    """Something that went wrong, from its opening to its review.

    Its playbook's steps and times are copied into it, so that it stays as it was when the playbook changes.
    """

    class Source(models.TextChoices):
        HAND = "hand"
        DRILL = "drill"
        ALERT = "alert"

    title = models.CharField(max_length=200)
    playbook = models.CharField(max_length=64)
    severity = models.CharField(max_length=2, choices=Severity)
    source = models.CharField(max_length=8, choices=Source)
    # What an open incident is recognised by when the same alert or drill tells of it again.
    fingerprint = models.CharField(max_length=64, blank=True, db_index=True)
    opened_at = models.DateTimeField(default=timezone.now, help_text="UTC; all clocks start here.")
    opened_by = models.CharField(max_length=150)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="incidents"
    )
    organizations = models.JSONField(default=list, help_text="Ids of the organizations concerned.")
    # Each clock: until when, empty where the severity sets none, and when it was met.
    acknowledge_by = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    contain_by = models.DateTimeField(null=True, blank=True)
    contained_at = models.DateTimeField(null=True, blank=True)
    resolve_by = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True, db_index=True)
    review_by = models.DateTimeField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    drill_run = models.ForeignKey(DrillRun, models.PROTECT, null=True, blank=True, related_name="incidents")

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        permissions = (("handle_incident", "Can open and handle incidents"),)
        constraints = (
            models.UniqueConstraint(
                fields=("fingerprint",),
                condition=Q(resolved_at__isnull=True) & ~Q(fingerprint=""),
                name="one_open_incident_of_a_fingerprint",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.title}"

    @property
    def name(self) -> str:
        return f"INC-{self.pk}"


class IncidentStep(models.Model):
    """A playbook's step as it stood when the incident was opened, and who did it when."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="steps")
    number = models.PositiveSmallIntegerField()
    section = models.CharField(max_length=64)
    text = models.TextField(help_text="Markdown.")
    commands = models.JSONField(default=list, help_text="With {organizations} and {incident} to fill in.")
    button = models.CharField(max_length=64, blank=True)
    decision = models.TextField(blank=True, help_text="What a person decides.")
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ("incident", "number")
        constraints = (models.UniqueConstraint(fields=("incident", "number"), name="incident_step_once"),)

    def __str__(self) -> str:
        return self.text[:80]


class IncidentEntry(models.Model):
    """One line of an incident's timeline; append-only."""

    class Kind(models.TextChoices):
        OPENED = "opened"
        ALERT = "alert"
        PROGRESS = "progress"
        BREACH = "breach"
        SEVERITY = "severity"
        OWNER = "owner"
        STEP = "step"
        ACTION = "action"
        NOTE = "note"

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="entries")
    at = models.DateTimeField(default=timezone.now, help_text="UTC.")
    actor = models.CharField(max_length=150)
    kind = models.CharField(max_length=16, choices=Kind)
    text = models.TextField()
    details = models.JSONField(default=dict)
    clock = models.CharField(max_length=16, blank=True, help_text="That ran out, of a breach.")

    class Meta:
        ordering = ("incident", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("incident", "clock"), condition=~Q(clock=""), name="one_breach_of_a_clock"
            ),
        )

    def __str__(self) -> str:
        return self.text[:80]
