from django.db import migrations, models


class Migration(migrations.Migration):
    """A table made anew, to which another refers."""

    dependencies = [("rbac", "0003_role_owner")]
    operations = [
        migrations.AlterField("principal", "display_name", models.CharField(max_length=200, blank=True)),
    ]
