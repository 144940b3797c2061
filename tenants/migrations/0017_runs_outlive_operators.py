"""A bulk run keeps who started it when they are erased, and no longer keeps them from being erased."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def name_who_started(apps: Any, schema_editor: Any) -> None:
    runs = apps.get_model("tenants", "BulkRun").objects.using(schema_editor.connection.alias)
    for run in runs.exclude(operator=None).select_related("operator"):
        run.started_by = str(run.operator.public_id)
        run.save(update_fields=("started_by",))


class Migration(migrations.Migration):
    dependencies = [("tenants", "0016_token_name")]

    operations = [
        migrations.AlterField(
            "bulkrun",
            "operator",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            "bulkrun",
            "started_by",
            models.CharField(
                blank=True,
                help_text="The operator's public UUID. Empty: from the command line.",
                max_length=64,
            ),
        ),
        migrations.RunPython(name_who_started, migrations.RunPython.noop),
    ]
