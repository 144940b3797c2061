"""The schedules of tenants: the reaper by night, reconciliation by the hour."""

from django.db import migrations

SCHEDULES = [
    ("reap", "tenants.tasks.reap", "30 2 * * *"),
    ("reconcile", "tenants.tasks.reconcile", "5 * * * *"),
]


def add(apps, schema_editor):
    for name, task, cron in SCHEDULES:
        apps.get_model("pulse", "Schedule").objects.create(name=name, task=task, cron=cron)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_operator_groups"), ("pulse", "0003_schedules")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
