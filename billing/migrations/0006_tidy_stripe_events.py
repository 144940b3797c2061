"""Nothing is kept of what irrelevant events say, and old events are dropped by night."""

from django.db import migrations


def empty_irrelevant(apps, schema_editor):
    apps.get_model("billing", "StripeEvent").objects.filter(status="irrelevant").update(payload={})


def add_schedule(apps, schema_editor):
    apps.get_model("pulse", "Schedule").objects.create(
        name="tidy-stripe-events", task="billing.tasks.tidy_stripe_events", cron="40 3 * * *"
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_home"), ("pulse", "0005_schedule_time_zones")]
    operations = [
        migrations.RunPython(empty_irrelevant, migrations.RunPython.noop),
        migrations.RunPython(add_schedule, migrations.RunPython.noop),
    ]
