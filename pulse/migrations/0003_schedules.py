"""The schedules of the ground floor."""

from django.db import migrations

SCHEDULES = [("tidy", "pulse.tasks.tidy", "17 * * * *")]


def add(apps, schema_editor):
    for name, task, cron in SCHEDULES:
        apps.get_model("pulse", "Schedule").objects.create(name=name, task=task, cron=cron)


class Migration(migrations.Migration):
    dependencies = [("pulse", "0002_audit_triggers")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
