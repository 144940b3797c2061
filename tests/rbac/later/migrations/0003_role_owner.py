from django.db import migrations, models


class Migration(migrations.Migration):
    """A column more, by ALTER TABLE."""

    dependencies = [("rbac", "0002_changelog_triggers")]
    operations = [
        migrations.AddField("role", "owner", models.CharField(max_length=50, null=True)),
        migrations.RunSQL("CREATE INDEX role_by_owner ON rbac_role (owner)", "DROP INDEX role_by_owner"),
    ]
