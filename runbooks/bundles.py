"""Bundles: a segment of the chain in one file, which another machine can verify and keep.

A zip: `manifest.json`, `records.jsonl` (what the hashes cover, and the hashes), and `outputs/SEQUENCE.txt`.
"""

import hashlib
import io
import json
import socket
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from pulse import audit
from pulse.actors import Actor
from pulse.chain import GENESIS
from runbooks import errors
from runbooks.evidence import CHAIN
from runbooks.models import EvidenceBundle, EvidenceRecord, EvidenceRun

FORMAT = "pulse-evidence-1"
EXPORT = "runbooks.export_evidence"
LARGEST_BYTES = 256 * 1024 * 1024
KEPT = ("sequence", *CHAIN.content, "previous_hash", "hash")
INSTANTS = ("started_at", "ended_at")


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle whose every record and output holds, and follows the one before it."""

    host: str
    exported_at: datetime
    first: int
    last: int
    last_hash: str
    records: int


def export(*, actor: Actor, packet: str = "") -> bytes:
    """The whole chain, or from the first record of the packet's latest runs on; as a zip.

    Raises `NothingToExport`.
    """
    actor.require(EXPORT)
    first = _first_of(packet) if packet else 1
    written = io.BytesIO()
    count = 0
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as bundle:
        with bundle.open("records.jsonl", "w") as lines:
            for record in _records_from(first):
                lines.write(json.dumps(_as_json(record), sort_keys=True).encode() + b"\n")
                count += 1
        if not count:
            raise errors.NothingToExport
        for record in _records_from(first, until=first + count):
            bundle.writestr(f"outputs/{record.sequence}.txt", zlib.decompress(bytes(record.output)))
        manifest = {
            "format": FORMAT,
            "host": socket.gethostname(),
            "exported_at": timezone.now().isoformat(),
            "records": count,
        }
        bundle.writestr("manifest.json", json.dumps(manifest, indent=2))
    audit.record("evidence.export", actor=actor, after={"first": first, "records": count})
    return written.getvalue()


def verify(content: bytes) -> Verified:
    """Raises `InvalidBundle` with the first thing that does not hold. Needs no database."""
    if len(content) > LARGEST_BYTES:
        raise errors.InvalidBundle("It is larger than 256 MiB.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            return _verify(bundle)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, zlib.error, EOFError) as error:
        raise errors.InvalidBundle(f"It is no bundle of evidence: {error}") from error


@transaction.atomic
def import_(content: bytes, *, actor: Actor) -> EvidenceBundle:
    """Verify another machine's bundle and keep it, apart from our own chain.

    Raises `InvalidBundle`, and `BundleKnown` for a file that was imported before.
    """
    actor.require(EXPORT)
    verified = verify(content)
    digest = hashlib.sha256(content).hexdigest()
    try:
        with transaction.atomic():
            kept = EvidenceBundle.objects.create(
                sha256=digest,
                content=content,
                host=verified.host,
                exported_at=verified.exported_at,
                first=verified.first,
                last=verified.last,
                last_hash=verified.last_hash,
                imported_by=actor.name,
            )
    except IntegrityError as error:
        raise errors.BundleKnown from error
    audit.record("evidence.import", actor=actor, after={"sha256": digest, "host": verified.host})
    return kept


def _first_of(packet: str) -> int:
    runs = EvidenceRun.objects.filter(subject=packet).order_by("-pk").values("pk")[:2]
    first = EvidenceRecord.objects.filter(run__in=list(runs.values_list("pk", flat=True)))
    found: int | None = first.aggregate(first=Min("sequence"))["first"]
    if found is None:
        raise errors.NothingToExport
    return found


def _records_from(first: int, *, until: int | None = None) -> Iterator[EvidenceRecord]:
    records = EvidenceRecord.objects.filter(sequence__gte=first).order_by("sequence")
    if until is not None:
        records = records.filter(sequence__lt=until)
    return records.iterator(chunk_size=CHAIN.at_once)


def _as_json(record: EvidenceRecord) -> dict[str, Any]:
    shown = {name: getattr(record, name) for name in KEPT}
    return shown | {name: shown[name].isoformat(timespec="microseconds") for name in INSTANTS}


def _verify(bundle: zipfile.ZipFile) -> Verified:
    manifest = json.loads(bundle.read("manifest.json"))
    if manifest["format"] != FORMAT:
        raise errors.InvalidBundle(f"Its format is {manifest['format']!r}, and not {FORMAT!r}.")
    records = [
        _record(json.loads(line), bundle) for line in bundle.read("records.jsonl").decode().splitlines()
    ]
    if not records or len(records) != manifest["records"]:
        raise errors.InvalidBundle("It does not hold as many records as it says.")
    start = records[0]
    for broken, _ in CHAIN.walk(records, previous=start.previous_hash, first=start.sequence):
        if broken:
            raise errors.InvalidBundle(f"Broken at record {broken.sequence}: {broken.reason}.")
    if start.sequence == 1 and start.previous_hash != GENESIS:
        raise errors.InvalidBundle("Broken at record 1: it does not begin the chain.")
    exported_at = parse_datetime(manifest["exported_at"])
    if exported_at is None:
        raise errors.InvalidBundle("It does not say when it was exported.")
    end = records[-1]
    return Verified(
        str(manifest["host"])[:255], exported_at, start.sequence, end.sequence, end.hash, len(records)
    )


def _record(line: dict[str, Any], bundle: zipfile.ZipFile) -> EvidenceRecord:
    """A record that is in no table, as the chain verifies it."""
    if set(line) != set(KEPT):
        raise errors.InvalidBundle("A record does not have the fields that one has.")
    instants = {name: parse_datetime(line[name]) for name in INSTANTS}
    output = zlib.compress(bundle.read(f"outputs/{line['sequence']}.txt"), 1)
    return EvidenceRecord(**{**line, **instants}, output=output)
