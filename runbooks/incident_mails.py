"""Mails to operators about incidents. They have its title and where to find it, and nothing of its timeline:
a mailbox is no place for a leak."""

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse

from pulse import outbox
from runbooks.models import Incident
from tenants.models import User


def handlers() -> QuerySet[User]:
    """The operators who may handle incidents."""
    permitted = Q(
        groups__permissions__codename="handle_incident",
        groups__permissions__content_type__app_label="runbooks",
    )
    return User.objects.filter(permitted | Q(is_superuser=True), is_active=True, is_staff=True).distinct()


def tell(incident: Incident, what: str, *, details: str) -> None:
    """Hand a mail to each handler over to the outbox: `what` has happened, in a few words."""
    path = reverse("admin:runbooks_incident_change", args=(incident.pk,))
    text = (
        f"{incident.name} {what}.\n\n{details}\n\n"
        f"Severity: {incident.severity}\nPlaybook: {incident.playbook}\n"
        f"Opened: {incident.opened_at:%d %B %Y, %H:%M} UTC\n\n"
        f"{settings.PULSE_PUBLIC_URL.rstrip('/')}{path}\n"
    )
    for handler in handlers():
        outbox.put(to=handler.email, subject=f"[{incident.severity}] {incident.name} {what}", text=text)
