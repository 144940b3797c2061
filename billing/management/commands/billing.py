"""`manage.py billing show|override|revoke|expire-trials|reconcile|refresh|events|retry`."""

import sys
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from billing import entitlements, mails, overrides, reconciliation, stripe_events
from billing.changing import describe
from billing.models import StripeEvent
from billing.overrides import Wanted
from pulse.actors import Actor
from pulse.commands import OperatorCommand
from tenants import organizations


class Command(OperatorCommand):
    help = (
        "Show and change what organizations may do, and why. "
        "Example: manage.py billing override acme --state active --reason 'pays by invoice'"
    )

    def arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        show = verbs.add_parser("show", help="The effective state and the origin of every part.")
        show.add_argument("ids", nargs="+", metavar="ID")
        override = verbs.add_parser("override", help="Lay an override over what they have.")
        override.add_argument("ids", nargs="+", metavar="ID")
        self._override_options(override)
        revoke = verbs.add_parser("revoke", help="Take overrides away; what is below them is back.")
        revoke.add_argument("overrides", nargs="+", type=int, metavar="NUMBER")
        self.reason_option(revoke)
        self.dry_run_option(revoke)
        verbs.add_parser(
            "expire-trials",
            help="Mail about trials that end soon, and about trials, graces and periods that have ended.",
        )
        reconcile = verbs.add_parser("reconcile", help="Compare with Stripe.")
        really = reconcile.add_mutually_exclusive_group()
        really.add_argument("--apply", action="store_true", help="Take over what Stripe says.")
        really.add_argument("--dry-run", action="store_true", help="Only compare, as without --apply.")
        refresh = verbs.add_parser(
            "refresh", help="Derive anew what the gate reads, from Stripe and the layers."
        )
        refresh.add_argument("ids", nargs="+", metavar="ID")
        self.reason_option(refresh)
        events = verbs.add_parser("events", help="Stripe's events that need a person: parked, or of nobody.")
        events.add_argument("--status", choices=StripeEvent.Status.values, help="Only those of one status.")
        retry = verbs.add_parser(
            "retry", help="Process events anew that were parked, or whose customer was unknown."
        )
        retry.add_argument("events", nargs="+", metavar="EVENT")
        self.reason_option(retry)
        for one in verbs.choices.values():
            self.common(one)

    def _override_options(self, override: CommandParser) -> None:
        self.reason_option(override, required=True)
        self.dry_run_option(override)
        override.add_argument(
            "--state", default="", help="trial, active, grace, expired, suspended, canceled."
        )
        override.add_argument("--plan", default="", help="A plan, or 'team v2'.")
        override.add_argument("--trial-ends", type=_instant, metavar="INSTANT", help="RFC 3339.")
        override.add_argument(
            "--add", action="append", default=[], metavar="CAPABILITY", help="Give it, too."
        )
        override.add_argument(
            "--remove", action="append", default=[], metavar="CAPABILITY", help="Take it away."
        )
        override.add_argument(
            "--limit", action="append", default=[], type=_limit, metavar="NAME=N", help="Set a limit."
        )
        override.add_argument(
            "--until", type=_instant, metavar="INSTANT", help="RFC 3339; for ever if absent."
        )

    def run(self, *, actor: Actor, verb: str, **options: Any) -> None:
        getattr(self, "_" + verb.replace("-", "_"))(actor, options)

    def _show(self, actor: Actor, options: dict[str, Any]) -> None:
        actor.require("billing.view_subscription")
        found = [
            {"id": one, **describe(entitlements.for_organization(organizations.living(one).id))}
            for one in options["ids"]
        ]
        if self.as_json:
            self.print_json(found)
            return
        for shown in found:
            self.stdout.write(f"{shown['id']}: {shown['subscription_state']}, {shown['plan_version']}")
            for part, origin in _origins(shown):
                self.stdout.write(f"  {part}: {origin}")

    def _override(self, actor: Actor, options: dict[str, Any]) -> None:
        wanted = Wanted(
            state=options["state"],
            plan=options["plan"],
            trial_ends_at=options["trial_ends"],
            capabilities_added=options["add"],
            capabilities_removed=options["remove"],
            limits=dict(options["limit"]),
            valid_until=options["until"],
        )

        def act(one: str) -> dict[str, Any]:
            override = overrides.add(one, wanted, actor=actor, reason=options["reason"])
            if options["dry_run"]:
                return _state_and_plan(one)
            return {"override": override.pk}

        self.for_each(options["ids"], act, description="override", dry_run=options["dry_run"])

    def _revoke(self, actor: Actor, options: dict[str, Any]) -> None:
        def act(number: str) -> dict[str, Any]:
            override = overrides.revoke(int(number), actor=actor, reason=options["reason"])
            return {"organization": override.organization_id}

        numbers = [str(one) for one in options["overrides"]]
        self.for_each(numbers, act, description="revoke", dry_run=options["dry_run"])

    def _refresh(self, actor: Actor, options: dict[str, Any]) -> None:
        def act(one: str) -> dict[str, Any]:
            drift = reconciliation.refresh(one, actor=actor, reason=options["reason"])
            return {"taken_over": ", ".join(sorted(drift.differences)) or drift.error if drift else ""}

        self.for_each(options["ids"], act, description="refresh")

    def _events(self, actor: Actor, options: dict[str, Any]) -> None:
        actor.require("billing.view_subscription")
        statuses = [options["status"]] if options["status"] else stripe_events.NEED_A_PERSON
        found = StripeEvent.objects.filter(status__in=statuses).order_by("created", "id")
        columns = ("id", "type", "created", "status", "customer", "organization", "attempts", "error")
        self.print_rows(list(found.values(*columns)), empty="No event of Stripe's needs a person.")

    def _retry(self, actor: Actor, options: dict[str, Any]) -> None:
        def act(event_id: str) -> dict[str, Any]:
            event = stripe_events.retry(event_id, actor=actor, reason=options["reason"])
            return {"status": event.status}

        self.for_each(options["events"], act, description="retry")

    def _expire_trials(self, actor: Actor, options: dict[str, Any]) -> None:
        actor.require("billing.change_subscription")
        told = mails.tell_of_ends(now=timezone.now())
        rows = [{"id": one, "mail": mail} for mail, ids in told.items() for one in ids]
        self.print_rows(rows, empty="No trial ends within three days, and nothing has ended untold.")

    def _reconcile(self, actor: Actor, options: dict[str, Any]) -> None:
        drifts = list(reconciliation.reconcile(actor=actor, apply=options["apply"]))
        rows = [
            {"id": drift.organization_id, "field": name, "ours": ours, "stripe": theirs,
             "result": "fixed" if drift.fixed else "differs"}
            for drift in drifts
            for name, (ours, theirs) in drift.differences.items()
        ]  # fmt: skip
        rows += [{"id": drift.organization_id, "result": drift.error} for drift in drifts if drift.error]
        self.print_rows(rows, empty="Stripe and Pulse agree.")
        if any(not drift.fixed for drift in drifts):
            sys.exit(1)


def _state_and_plan(organization_id: str) -> dict[str, Any]:
    shown = describe(entitlements.for_organization(organization_id))
    return {name: shown[name] for name in ("subscription_state", "plan_version")}


def _origins(shown: dict[str, Any]) -> list[tuple[str, str]]:
    origin = shown["origin"]
    parts = [("state", origin["subscription_state"]), ("plan", origin["plan_version"])]
    parts += [(f"may {name}", why) for name, why in origin["capabilities"].items()]
    parts += [(f"{name} {shown['limits'][name]}", why) for name, why in origin["limits"].items()]
    return parts


def _instant(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise CommandError(f"{text} is not an instant; write it as 2027-01-31T00:00:00Z.", returncode=2)
    return found


def _limit(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if not value.isdecimal():
        raise CommandError(f"{text} is not a limit; write it as seats=20.", returncode=2)
    return name, int(value)
