from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("rbac", "0002_changelog_triggers")]
    operations = [migrations.RunPython(lambda apps, schema_editor: None, migrations.RunPython.noop)]
