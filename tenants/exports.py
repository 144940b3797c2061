"""Everything that Pulse holds on one tenant, as one archive: for a customer who leaves, or asks by law."""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from pulse.models import AuditEvent
from tenants import organizations, resources
from tenants.models import Organization
from tenants.presentation import organization_json
from tenants.sso.models import SsoConnection, SsoGroup, SsoIdentity

FORMAT = 1


def exported(organization_id: str, *, actor: Actor) -> IO[bytes]:
    """As `export`, in a file without a name, at its beginning; whoever closes it deletes it."""
    archive = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    export(organization_id, actor=actor, archive=archive)
    archive.seek(0)
    return archive


def export(organization_id: str, *, actor: Actor, archive: IO[bytes], reason: str = "") -> dict[str, Any]:
    """Write the tenant as a ZIP of JSON-lines files with a manifest of their SHA-256; the manifest.

    Secrets (token hashes, passwords) are not in it. Raises `OrganizationNotFound`, and OSError when the
    archive cannot be written.
    """
    actor.require("tenants.export_organization")
    organization = organizations.living(organization_id)
    audit.record("organization.export", actor=actor, organization=organization.id, reason=reason)
    with tempfile.TemporaryDirectory(prefix="pulse-export-") as folder:
        into = Path(folder)
        _write_own(organization, into)
        for resource in resources.registered():
            resource.export(organization, into)
        manifest = _manifest(organization, into)
        (into / "manifest.json").write_text(json.dumps(manifest, indent=2))
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(into.iterdir()):
                packed.write(file, file.name)
    return manifest


def write_lines(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """The rows as JSON lines: instants in RFC 3339, UTC."""
    with file.open("w") as lines:
        for row in rows:
            lines.write(json.dumps(row, cls=DjangoJSONEncoder) + "\n")


def _write_own(organization: Organization, into: Path) -> None:
    asked = {"signup_email": organization.signup_email}
    write_lines(into / "organization.jsonl", [organization_json(organization.id) | asked])
    members = organization.memberships.values(
        "user__public_id", "user__email", "user__name", "is_owner", "joined_at"
    )
    write_lines(into / "members.jsonl", members.iterator())
    tokens = organization.tokens.values(
        "name",
        "prefix",
        "user__public_id",
        "scopes",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    write_lines(into / "tokens.jsonl", tokens.iterator())
    invitations = organization.invitations.values(
        "email", "roles", "invited_by__public_id", "created_at", "expires_at", "accepted_at", "revoked_at"
    )
    write_lines(into / "invitations.jsonl", invitations.iterator())
    accesses = organization.support_accesses.values(
        "operator__public_id", "reason", "started_at", "expires_at", "ended_at"
    )
    write_lines(into / "support_accesses.jsonl", accesses.iterator())
    claims = organization.domain_claims.values("domain", "created_at", "verified_at", "proven_at")
    write_lines(into / "domains.jsonl", claims.iterator())
    connections = SsoConnection.objects.filter(organization=organization)
    shown = ("issuer", "client_id", "groups_claim", "session_minutes", "enabled", "created_at")
    write_lines(into / "sso_connection.jsonl", connections.values(*shown).iterator())
    groups = SsoGroup.objects.filter(connection__in=connections).values("group", "role")
    write_lines(into / "sso_groups.jsonl", groups.iterator())
    identities = SsoIdentity.objects.filter(connection__in=connections)
    write_lines(
        into / "sso_identities.jsonl", identities.values("subject", "user__public_id", "linked_at").iterator()
    )
    events = AuditEvent.objects.filter(organization=organization.id).order_by("sequence")
    write_lines(into / "audit.jsonl", events.values().iterator())


def _manifest(organization: Organization, into: Path) -> dict[str, Any]:
    files = {
        file.name: {
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "lines": file.read_bytes().count(b"\n"),
        }
        for file in sorted(into.iterdir())
    }
    return {
        "format": FORMAT,
        "organization": organization.id,
        "exported_at": timezone.now().isoformat(),
        "files": files,
    }
