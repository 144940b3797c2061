"""Drills by night: those that touch nobody but their own tenants are on, outside development; the others wait
for somebody to resume them. What dead processes left is rolled back every ten minutes."""

from django.conf import settings
from django.db import migrations
from django.utils import timezone

from pulse.cron import next_after

# Minutes apart, because drills are held one at a time; the longest takes two.
NIGHTLY = {
    "lifecycle-round-trip": "0 3 * * *",
    "lifecycle-conflicts": "4 3 * * *",
    "deletion-and-restore": "8 3 * * *",
    "retention-to-purge": "12 3 * * *",
    "default-organization-guard": "16 3 * * *",
    "billing-override": "20 3 * * *",
    "cross-tenant-isolation": "24 3 * * *",
    "backup-and-restore": "28 3 * * *",
}
# The gate shuts for everybody, or a server and an installation of its own take their part of the machine.
WEEKLY = {
    "gate-closing": "0 3 * * 6",
    "provisioning-failure": "32 3 * * 6",
    "redis-gone": "36 3 * * 6",
    "postgresql-gone": "40 3 * * 6",
    "worker-dead": "44 3 * * 6",
    "disk-nearly-full": "48 3 * * 6",
    "corrupt-tenant-database": "52 3 * * 6",
}


def add(apps, schema_editor):
    schedules = apps.get_model("pulse", "Schedule").objects
    nightly, now = settings.PULSE_STAGE != "development", timezone.now()
    for name, cron in (NIGHTLY | WEEKLY).items():
        schedules.create(
            name=f"drill-{name}",
            task="runbooks.drills.tasks.run_drill",
            arguments={"name": name},
            cron=cron,
            # Not at once, as a new schedule would.
            next_run_at=next_after(cron, now),
            enabled=nightly and name in NIGHTLY,
        )
    schedules.create(name="recover-drills", task="runbooks.drills.tasks.recover_drills", cron="*/10 * * * *")


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0004_schedules"), ("pulse", "0005_schedule_time_zones")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
