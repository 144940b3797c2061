"""The sidebar: its sections as a table, of which everybody sees what they may open."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Item:
    title: str
    icon: str
    route: str
    permission: str = ""

    def open_to(self, request: HttpRequest) -> bool:
        return not self.permission or request.user.has_perm(self.permission)


SECTIONS = (
    ("", (Item("Overview", "dashboard", "admin:index"),)),
    (
        "Tenants",
        (
            Item(
                "Organizations",
                "apartment",
                "admin:tenants_organization_changelist",
                "tenants.view_organization",
            ),
            Item("Bulk runs", "checklist", "admin:tenants_bulkrun_changelist", "tenants.view_organization"),
        ),
    ),
    (
        "Access",
        (
            Item("People", "group", "admin:tenants_user_changelist", "tenants.view_user"),
            Item(
                "Invitation codes",
                "confirmation_number",
                "admin:tenants_invitationcode_changelist",
                "tenants.view_invitationcode",
            ),
            Item("API tokens", "key", "admin:tenants_apitoken_changelist", "tenants.view_apitoken"),
        ),
    ),
    (
        "Billing",
        (
            Item(
                "Subscriptions",
                "card_membership",
                "admin:billing_subscription_changelist",
                "billing.view_subscription",
            ),
            Item("Plans", "sell", "admin:billing_plan_changelist", "billing.view_plan"),
            Item(
                "Stripe events", "webhook", "admin:billing_stripeevent_changelist", "billing.view_stripeevent"
            ),
        ),
    ),
    (
        "Readiness",
        (
            Item("Readiness", "fact_check", "admin:runbooks_packet_changelist", "runbooks.view_packet"),
            Item("Verdicts", "gavel", "admin:runbooks_verdict_changelist", "runbooks.view_verdict"),
            Item(
                "Evidence",
                "history_edu",
                "admin:runbooks_evidencerecord_changelist",
                "runbooks.view_evidencerecord",
            ),
        ),
    ),
    (
        "Safety",
        (
            Item(
                "Hosted mode",
                "power_settings_new",
                "admin:pulse_killswitch_changelist",
                "pulse.view_killswitch",
            ),
            Item(
                "Incidents",
                "e911_emergency",
                "admin:runbooks_incident_changelist",
                "runbooks.view_incident",
            ),
            Item("Playbooks", "menu_book", "admin:runbooks_incident_playbooks", "runbooks.view_incident"),
            Item("Drills", "exercise", "drills", "runbooks.view_drillrun"),
            Item("Objectives", "speed", "objectives", "runbooks.view_incident"),
            Item("Freeze", "ac_unit", "admin:pulse_freeze_changelist", "pulse.view_freeze"),
            Item("Audit log", "receipt_long", "admin:pulse_auditevent_changelist", "pulse.view_auditevent"),
        ),
    ),
    (
        "Jobs",
        (
            Item("Schedules", "schedule", "admin:pulse_schedule_changelist", "pulse.view_schedule"),
            Item(
                "Job runs",
                "task_alt",
                "admin:django_tasks_database_dbtaskresult_changelist",
                "pulse.view_schedule",
            ),
        ),
    ),
    ("Reference", (Item("HTTP API", "api", "docs"),)),
)


# What the palette offers beside the pages.
ACTIONS = (
    Item("Add organization", "add", "admin:tenants_organization_add", "tenants.provision_organization"),
    Item("Add operator", "person_add", "admin:tenants_user_add", "tenants.add_user"),
    Item("Add API token", "key", "admin:tenants_apitoken_add", "tenants.add_apitoken"),
    Item(
        "Add invitation code",
        "confirmation_number",
        "admin:tenants_invitationcode_add",
        "tenants.add_invitationcode",
    ),
    Item("Add plan", "sell", "admin:billing_plan_add", "billing.change_plan"),
    Item("Shut hosted mode", "power_settings_new", "admin:pulse_killswitch_kill", "pulse.flip_killswitch"),
    Item("Reopen hosted mode", "lock_open", "admin:pulse_killswitch_revive", "pulse.flip_killswitch"),
    Item("Open incident", "e911_emergency", "admin:runbooks_incident_open", "runbooks.handle_incident"),
    Item("Freeze operators' writes", "ac_unit", "admin:pulse_freeze_begin", "pulse.freeze_writes"),
    Item("Lift the freeze", "lock_open", "admin:pulse_freeze_lift", "pulse.freeze_writes"),
    Item("Verify the audit chain", "verified", "admin:pulse_auditevent_verify", "pulse.view_auditevent"),
)


def reachable(request: HttpRequest) -> Iterator[tuple[str, Item]]:
    """Every page and action that this operator may open, with its section."""
    for section, items in (*SECTIONS, ("Action", ACTIONS)):
        yield from ((section, item) for item in items if item.open_to(request))


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The sections as django-unfold takes them, without what this operator may not open.

    One item is active: of those whose address the page lies under, the nearest.
    """
    home = reverse("admin:index")
    above = {reverse(item.route) for _, items in SECTIONS for item in items} - {home}
    here = max(filter(request.path.startswith, above), key=len, default=request.path)
    return [
        {
            "title": title,
            "items": [
                {
                    "title": item.title,
                    "icon": item.icon,
                    "link": reverse(item.route),
                    "active": reverse(item.route) == here,
                }
                for item in items
                if item.open_to(request)
            ],
        }
        for title, items in SECTIONS
    ]
