"""`manage.py export_tenant ID [--output FILE]`."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants import exports


class Command(OperatorCommand):
    help = (
        "Write everything held on a tenant as a ZIP of JSON lines with a manifest. "
        "Example: manage.py export_tenant acme --output /tmp/acme.zip"
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID")
        parser.add_argument(
            "--output", metavar="FILE", help="A file that does not exist yet (default: ID.zip)."
        )

        self.reason_option(parser)

    def run(
        self,
        *,
        actor: Actor,
        id: str,  # noqa: A002 - the option's name
        output: str | None,
        reason: str,
        **options: Any,
    ) -> None:
        path = Path(output or f"{id}.zip")
        try:
            with path.open("xb") as archive:
                manifest = self._export(id, actor, reason, path, archive)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        if self.as_json:
            self.print_json(manifest)
        else:
            self.stdout.write(f"{path}: {len(manifest['files'])} files.")

    def _export(
        self, organization_id: str, actor: Actor, reason: str, path: Path, archive: Any
    ) -> dict[str, Any]:
        """The manifest; a file that was not finished is removed."""
        try:
            return exports.export(organization_id, actor=actor, archive=archive, reason=reason)
        except BaseException:
            path.unlink()
            raise
