"""Operators of before there were verified addresses: whoever made them vouched for theirs."""

from django.db import migrations


def vouch(apps, schema_editor):
    user = apps.get_model("tenants", "User")
    address = apps.get_model("account", "EmailAddress")
    for operator in user.objects.filter(is_staff=True):
        address.objects.get_or_create(
            user=operator, email=operator.email, defaults={"verified": True, "primary": True}
        )


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_schedules"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]
    operations = [migrations.RunPython(vouch, migrations.RunPython.noop)]
