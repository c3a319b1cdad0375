"""Find the few people who asked for a pause or for fewer letters without reading the others."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add a small partial index, while people go on signing up."""

    atomic = False

    dependencies = [
        ("subscribers", "0006_forms_texts_and_held_signups"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="subscriber",
            index=models.Index(
                condition=models.Q(
                    ("frequency__gt", 0), ("paused_until__isnull", False), _connector="OR"
                ),
                fields=["workspace", "id"],
                name="subscriber_with_wishes",
            ),
        ),
    ]
