"""Evidence, verdicts, drills' journals and incidents' timelines refuse UPDATE, DELETE and TRUNCATE."""

from django.db import migrations

# Each table with the columns by which SQLite's REPLACE could meet a row; it asks no trigger of DELETE.
TABLES = {
    "runbooks_evidencerecord": ("sequence", "hash"),
    "runbooks_evidencebundle": ("id", "sha256"),
    "runbooks_verdict": ("id",),
    "runbooks_verdictend": ("verdict_id",),
    "runbooks_drillstep": ("id",),
    "runbooks_incidententry": ("id",),
}


def sqlite(table, keys):
    met = " OR ".join(f"{key} = NEW.{key}" for key in keys)
    yield f"""CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM {table} WHERE {met})
    BEGIN SELECT RAISE(ABORT, 'rows of {table} are append-only'); END"""
    for verb in ("update", "delete"):
        yield f"""CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table}
        BEGIN SELECT RAISE(ABORT, 'rows of {table} are append-only'); END"""


def postgresql(table):
    yield f"""CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION runbooks_refuse()"""
    yield f"""CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION runbooks_refuse()"""


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            """CREATE FUNCTION runbooks_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'rows of %% are append-only', TG_TABLE_NAME; END $$"""
        )
    for table, keys in TABLES.items():
        statements = (
            postgresql(table) if schema_editor.connection.vendor == "postgresql" else sqlite(table, keys)
        )
        for statement in statements:
            schema_editor.execute(statement)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION runbooks_refuse() CASCADE")
        return
    for table in TABLES:
        for verb in ("replace", "update", "delete"):
            schema_editor.execute(f"DROP TRIGGER {table}_no_{verb}")


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0001_initial")]
    operations = [migrations.RunPython(install, remove)]
