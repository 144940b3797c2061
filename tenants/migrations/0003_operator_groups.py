"""Operators' groups: support reads, operator runs the lifecycle, billing, admin does all.

Permissions are made here because Django makes them only after all migrations.
"""

from django.db import migrations

READ = [
    ("tenants", "organization", "view_organization"),
    ("tenants", "user", "view_user"),
    ("tenants", "membership", "view_membership"),
    ("tenants", "apitoken", "view_apitoken"),
    ("pulse", "auditevent", "view_auditevent"),
    ("pulse", "killswitch", "view_killswitch"),
    ("pulse", "schedule", "view_schedule"),
    ("billing", "subscription", "view_subscription"),
    ("billing", "plan", "view_plan"),
    ("billing", "planversion", "view_planversion"),
    ("billing", "override", "view_override"),
    ("billing", "stripeevent", "view_stripeevent"),
]
OPERATE = [
    ("tenants", "organization", "change_organization"),
    ("tenants", "organization", "run_lifecycle"),
    ("tenants", "organization", "provision_organization"),
    ("tenants", "organization", "export_organization"),
    ("tenants", "organization", "manage_access"),
    ("tenants", "organization", "care_for_databases"),
    ("pulse", "killswitch", "flip_killswitch"),
]
BILL = [
    ("billing", "subscription", "change_subscription"),
    ("billing", "plan", "change_plan"),
]
ALL = [
    ("tenants", "organization", "purge_organization"),
    ("tenants", "organization", "break_glass"),
    ("tenants", "apitoken", "add_apitoken"),
    ("tenants", "apitoken", "delete_apitoken"),
    ("tenants", "user", "add_user"),
    ("tenants", "user", "change_user"),
    ("pulse", "schedule", "change_schedule"),
]
GROUPS = {
    "support": READ,
    "operator": READ + OPERATE,
    "billing": READ + BILL,
    "admin": READ + OPERATE + BILL + ALL,
}


def add(apps, schema_editor):
    content_types = apps.get_model("contenttypes", "ContentType").objects
    permissions = apps.get_model("auth", "Permission").objects
    for name, granted in GROUPS.items():
        group = apps.get_model("auth", "Group").objects.create(name=name)
        for app_label, model, codename in granted:
            content_type, _ = content_types.get_or_create(app_label=app_label, model=model)
            permission, _ = permissions.get_or_create(
                content_type=content_type,
                codename=codename,
                defaults={"name": f"Can {codename.replace('_', ' ')}"},
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_default_organization"),
        ("billing", "0002_plans"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
