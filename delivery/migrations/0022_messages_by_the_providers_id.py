"""A message is found by the id that its provider gave it. Built beside the traffic."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("delivery", "0021_sandbox_answers_and_search")]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                fields=["provider_id"],
                name="message_by_provider_id",
                condition=models.Q(provider_id__isnull=False),
            ),
        ),
    ]
