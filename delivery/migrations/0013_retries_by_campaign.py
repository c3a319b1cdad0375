"""Due retries by campaign: what waits for a paused one is not walked. Built beside the traffic."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("delivery", "0012_since_when_a_message_is_deferred")]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                fields=["campaign", "not_before"],
                name="message_due_by_campaign",
                condition=models.Q(not_before__isnull=False),
            ),
        ),
        RemoveIndexConcurrently(model_name="message", name="message_due"),
    ]
