"""What operators' groups may do with runbooks: support reads, operator implements, drills and handles
incidents, admin signs; the group reviewer reviews what others implemented."""

from django.db import migrations

MODELS = ("packet", "evidencerun", "evidencerecord", "verdict", "drillrun", "incident")
READ = [
    *[("runbooks", model, f"view_{model}") for model in MODELS],
    ("pulse", "freeze", "view_freeze"),
]
OPERATE = [
    ("runbooks", "packet", "implement_packet"),
    ("runbooks", "evidencerun", "export_evidence"),
    ("runbooks", "drillrun", "run_drill"),
    ("runbooks", "incident", "handle_incident"),
    ("pulse", "freeze", "freeze_writes"),
]
REVIEW = [("runbooks", "packet", "review_packet"), ("runbooks", "evidencerun", "export_evidence")]
SIGN = [("runbooks", "verdict", "sign_verdict")]
GROUPS = {
    "support": READ,
    "billing": READ,
    "operator": READ + OPERATE,
    "reviewer": READ + REVIEW,
    "admin": READ + OPERATE + REVIEW + SIGN,
}


def add(apps, schema_editor):
    content_types = apps.get_model("contenttypes", "ContentType").objects
    permissions = apps.get_model("auth", "Permission").objects
    for name, granted in GROUPS.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        for app_label, model, codename in granted:
            content_type, _ = content_types.get_or_create(app_label=app_label, model=model)
            permission, _ = permissions.get_or_create(
                content_type=content_type,
                codename=codename,
                defaults={"name": f"Can {codename.replace('_', ' ')}"},
            )
            group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0002_append_only"), ("tenants", "0003_operator_groups"), ("pulse", "0008_freeze")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
