"""The audit log refuses UPDATE, DELETE and TRUNCATE, whoever asks."""

from django.db import migrations

SQLITE = [
    # REPLACE deletes the row that it meets without asking the triggers of DELETE.
    """CREATE TRIGGER audit_no_replace BEFORE INSERT ON pulse_auditevent
    WHEN EXISTS (SELECT 1 FROM pulse_auditevent WHERE sequence = NEW.sequence OR hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"""
] + [
    f"""CREATE TRIGGER audit_no_{verb} BEFORE {verb.upper()} ON pulse_auditevent
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"""
    for verb in ("update", "delete")
]
POSTGRESQL = [
    """CREATE FUNCTION pulse_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
    """CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON pulse_auditevent
    FOR EACH ROW EXECUTE FUNCTION pulse_audit_refuse()""",
    """CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON pulse_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION pulse_audit_refuse()""",
]


def install(apps, schema_editor):
    statements = SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL
    for statement in statements:
        schema_editor.execute(statement)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER audit_no_replace")
        schema_editor.execute("DROP TRIGGER audit_no_update")
        schema_editor.execute("DROP TRIGGER audit_no_delete")
    else:
        schema_editor.execute("DROP FUNCTION pulse_audit_refuse() CASCADE")


class Migration(migrations.Migration):
    dependencies = [("pulse", "0001_initial")]
    operations = [migrations.RunPython(install, remove)]
