"""The list of packets is the board, whose name is Readiness."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0005_drill_schedules")]

    operations = [
        migrations.AlterModelOptions(
            name="packet",
            options={
                "ordering": ("lane", "name"),
                "permissions": (
                    ("implement_packet", "Can run a packet's evidence as its implementer"),
                    ("review_packet", "Can run a packet's evidence as its reviewer, approve and reject it"),
                ),
                "verbose_name_plural": "readiness",
            },
        ),
    ]
