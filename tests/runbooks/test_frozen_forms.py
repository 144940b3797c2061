"""While operators' writes are frozen, every form of the admin that changes something says so, but few."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from billing import overrides
from billing.overrides import Wanted
from pulse import freeze
from pulse.admin.exporting import Download
from pulse.admin.pages import VerbView
from pulse.models import Schedule
from rbac import backups, recovery, roles
from rbac.drafts import Draft
from tenants import context, invitation_codes, lifecycle, people
from tenants.models import Organization
from tests.admin import signed_in
from tests.billing.admin import make_event
from tests.factories import SYSTEM, make_member, make_operator, make_organization
from tests.rbac.admin import sent
from tests.runbooks.world import Repository, implement

# What goes on, by the names of the routes: it contains, looks, or is the work on incidents. What a bulk run
# does to each organization is refused or passes by itself; saved filters are nobody's but the operator's.
PASSING = re.compile(
    "pulse_(freeze|killswitch_kill)|runbooks_incident_|runbooks_verdict_revoke"
    "|tenants_(bulkrun_cancel|organization_bulk|apitoken_revoke|user_deactivate)"
    "|_(save|forget)_filter$"
    "|tenants_organization_(suspend|unsuspend|soft_delete|restore|export|verify|look_in|look_away|back_up)$"
)
TYPED = {
    forms.EmailField: "owner@acme.example",
    forms.IntegerField: 7,
    forms.DateTimeField: (timezone.now() + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M"),
    forms.CharField: "because of it",
}


def forms_of(resolver: Any, before: str = "/") -> Iterator[tuple[str, str, type[VerbView]]]:
    """The name, the address and the view of each form that is served."""
    for pattern in resolver.url_patterns:
        address = before + str(pattern.pattern)
        if not isinstance(pattern, URLPattern):
            yield from forms_of(pattern, address)
        elif issubclass(view := getattr(pattern.callback, "view_class", object), VerbView):
            yield pattern.name, address, view
        elif (pattern.name or "").endswith("_add") and "add_view" in vars(type(pattern.callback.model_admin)):
            yield pattern.name, address, VerbView


@pytest.fixture
def parts(repository: Repository) -> dict[str, Any]:
    """What addresses and forms name, of a world that is frozen."""
    make_organization("acme")
    make_organization("gone")
    lifecycle.soft_delete("gone", actor=SYSTEM)
    Organization.objects.filter(id="gone").update(purge_after=timezone.now())
    Organization.objects.filter(id="acme").update(sso_only=True)
    implement(repository.packet())
    with context.organization("acme"):
        roles.create("deployer", Draft("Deployer"), actor=SYSTEM)
    code, _ = invitation_codes.make(actor=SYSTEM)
    own = Schedule.objects.create(
        name="ours",
        task="runbooks.drills.tasks.run_drill",
        cron="0 3 * * *",
        enabled=False,
        next_run_at=timezone.now(),
    )
    shut_out = make_operator("support")
    people.deactivate(shut_out, actor=SYSTEM)
    wanted = Wanted(state="active")
    named = {
        "tenants_organization/object_id": "acme",
        "tenants_user/object_id": make_operator("support").pk,
        "tenants_invitationcode/object_id": code.pk,
        "pulse_schedule/object_id": Schedule.objects.filter(enabled=True).earliest("pk").pk,
        "pulse_schedule_resume/object_id": own.pk,
        "pulse_schedule_remove/object_id": own.pk,
        "tenants_organization_purge/object_id": "gone",
        "tenants_user_reactivate/object_id": shut_out.pk,
        "billing_plan/object_id": "team",
        "billing_stripeevent/object_id": make_event().pk,
        "role_id": "deployer",
        "name": backups.make("acme", actor=SYSTEM).name,
        "number": overrides.add("acme", wanted, actor=SYSTEM, reason="agreed").pk,
        "lane": "own",
        "packet": "ONE",
        "token": recovery.issue("acme", actor=SYSTEM, reason="lost").text,
        "id": "helper",
        "to": "helper",
        "email": "owner@acme.example",
        "tenants_organization_add/email": "new@example.com",
        "tenants_organization_add/name": "New Ltd",
        "tenants_user_add/email": "new@example.com",
        "tenants_apitoken_add/organization": "acme",
        "pulse_schedule_add/name": "new",
        "expression": "0 3 * * *",
        "organization_id": "new",
        "principal": make_member("acme").public_id,
    }
    freeze.begin(actor=SYSTEM, reason="INC-1")
    return named


def ask(client: Client, name: str, address: str, parts: dict[str, Any]) -> HttpResponse:
    """The form, opened, filled in with anything that it takes, and sent."""
    of = "_".join(name.split("_")[:2])
    own = {
        key.partition("/")[2]: value for key, value in parts.items() if key.startswith((f"{of}/", f"{name}/"))
    }
    named = parts | own
    path = re.sub(r"<\w+:(\w+)>", lambda part: str(named[part[1]]), address)
    path += f"?principal={parts['principal']}&stage=development"
    form = client.get(path).context["form"]
    return client.post(path, filled(form, named | {"typed_id": named.get("object_id")}))


def filled(form: forms.Form, parts: dict[str, Any]) -> dict[str, Any]:
    typed = {name: value_of(name, field, form, parts) for name, field in form.fields.items()}
    return sent({"action": "write"}) | {
        name: value for name, value in typed.items() if value not in (None, "")
    }


def value_of(name: str, field: forms.Field, form: forms.Form, parts: dict[str, Any]) -> Any:
    if name in parts:
        return parts[name]
    if (initial := form[name].value()) not in (None, "", []):
        return initial
    if isinstance(field, forms.ChoiceField):
        return next((one for one, _ in field.choices if one), "")
    return next((value for kind, value in TYPED.items() if isinstance(field, kind)), "")


def test_every_form_that_changes_something_is_refused_but_for_the_named(parts: dict[str, Any]) -> None:
    client = signed_in("admin")
    told = {
        name: ask(client, name, address, parts).status_code
        for name, address, view in forms_of(get_resolver())
        if not (issubclass(view, Download) or PASSING.search(name))
    }
    assert len(told) > 30
    assert {name: status for name, status in told.items() if status != 423} == {}
