"""`manage.py evidence run|list|show|verify|export|import|reject`."""

import codecs
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from runbooks import bundles, errors, evidence, lanes, packets, runs
from runbooks.models import EvidenceRecord, EvidenceRun, Role

VIEW = "runbooks.view_evidencerecord"
RECORD = (
    "sequence", "run_id", "argv", "exit_code", "passed", "failure", "started_at", "ended_at", "seconds",
    "version", "is_dirty", "host", "actor", "output_bytes", "output_sha256", "junit", "hash",
)  # fmt: skip
RUN = (
    "id", "subject", "role", "actor", "version", "is_dirty", "started_at", "ended_at", "passed", "failure",
)  # fmt: skip


class Command(OperatorCommand):
    help = (
        "Run, prove and pass on evidence, which is never typed in. "
        "Example: manage.py evidence run HOP-02 --as reviewer --actor grace@example.com"
    )

    def arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        run = verbs.add_parser("run", help="Run the acceptance commands of packets.")
        run.add_argument("packets", nargs="+", metavar="PACKET")
        run.add_argument(
            "--as",
            dest="role",
            required=True,
            choices=(Role.IMPLEMENTER, Role.REVIEWER),
            help="Whose run it is; one of each approves a packet.",
        )
        run.add_argument("--lane", default="", help="Where several lanes have a packet of the name.")
        listing = verbs.add_parser("list", help="The latest runs.")
        listing.add_argument("--packet", default="", metavar="PACKET", help="Of this packet alone.")
        listing.add_argument("--lines", type=int, default=20, metavar="N", help="How many; 20 when absent.")
        show = verbs.add_parser("show", help="One record, with its output.")
        show.add_argument("sequence", type=int, metavar="NUMBER")
        verify = verbs.add_parser(
            "verify", help="Find the first tampered record of the chain, or of a bundle."
        )
        verify.add_argument(
            "--bundle", type=Path, metavar="FILE", help="A bundle in the place of our own chain."
        )
        export = verbs.add_parser("export", help="Write a bundle that another machine can verify.")
        export.add_argument("file", type=Path, metavar="FILE")
        export.add_argument("--packet", default="", help="From this packet's latest two runs on.")
        import_ = verbs.add_parser("import", help="Verify another machine's bundle and keep it.")
        import_.add_argument("file", type=Path, metavar="FILE")
        reject = verbs.add_parser("reject", help="Send a packet back to its implementer.")
        reject.add_argument("packets", nargs=1, metavar="PACKET")
        self.reason_option(reject, required=True)
        reject.add_argument("--lane", default="", help="Where several lanes have a packet of the name.")
        for one in verbs.choices.values():
            self.common(one)

    def run(self, *, actor: Actor, verb: str, **options: Any) -> None:
        getattr(self, "_" + verb)(actor, options)

    def _run(self, actor: Actor, options: dict[str, Any]) -> None:
        named = [lanes.find_packet(name, lane=options["lane"]) for name in options["packets"]]
        decoder = codecs.getincrementaldecoder("utf-8")("replace")

        def show(chunk: bytes) -> None:
            if not self.as_json:
                self.stdout.write(decoder.decode(chunk), ending="")
                self.stdout.flush()

        rows = []
        for packet in named:
            if not self.as_json:
                self.stdout.write(f"{packet.id} {packet.title}: {len(packet.acceptance)} commands")
            done = runs.run(packet, role=Role(options["role"]), actor=actor, show=show)
            rows.append({name: getattr(done, name) for name in RUN} | {"state": _state_of(packet)})
        self.print_rows(rows)
        if not all(row["passed"] for row in rows):
            sys.exit(1)

    def _list(self, actor: Actor, options: dict[str, Any]) -> None:
        actor.require(VIEW)
        found = EvidenceRun.objects.all()
        if options["packet"]:
            found = found.filter(subject=options["packet"])
        self.print_rows(list(found.values(*RUN)[: max(options["lines"], 0)]), empty="No runs.")

    def _show(self, actor: Actor, options: dict[str, Any]) -> None:
        actor.require(VIEW)
        record = EvidenceRecord.objects.filter(sequence=options["sequence"]).first()
        if record is None:
            raise errors.RecordNotFound
        shown = {name: getattr(record, name) for name in RECORD}
        if self.as_json:
            self.print_json(shown | {"output": evidence.output_of(record)})
            return
        for name, value in shown.items():
            self.stdout.write(f"{name}: {value}")
        self.stdout.write("\n" + evidence.output_of(record))

    def _verify(self, actor: Actor, options: dict[str, Any]) -> None:
        actor.require(VIEW)
        if options["bundle"]:
            verified = bundles.verify(_read(options["bundle"]))
            self._say_verified(verified.records, f"from {verified.host}, ")
            return
        runs.bury_dead()
        broken, count = evidence.verify(), EvidenceRecord.objects.count()
        if broken is None:
            self._say_verified(count, "")
            return
        if self.as_json:
            first = {"sequence": broken.sequence, "reason": broken.reason}
            self.print_json({"whole": False, "records": count, "first_broken": first})
        else:
            self.stderr.write(f"Broken at record {broken.sequence}: {broken.reason}.")
        sys.exit(1)

    def _say_verified(self, count: int, origin: str) -> None:
        if self.as_json:
            self.print_json({"whole": True, "records": count, "first_broken": None})
        else:
            self.stdout.write(f"The evidence, {origin}{count} records, is whole.")

    def _export(self, actor: Actor, options: dict[str, Any]) -> None:
        content = bundles.export(actor=actor, packet=options["packet"])
        try:
            options["file"].write_bytes(content)
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be written: {error.strerror}.") from error
        self.print_rows([{"file": str(options["file"]), "bytes": len(content)}])

    def _import(self, actor: Actor, options: dict[str, Any]) -> None:
        kept = bundles.import_(_read(options["file"]), actor=actor)
        row = {name: getattr(kept, name) for name in ("id", "host", "first", "last", "sha256")}
        self.print_rows([row])

    def _reject(self, actor: Actor, options: dict[str, Any]) -> None:
        packet = lanes.find_packet(options["packets"][0], lane=options["lane"])
        row = packets.reject(packet, actor=actor, reason=options["reason"])
        self.print_rows([{"packet": row.name, "state": row.state}])


def _state_of(packet: lanes.Packet) -> str:
    return packets.standings()[packet.lane, packet.id].state


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
