"""Everything that Pulse holds on one tenant, as one archive: for a customer who leaves, or asks by law."""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from pulse.models import AuditEvent
from tenants import organizations, resources
from tenants.models import Organization
from tenants.presentation import organization_json
from tenants.sso.models import SsoConnection, SsoGroup, SsoIdentity

FORMAT = 1
# Pulse's own files: the rows of each, and the columns that are no secrets; none are all.
OWN: tuple[tuple[str, Callable[[Organization], QuerySet[Any]], tuple[str, ...]], ...] = (
    (
        "members",
        lambda whose: whose.memberships.all(),
        (
            "user__public_id",
            "user__email",
            "user__name",
            "is_owner",
            "is_emergency_owner",
            "joined_at",
            "signed_out_at",
            "vouched_until",
        ),
    ),
    (
        "tokens",
        lambda whose: whose.tokens.all(),
        (
            "name",
            "prefix",
            "user__public_id",
            "scopes",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
        ),
    ),
    (
        "invitations",
        lambda whose: whose.invitations.all(),
        ("email", "roles", "invited_by__public_id", "created_at", "expires_at", "accepted_at", "revoked_at"),
    ),
    (
        "support_accesses",
        lambda whose: whose.support_accesses.all(),
        ("operator__public_id", "reason", "started_at", "expires_at", "ended_at"),
    ),
    (
        "domains",
        lambda whose: whose.domain_claims.all(),
        ("domain", "created_at", "verified_at", "proven_at"),
    ),
    (
        "sso_connection",
        lambda whose: SsoConnection.objects.filter(organization=whose),
        ("issuer", "client_id", "groups_claim", "session_minutes", "enabled", "created_at"),
    ),
    (
        "sso_groups",
        lambda whose: SsoGroup.objects.filter(connection__organization=whose),
        ("group", "role"),
    ),
    (
        "sso_identities",
        lambda whose: SsoIdentity.objects.filter(connection__organization=whose),
        ("subject", "user__public_id", "linked_at"),
    ),
    (
        "audit",
        lambda whose: AuditEvent.objects.filter(organization=whose.id).order_by("sequence"),
        (),
    ),
)


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
    more = {name: getattr(organization, name) for name in ("signup_email", "support_may_write", "sso_only")}
    write_lines(into / "organization.jsonl", [organization_json(organization.id) | more])
    for name, rows_of, columns in OWN:
        write_lines(into / f"{name}.jsonl", rows_of(organization).values(*columns).iterator())


def _manifest(organization: Organization, into: Path) -> dict[str, Any]:
    files = {file.name: _described(file) for file in sorted(into.iterdir())}
    return {
        "format": FORMAT,
        "organization": organization.id,
        "exported_at": timezone.now().isoformat(),
        "files": files,
    }


def _described(file: Path) -> dict[str, Any]:
    """Read piece by piece, because an audit log may be larger than memory."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
        return {"sha256": digest, "lines": sum(1 for _ in content)}
