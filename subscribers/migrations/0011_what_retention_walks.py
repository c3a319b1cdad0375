"""What retention walks through and what the suppression list is shown by, in the order of time."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add indexes, while people go on joining and leaving."""

    atomic = False

    dependencies = [("subscribers", "0010_segments_and_search")]

    operations = [
        AddIndexConcurrently(
            model_name="consentevent",
            index=models.Index(
                fields=["workspace", "at"],
                name="consent_with_origin",
                condition=models.Q(
                    ("ip__isnull", False),
                    models.Q(("user_agent", ""), _negated=True),
                    _connector="OR",
                ),
            ),
        ),
        AddIndexConcurrently(
            model_name="suppression",
            index=models.Index(fields=["workspace", "reason", "-id"], name="suppression_by_reason"),
        ),
        AddIndexConcurrently(
            model_name="suppression",
            index=models.Index(fields=["workspace", "-id"], name="suppression_by_age"),
        ),
    ]
