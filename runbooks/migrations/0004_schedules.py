"""The schedules of runbooks."""

from django.db import migrations

SCHEDULES = [
    ("incident-clocks", "runbooks.tasks.watch_incident_clocks", "* * * * *"),
    ("readiness", "runbooks.tasks.tidy_readiness", "*/5 * * * *"),
]


def add(apps, schema_editor):
    for name, task, cron in SCHEDULES:
        apps.get_model("pulse", "Schedule").objects.create(name=name, task=task, cron=cron)


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0003_operator_groups"), ("pulse", "0005_schedule_time_zones")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
