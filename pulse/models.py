"""The ground floor's tables: the audit log, the kill switch, the freeze, schedules, heartbeats, idempotency
keys, mails that wait to be sent, saved filters."""

from django.db import models
from django.utils import timezone


class AuditEvent(models.Model):
    """One link of the append-only audit chain; triggers refuse UPDATE and DELETE."""

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(help_text="UTC.", db_index=True)
    actor_kind = models.CharField(max_length=16)
    actor = models.CharField(max_length=150)
    door = models.CharField(max_length=16)
    verb = models.CharField(max_length=64)
    organization = models.CharField(max_length=63, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=64, blank=True, db_index=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ("-sequence",)
        permissions = (("export_lists", "Can export lists"),)
        # Each ends with the list's order, so that no filter has to sort what it finds among millions.
        indexes = (
            models.Index(fields=("organization", "-sequence"), name="audit_timeline"),
            models.Index(fields=("verb", "-sequence"), name="audit_verb"),
            models.Index(fields=("actor", "-sequence"), name="audit_actor"),
            models.Index(fields=("door", "-sequence"), name="audit_door"),
        )

    def __str__(self) -> str:
        return f"#{self.sequence} {self.verb} {self.organization}".rstrip()


class AuditHead(models.Model):
    """The chain's last link: the row that writers lock to take turns, and that betrays a cut-off end."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"head #{self.sequence}"


class KillSwitch(models.Model):
    """The one row that shuts every hosted route without a restart; no row means that it was never used."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    killed = models.BooleanField(default=False)
    reason = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        verbose_name = "kill switch"
        verbose_name_plural = "kill switch"
        permissions = (("flip_killswitch", "Can shut and reopen hosted mode"),)
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="one_kill_switch"),)

    def __str__(self) -> str:
        return "hosted mode is shut" if self.killed else "hosted mode is not shut"


class Freeze(models.Model):
    """The one row that refuses operators' writes; no row means that it was never used."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    frozen = models.BooleanField(default=False)
    reason = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        verbose_name = "freeze"
        verbose_name_plural = "freeze"
        permissions = (("freeze_writes", "Can freeze operators' writes, and lift it"),)
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="one_freeze"),)

    def __str__(self) -> str:
        return "operators' writes are frozen" if self.frozen else "operators' writes are not frozen"


class Schedule(models.Model):
    """When a job is enqueued; fired by `pulse.schedules`."""

    name = models.SlugField(unique=True)
    task = models.CharField(max_length=200, help_text="Dotted path of the task.")
    arguments = models.JSONField(default=dict, blank=True, help_text="The task's keyword arguments.")
    cron = models.CharField(max_length=100, help_text="Cron expression, in the time zone.")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="By its IANA name.")
    enabled = models.BooleanField(default=True)
    next_run_at = models.DateTimeField(null=True, blank=True, help_text="UTC; empty means now.")
    last_run_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """When a worker or scheduler process was last seen alive."""

    name = models.CharField(primary_key=True, max_length=64)
    role = models.CharField(max_length=16)
    at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, help_text="When it stopped as it was told to, UTC.")

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """A reply kept for 24 h, so that a repeated POST or PUT is answered and not carried out again."""

    caller = models.CharField(max_length=128, help_text="Who, and in which organization.")
    key = models.CharField(max_length=128)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, help_text="Empty while in progress.")
    body = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("caller", "key"), name="idempotency_key_once"),)

    def __str__(self) -> str:
        return self.key


class Mail(models.Model):
    """A mail that is not sent yet; sent ones are deleted, with the address and the links that they held."""

    to = models.EmailField()
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now, db_index=True, help_text="UTC.")
    attempts = models.PositiveIntegerField(default=0)
    about = models.CharField(max_length=100, blank=True, help_text="What it tells, such as `billing/grace`.")
    organization = models.CharField(max_length=63, blank=True, help_text="In whose story it stands, if any.")
    recipient = models.CharField(max_length=64, blank=True, help_text="The public id of who is written to.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"mail {self.pk}, due {self.due_at:%Y-%m-%d %H:%M}"


class SavedFilter(models.Model):
    """How an operator has filtered, searched and ordered a list, under a name of their own."""

    operator = models.CharField(max_length=150, help_text="Their public id.")
    list_of = models.CharField(max_length=100, help_text="The list's model, such as `tenants.organization`.")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, help_text="The list's query string.")

    class Meta:
        default_permissions = ()
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("operator", "list_of", "name"), name="saved_filter_once"),
        )

    def __str__(self) -> str:
        return self.name
