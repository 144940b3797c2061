"""Evidence: what commands and drills did, as links of an append-only chain that nobody types in.

A record holds a command's argv, exit code, times, version, host, actor and output; the hash covers them all,
the output by its SHA-256.
"""

import hashlib
import os
import socket
import zlib
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from pulse.actors import Actor
from pulse.chain import Broken, Chain
from runbooks import release
from runbooks.models import EvidenceHead, EvidenceRecord, EvidenceRun, Role


def _flaw(record: EvidenceRecord) -> str:
    """What is wrong with a record's output, which its hash covers by its SHA-256 alone."""
    try:
        output = zlib.decompress(bytes(record.output))
    except zlib.error:
        return "its output cannot be read"
    if hashlib.sha256(output).hexdigest() != record.output_sha256:
        return "its output does not match its hash"
    return ""


CHAIN = Chain(
    links=EvidenceRecord,
    head=EvidenceHead,
    content=(
        "run_id", "argv", "exit_code", "passed", "failure", "started_at", "ended_at", "seconds", "version",
        "is_dirty", "host", "actor", "output_bytes", "output_sha256", "junit",
    ),
    noun="record",
    whole="evidence",
    at_once=20,
    flaw=_flaw,
)  # fmt: skip


@transaction.atomic
def record_drill(
    drill: str,
    *,
    passed: bool,
    journal: str,
    started_at: datetime,
    seconds: float,
    actor: Actor,
    base_url: str = "",
) -> EvidenceRecord:
    """Append a drill's run to the evidence, once it has ended: its journal is the output.

    To be called by the drills' runner alone, in the transaction that ends its run; the record is what
    `DrillRun.evidence` points to. `started_at` is UTC, `seconds` by the monotonic clock. Locks the chain's
    head until the transaction ends.
    """
    code, ended_at = release.on_disk(), started_at + timedelta(seconds=seconds)
    run = EvidenceRun.objects.create(
        subject=drill,
        role=Role.DRILL,
        actor_kind=actor.kind,
        actor=actor.name,
        version=code.version,
        is_dirty=code.is_dirty,
        host=socket.gethostname(),
        process=os.getpid(),
        started_at=started_at,
        beat_at=ended_at,
        ended_at=ended_at,
        passed=passed,
    )
    return append(
        run,
        argv=["manage.py", "drill", "run", drill, *(["--base-url", base_url] if base_url else [])],
        exit_code=0 if passed else 1,
        passed=passed,
        failure="" if passed else "drill_failed",
        started_at=started_at,
        ended_at=ended_at,
        seconds=seconds,
        output=journal.encode(),
    )


def append(
    run: EvidenceRun, *, output: bytes, output_bytes: int | None = None, **outcome: Any
) -> EvidenceRecord:
    """Append one record of the run; `output_bytes` is what there was before it was cut."""
    record = EvidenceRecord(
        run=run,
        version=run.version,
        is_dirty=run.is_dirty,
        host=run.host,
        actor=run.actor,
        output=zlib.compress(output),
        output_bytes=len(output) if output_bytes is None else output_bytes,
        output_sha256=hashlib.sha256(output).hexdigest(),
        **outcome,
    )
    with CHAIN.writing() as add:
        add(record)
        record.save(force_insert=True)
    return record


def output_of(record: EvidenceRecord) -> str:
    """What the command wrote, with marks in place of what is no UTF-8."""
    return zlib.decompress(bytes(record.output)).decode(errors="replace")


def verify() -> Broken | None:
    """The first tampered record, or None when the whole evidence holds."""
    return CHAIN.verify()
