"""An organization's whole story as one stream: lifecycle, people, roles, billing, data, and who looked."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from pulse import list_exports
from pulse.admin import actors, lists
from pulse.admin.audit_log import PARTS, of_part
from pulse.admin.pages import Button
from pulse.models import AuditEvent
from tenants.admin.organization_pages import OrganizationPage, Page, register


class Timeline(OrganizationPage):
    title = "Timeline"
    permission = "pulse.view_auditevent"
    template_name = "tenants/admin/timeline.html"

    @property
    def part(self) -> str:
        wanted = self.request.GET.get("part", "")
        return wanted if wanted in PARTS else ""

    def buttons(self) -> Sequence[Button]:
        """The audit log's own export, which has each event whole."""
        if not self.actor.may(list_exports.PERMISSION):
            return ()
        filters = urlencode({"organization": self.subject.pk, "part": self.part})
        return (Button("Export", f"{reverse('admin:pulse_auditevent_list_export')}?{filters}", "download"),)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        events = AuditEvent.objects.filter(organization=self.subject.pk)
        found = lists.cut(self.request, of_part(events, self.part))
        return super().get_context_data(
            events=actors.name_actors(found["page"].object_list),
            parts=[(name, title) for name, (title, _) in PARTS.items()],
            part=self.part,
            **found,
            **kwargs,
        )


register(Page("timeline", "timeline/", Timeline, tab="Timeline"))
