"""Indexes for the operators' lists: the audit log by each of its filters, and the job runs, newest first."""

from typing import Any

from django.db import migrations, models


def drop_single_indexes(apps: Any, schema_editor: Any) -> None:
    """Those of the verb alone and of the actor alone, which the new ones make useless.

    Not by AlterField: SQLite would make the table anew, and lose the triggers that guard it.
    """
    connection = schema_editor.connection
    table = apps.get_model("pulse", "AuditEvent")._meta.db_table
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    for name, one in found.items():
        if one["index"] and not one["unique"] and one["columns"] in (["verb"], ["actor"]):
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


class Migration(migrations.Migration):
    dependencies = (
        ("pulse", "0005_schedule_time_zones"),
        ("django_tasks_database", "0021_conditional_partial_index_ordering"),
    )

    operations = (
        migrations.AddIndex("auditevent", models.Index(fields=["verb", "-sequence"], name="audit_verb")),
        migrations.AddIndex("auditevent", models.Index(fields=["actor", "-sequence"], name="audit_actor")),
        migrations.AddIndex("auditevent", models.Index(fields=["door", "-sequence"], name="audit_door")),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_single_indexes, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField("auditevent", "verb", models.CharField(max_length=64)),
                migrations.AlterField("auditevent", "actor", models.CharField(max_length=150)),
            ],
        ),
        # The table is the library's, and so has no index for what our list asks.
        migrations.RunSQL(
            "CREATE INDEX pulse_job_newest ON django_tasks_database_dbtaskresult (enqueued_at)",
            "DROP INDEX pulse_job_newest",
        ),
        migrations.RunSQL(
            "CREATE INDEX pulse_job_status ON django_tasks_database_dbtaskresult (status, enqueued_at)",
            "DROP INDEX pulse_job_status",
        ),
    )
