"""The schedules: reaper and backups by night, reconciliation by the hour, a rehearsed restore by the week.

Those of rbac are here because it has no tables in the control database, and so no migrations of it.
"""

from django.db import migrations

SCHEDULES = [
    ("reap", "tenants.tasks.reap", "30 2 * * *"),
    ("reconcile", "tenants.tasks.reconcile", "5 * * * *"),
    ("back-up-tenants", "rbac.tasks.back_up_all", "0 1 * * *"),
    ("verify-tenants", "rbac.tasks.verify_all", "0 5 * * *"),
    ("rehearse-restore", "rbac.tasks.rehearse_restore", "0 4 * * 0"),
    ("migrate-tenants", "rbac.tasks.migrate", "45 * * * *"),
]


def add(apps, schema_editor):
    for name, task, cron in SCHEDULES:
        apps.get_model("pulse", "Schedule").objects.create(name=name, task=task, cron=cron)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_operator_groups"), ("pulse", "0003_schedules")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
