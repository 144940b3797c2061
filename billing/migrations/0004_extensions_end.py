"""An extended trial ends with the trial that it gives, so that the subscription below it counts from then on."""

from django.db import migrations
from django.db.models import F


def end_with_their_trials(apps, schema_editor):
    extensions = apps.get_model("billing", "Override").objects.filter(kind="trial_extension")
    extensions.filter(valid_until=None, trial_ends_at__gt=F("valid_from")).update(valid_until=F("trial_ends_at"))


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_lists")]

    operations = [migrations.RunPython(end_with_their_trials, migrations.RunPython.noop)]
