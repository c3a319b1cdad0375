"""What takes long where there are many people: the index of wishes, lists' days of the past."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

# One statement of its own, which locks nothing of the ledger: people join and leave meanwhile, and
# the trigger counts these. Where days were counted already there is nothing behind.
COUNT_BEHIND = """
CREATE TABLE IF NOT EXISTS subscribers_listday_behind (up_to bigint);
INSERT INTO subscribers_listday AS d (list_id, day, joined, "left")
SELECT list_id, (at AT TIME ZONE 'UTC')::date,
    count(*) FILTER (WHERE kind IN ('subscribed', 'confirmed', 'resubscribed')),
    count(*) FILTER (WHERE kind = 'unsubscribed')
FROM subscribers_consentevent
WHERE id <= (SELECT max(up_to) FROM subscribers_listday_behind)
    AND list_id IN (SELECT id FROM subscribers_list)
    AND kind <> 'asked' AND detail <> 'address changed'
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (list_id, day)
DO UPDATE SET joined = d.joined + EXCLUDED.joined, "left" = d."left" + EXCLUDED."left";
DROP TABLE subscribers_listday_behind;
"""


class Migration(migrations.Migration):
    """Add a small partial index and count the past, while people go on signing up."""

    atomic = False

    dependencies = [
        ("subscribers", "0006_forms_texts_and_held_signups"),
    ]

    operations = [
        migrations.RunSQL(COUNT_BEHIND, migrations.RunSQL.noop),
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
