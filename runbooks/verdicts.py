"""Verdicts: whether a stage may be run, as an operator has signed it.

One is never edited. It is superseded by the next for its stage, revoked, lapses with a blocking drill that
fails, or expires.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor, from_job
from pulse.settings import STAGES
from runbooks import errors, readiness
from runbooks.models import EvidenceHead, Outcome, Verdict, VerdictEnd
from runbooks.readiness import Line, Readiness

SIGN = "runbooks.sign_verdict"
VIEW = "runbooks.view_verdict"
How = VerdictEnd.How
OPENING = frozenset((Outcome.GO, Outcome.GO_WITH_CONDITIONS))
# The newest of a stage alone counts: what it superseded never stands again. By its index, one row.
LATEST = """
    SELECT verdict.outcome, verdict.signed_at <= %s, verdict.expires_at <= %s, verdict_end.verdict_id
    FROM runbooks_verdict verdict
    LEFT JOIN runbooks_verdictend verdict_end ON verdict_end.verdict_id = verdict.id
    WHERE verdict.stage = %s ORDER BY verdict.id DESC LIMIT 1
"""


def stands(stage: str) -> bool:
    """Whether a signed GO or GO_WITH_CONDITIONS covers the stage now: one raw read, on every hosted request.

    None does while the clock says that it was not signed yet. Whoever is the first to find it expired puts
    that on record.
    """
    now = timezone.now()
    moment: Any = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(LATEST, (moment, moment, stage))
        row = cursor.fetchone()
    if row is None:
        return False
    outcome, is_signed, is_over, ended = row
    if is_over and ended is None:
        _note_expiry(now)
    return outcome in OPENING and bool(is_signed) and not is_over and ended is None


def latest(stage: str) -> Verdict | None:
    """The newest of the stage, whether it stands or not, with its end."""
    return Verdict.objects.filter(stage=stage).select_related("end").first()


def state_of(verdict: Verdict) -> str:
    """`standing`, `no go`, `not yet` (by a clock that was set back), or how it ended."""
    end: VerdictEnd | None = getattr(verdict, "end", None)
    now = timezone.now()
    if end is not None:
        return end.how
    if verdict.expires_at <= now:
        return How.EXPIRED
    if verdict.signed_at > now:
        return "not yet"
    return "standing" if verdict.outcome in OPENING else "no go"


def sign(stage: str, *, actor: Actor, reason: str, outcome: str = "") -> Verdict:
    """Sign what is computed now, for `PULSE_VERDICT_DAYS`; it supersedes the stage's verdict before it.

    `outcome` is what the signer has seen: `OutcomeChanged` is raised where another is computed meanwhile. A
    NO_GO is signed, as a record that shuts the gate, only where it is named; else `NoGo` is raised. Raises
    `UnknownStage` and `ReasonRequired`. Signers take turns, and no evidence is added meanwhile.
    """
    actor.require(SIGN)
    actor.require_recent()
    audit.required_reason(reason)
    require_stage(stage)
    head, _ = EvidenceHead.objects.get_or_create(id=1)
    # Before anything is locked: while the whole chain is read, others go on writing.
    return _sign(
        stage, outcome, read_to=head.sequence, chain=readiness.chain_line(), actor=actor, reason=reason
    )


@transaction.atomic
def _sign(stage: str, outcome: str, *, read_to: int, chain: Line, actor: Actor, reason: str) -> Verdict:
    head = EvidenceHead.objects.select_for_update().get(id=1)
    computed = readiness.compute(stage, chain=chain if head.sequence == read_to else None)
    _require_seen(computed, outcome)
    now = timezone.now()
    verdict = Verdict.objects.create(
        stage=stage,
        outcome=computed.outcome,
        reasons=[line.as_json() for line in computed.lines],
        version=computed.code.version,
        evidence_sequence=head.sequence,
        signed_at=now,
        signed_by=actor.name,
        reason=reason,
        expires_at=now + timedelta(days=settings.PULSE_VERDICT_DAYS),
    )
    for earlier in _locked(stage=stage).exclude(pk=verdict.pk):
        _end(earlier, How.SUPERSEDED, actor=actor, reason=f"superseded by verdict {verdict.pk}")
    after = {"verdict": verdict.pk, "stage": stage, "outcome": verdict.outcome}
    audit.record("verdict.sign", actor=actor, after=after, reason=reason)
    return verdict


@transaction.atomic
def revoke(number: int, *, actor: Actor, reason: str) -> Verdict:
    """End a verdict: the gate of its stage is shut from the next request on, in every process.

    Raises `VerdictNotFound`, `VerdictEnded` and `ReasonRequired`.
    """
    actor.require(SIGN)
    actor.require_recent()
    audit.required_reason(reason)
    verdict = Verdict.objects.select_for_update().filter(pk=number).first()
    if verdict is None:
        raise errors.VerdictNotFound
    if VerdictEnd.objects.filter(verdict=verdict).exists():
        raise errors.VerdictEnded
    _end(verdict, How.REVOKED, actor=actor, reason=reason)
    return verdict


@transaction.atomic
def lapse(*, drill: str, stages: Iterable[str], actor: Actor) -> list[Verdict]:
    """End the verdicts of the stages that a failed drill blocks; which. Called where the drill's run ends."""
    ended = list(_locked(stage__in=list(stages), outcome__in=OPENING))
    for verdict in ended:
        _end(verdict, How.LAPSED, actor=actor, reason=f"the drill {drill} failed")
    return ended


@transaction.atomic
def end_expired(*, now: datetime) -> int:
    """Put on record that verdicts have expired, so that a clock that is set back revives none; how many."""
    expired = list(_locked(expires_at__lte=now))
    for verdict in expired:
        _end(verdict, How.EXPIRED, actor=from_job("verdicts"), reason="its time is over")
    return len(expired)


def _note_expiry(now: datetime) -> None:
    """Where it cannot be written, as while others do so or the disk is full, the next reader tries."""
    with suppress(DatabaseError):
        end_expired(now=now)


def require_stage(stage: str) -> None:
    if stage not in STAGES:
        raise errors.UnknownStage(f"There is no stage {stage!r}: it is one of {', '.join(STAGES)}.")


def _require_seen(computed: Readiness, outcome: str) -> None:
    if outcome and outcome != computed.outcome:
        raise errors.OutcomeChanged(f"It is {computed.outcome} now, and not {outcome}. Look again.")
    if computed.outcome == Outcome.NO_GO and not outcome:
        missing = "; ".join(map(str, computed.missing))
        raise errors.NoGo(f"{computed.stage} may not be run: {missing}.")


def _locked(**wanted: Any) -> QuerySet[Verdict]:
    """Those that have not ended."""
    return Verdict.objects.select_for_update(of=("self",)).filter(end=None, **wanted)


def _end(verdict: Verdict, how: str, *, actor: Actor, reason: str) -> None:
    VerdictEnd.objects.create(verdict=verdict, how=how, actor=actor.name, reason=reason)
    before = {"verdict": verdict.pk, "stage": verdict.stage, "outcome": verdict.outcome}
    audit.record("verdict." + how, actor=actor, before=before, after={"ended": how}, reason=reason)
