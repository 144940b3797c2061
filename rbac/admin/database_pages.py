"""Care for one organization's database: what is wrong with it, its backups, and the way back in."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from unfold.enums import ActionVariant

from pulse.admin import lists
from pulse.admin.pages import Button
from rbac import backups, databases, integrity, schema
from rbac.admin.within import CARE
from tenants.admin.organization_pages import OrganizationPage
from tenants.models import RecoveryToken

BREAK_GLASS = "tenants.break_glass"


class Database(OrganizationPage):
    """It opens whatever the state of the file is, because it is where one mends it."""

    title = "Database"
    permission = CARE
    template_name = "rbac/admin/database.html"

    def buttons(self) -> Sequence[Button]:
        back_up = Button("Back up now", self.path_of("back_up"), "backup", ActionVariant.PRIMARY)
        if not self.actor.may(BREAK_GLASS):
            return (back_up,)
        return (
            back_up,
            Button("Redeem token", self.path_of("redeem_recovery"), "key"),
            # Not in a dialog, because the token is shown in its place.
            Button(
                "Break glass",
                self.path_of("issue_recovery"),
                "emergency_home",
                ActionVariant.DANGER,
                dialog=False,
            ),
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        file = databases.file_of(self.subject.id)
        tokens = RecoveryToken.objects.filter(organization=self.subject, used_at=None)
        return super().get_context_data(
            findings=integrity.verify(self.subject.id),
            size=file.stat().st_size if file.exists() else None,
            schema_version=schema.current(),
            recovery=tokens.filter(expires_at__gt=timezone.now()).first(),
            **lists.cut(self.request, backups.of_organization(self.subject.id)),
            **kwargs,
        )
