"""The default organization, which every installation has from its first migration on."""

from django.db import migrations


def add(apps, schema_editor):
    apps.get_model("tenants", "Organization").objects.create(
        id="default", display_name="Default"
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial"), ("pulse", "0003_schedules")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
