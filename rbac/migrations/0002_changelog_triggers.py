"""A tenant's changelog refuses UPDATE and DELETE."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("rbac", "0001_initial")]
    operations = [
        # REPLACE deletes the row that it meets without asking the trigger of DELETE.
        migrations.RunSQL(
            """CREATE TRIGGER change_no_replace BEFORE INSERT ON rbac_change
            WHEN EXISTS (SELECT 1 FROM rbac_change WHERE id = NEW.id)
            BEGIN SELECT RAISE(ABORT, 'the changelog is append-only'); END""",
            "DROP TRIGGER change_no_replace",
        ),
    ] + [
        migrations.RunSQL(
            f"""CREATE TRIGGER change_no_{verb} BEFORE {verb.upper()} ON rbac_change
            BEGIN SELECT RAISE(ABORT, 'the changelog is append-only'); END""",
            f"DROP TRIGGER change_no_{verb}",
        )
        for verb in ("update", "delete")
    ]
