"""Who may export lists: those who work with tenants, and those who bill."""

from typing import Any

from django.db import migrations

GROUPS = ("operator", "billing", "admin")


def grant(apps: Any, schema_editor: Any) -> None:
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="pulse", model="auditevent"
    )
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename="export_lists", defaults={"name": "Can export lists"}
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = (("tenants", "0010_home"), ("pulse", "0007_export_lists"))
    operations = (migrations.RunPython(grant, migrations.RunPython.noop),)
