"""Records of evidence: the list, the page of each with its output, and the chain's verification."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from pulse.admin import actors, moments
from pulse.admin.filters import BoundedPaginator, ExactFilter
from pulse.admin.pages import Button, ReadOnlyAdmin
from runbooks import evidence
from runbooks.models import EvidenceHead, EvidenceRecord

# A page shows the end of an output, where failures are; the whole is a file.
SHOWN_CHARACTERS = 100_000


class SubjectFilter(ExactFilter):
    title = "packet or drill"
    parameter_name = "subject"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = (self.value() or "").strip()
        return queryset.filter(run__subject=wanted) if wanted else queryset


@admin.register(EvidenceRecord)
class EvidenceRecordAdmin(ReadOnlyAdmin):
    page_template = "runbooks/admin/evidence.html"
    paginator = BoundedPaginator
    list_display = ("number", "subject", "command", "result", "when", "took")
    list_filter = (SubjectFilter,)
    list_select_related = ("run",)
    export_fields = (
        "sequence", "run", "argv", "exit_code", "passed", "failure", "started_at", "ended_at", "seconds",
        "version", "is_dirty", "host", "actor", "output_bytes", "output_sha256", "junit",
        "previous_hash", "hash",
    )  # fmt: skip
    ordering = ("-sequence",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("verify/", view(self.verify_view), name="runbooks_evidencerecord_verify"),
            path("<int:sequence>/output/", view(self.output_view), name="runbooks_evidencerecord_output"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvidenceRecord]:
        found: QuerySet[EvidenceRecord] = super().get_queryset(request)
        return found.defer("output")

    def list_buttons(self, request: HttpRequest) -> Sequence[Button]:
        return (Button("Verify the chain", self.path_of("verify"), "verified", dialog=False),)

    def page_context(self, request: HttpRequest, row: EvidenceRecord) -> dict[str, Any]:
        output = evidence.output_of(row)
        names = actors.names_of((row.actor,))
        return {
            "title": f"Evidence #{row.sequence}",
            "record": row,
            "command": " ".join(row.argv),
            "who": names.get(row.actor, row.actor),
            "output": output[-SHOWN_CHARACTERS:],
            "is_cut": len(output) > SHOWN_CHARACTERS,
        }

    def output_view(self, request: HttpRequest, sequence: int) -> HttpResponse:
        """The kept output as a file."""
        record = EvidenceRecord.objects.filter(pk=sequence).first()
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        if record is None:
            raise Http404
        return HttpResponse(
            evidence.output_of(record),
            content_type="text/plain; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="evidence-{sequence}.txt"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    def verify_view(self, request: HttpRequest) -> TemplateResponse:
        """Walk the whole chain, outputs included; on much evidence this takes seconds."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self.frame(request) | {
            "title": "Verify the evidence",
            "broken": evidence.verify(),
            "head": EvidenceHead.objects.filter(id=1).first(),
        }
        return TemplateResponse(request, "runbooks/admin/evidence_verify.html", context)

    @display(description="#", ordering="sequence")
    def number(self, record: EvidenceRecord) -> int:
        return record.sequence

    @display(description="Packet or drill")
    def subject(self, record: EvidenceRecord) -> str:
        return record.run.subject

    @display(description="Command")
    def command(self, record: EvidenceRecord) -> SafeString:
        return format_html("<code>{}</code>", " ".join(record.argv)[:120])

    @display(description="Result", label={"passed": "success", "failed": "danger"})
    def result(self, record: EvidenceRecord) -> tuple[str, str] | str:
        return "passed" if record.passed else ("failed", record.failure.replace("_", " "))

    @display(description="When (UTC)")
    def when(self, record: EvidenceRecord) -> SafeString | str:
        return moments.short(record.started_at)

    @display(description="Took")
    def took(self, record: EvidenceRecord) -> str:
        return f"{record.seconds:.1f} s"
