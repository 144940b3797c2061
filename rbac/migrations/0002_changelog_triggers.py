"""A tenant's changelog refuses UPDATE and DELETE."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("rbac", "0001_initial")]
    operations = [
        migrations.RunSQL(
            f"""CREATE TRIGGER change_no_{verb} BEFORE {verb.upper()} ON rbac_change
            BEGIN SELECT RAISE(ABORT, 'the changelog is append-only'); END""",
            f"DROP TRIGGER change_no_{verb}",
        )
        for verb in ("update", "delete")
    ]
