"""The consent events that still say from where they came, in the order of time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0010_segments_and_search")]

    operations = [
        migrations.AddIndex(
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
    ]
