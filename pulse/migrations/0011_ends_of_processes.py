from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pulse", "0010_saved_filters")]

    operations = [
        migrations.AddField(
            model_name="heartbeat",
            name="ended_at",
            field=models.DateTimeField(help_text="When it stopped as it was told to, UTC.", null=True),
        ),
    ]
