"""Reviewers may hold drills: packets' acceptance commands hold some, in the name of who runs the evidence."""

from django.db import migrations


def grant(apps, schema_editor):
    group = apps.get_model("auth", "Group").objects.filter(name="reviewer").first()
    if group is not None:
        group.permissions.add(apps.get_model("auth", "Permission").objects.get(codename="run_drill"))


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0006_readiness_name")]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
