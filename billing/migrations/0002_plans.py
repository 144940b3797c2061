"""The plans that ship, each in its first version, and billing's schedules."""

from django.db import migrations

from billing.catalogue import PLANS

SCHEDULES = [
    ("stripe-events", "billing.tasks.process_stripe_events", "* * * * *"),
    ("tell-of-ends", "billing.tasks.tell_of_ends", "*/15 * * * *"),
    ("reconcile-with-stripe", "billing.tasks.reconcile_with_stripe", "15 3 * * *"),
]


def add(apps, schema_editor):
    for plan_id, (name, capabilities, limits, meters) in PLANS.items():
        plan = apps.get_model("billing", "Plan").objects.create(id=plan_id, name=name)
        apps.get_model("billing", "PlanVersion").objects.create(
            plan=plan, number=1, capabilities=capabilities, limits=limits, meters=meters
        )
    for name, task, cron in SCHEDULES:
        apps.get_model("pulse", "Schedule").objects.create(name=name, task=task, cron=cron)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("pulse", "0003_schedules")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
