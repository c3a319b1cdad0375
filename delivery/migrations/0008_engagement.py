"""What each person did with our mail, added up; filled from the ledger that is there."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# The same as `delivery.engagement.summary.rebuild`, in one statement.
FILL = """
ALTER TABLE delivery_engagement SET (fillfactor = 80);
INSERT INTO delivery_engagement
    (subscriber_id, last_opened_at, last_clicked_at, opened, clicked)
SELECT message.subscriber_id, max(message.opened_at), max(message.clicked_at),
    coalesce((array_agg(dispatch.id::int ORDER BY dispatch.id DESC)
        FILTER (WHERE message.opened_at IS NOT NULL AND dispatch.id IS NOT NULL))[:50], '{}'),
    coalesce((array_agg(dispatch.id::int ORDER BY dispatch.id DESC)
        FILTER (WHERE message.clicked_at IS NOT NULL AND dispatch.id IS NOT NULL))[:50], '{}')
FROM delivery_message message
JOIN subscribers_subscriber person ON person.id = message.subscriber_id
LEFT JOIN delivery_dispatch dispatch ON dispatch.campaign_id = message.campaign_id
WHERE message.opened_at IS NOT NULL OR message.clicked_at IS NOT NULL
GROUP BY message.subscriber_id
ORDER BY message.subscriber_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0007_reasons_in_own_words"),
        ("subscribers", "0004_tags_segments_and_wishes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Engagement",
            fields=[
                (
                    "subscriber",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="engagement",
                        serialize=False,
                        to="subscribers.subscriber",
                    ),
                ),
                ("last_opened_at", models.DateTimeField(null=True, verbose_name="last opened")),
                ("last_clicked_at", models.DateTimeField(null=True, verbose_name="last clicked")),
                (
                    "opened",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(),
                        default=list,
                        size=None,
                        verbose_name="opened",
                    ),
                ),
                (
                    "clicked",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(),
                        default=list,
                        size=None,
                        verbose_name="clicked",
                    ),
                ),
            ],
            options={
                "verbose_name": "engagement",
                "verbose_name_plural": "engagements",
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
