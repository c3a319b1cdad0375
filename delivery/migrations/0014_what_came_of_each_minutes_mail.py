"""Firsts (opens, clicks …) counted in the minute their mail was sent; which days they changed.

Columns with a constant default: neither table is rewritten.
"""

from django.db import migrations, models

SENT, UNKNOWN = 4, 7  # delivery.states.MessageState
COUNT = f"""
CREATE FUNCTION delivery_count_firsts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was boolean := OLD.state = {SENT};
    sent_in timestamptz := date_trunc('minute', coalesce(NEW.attempted_at, NEW.created_at));
BEGIN
    IF current_setting('warta.recounting', true) = 'on' THEN
        RETURN NULL;  -- `first_events.recount` counts all of it at once
    END IF;
    INSERT INTO delivery_sendminute AS minute
        (campaign_id, minute, shard, domain_group, sent, deferred, failed,
         opened, proxied, clicked, unsubscribed, complained, bounced)
    VALUES (NEW.campaign_id, sent_in, 0, NEW.domain_group, 0, 0, 0,
        (NEW.opened_at IS NOT NULL)::int - (was AND OLD.opened_at IS NOT NULL)::int,
        (NEW.proxied_at IS NOT NULL AND NEW.opened_at IS NULL)::int
            - (was AND OLD.proxied_at IS NOT NULL AND OLD.opened_at IS NULL)::int,
        (NEW.clicked_at IS NOT NULL)::int - (was AND OLD.clicked_at IS NOT NULL)::int,
        (NEW.unsubscribed_at IS NOT NULL)::int - (was AND OLD.unsubscribed_at IS NOT NULL)::int,
        (NEW.complained_at IS NOT NULL)::int - (was AND OLD.complained_at IS NOT NULL)::int,
        (NEW.bounced_at IS NOT NULL)::int - (was AND OLD.bounced_at IS NOT NULL)::int)
    ON CONFLICT (campaign_id, minute, shard, domain_group) DO UPDATE SET
        opened = minute.opened + EXCLUDED.opened,
        proxied = minute.proxied + EXCLUDED.proxied,
        clicked = minute.clicked + EXCLUDED.clicked,
        unsubscribed = minute.unsubscribed + EXCLUDED.unsubscribed,
        complained = minute.complained + EXCLUDED.complained,
        bounced = minute.bounced + EXCLUDED.bounced;
    -- Locks a mark that is there, without writing: whoever takes it waits until this is committed.
    INSERT INTO delivery_changedday (campaign_id, day)
    VALUES (NEW.campaign_id, (sent_in AT TIME ZONE 'UTC')::date)
    ON CONFLICT (campaign_id, day) DO UPDATE SET day = EXCLUDED.day WHERE false;
    RETURN NULL;
END $$;
-- No column of the statement that records what was sent: that one costs nothing more.
CREATE TRIGGER delivery_firsts_changed
    AFTER UPDATE OF opened_at, proxied_at, clicked_at, unsubscribed_at, complained_at, bounced_at
    ON delivery_message FOR EACH ROW
    WHEN (NEW.state = {SENT} AND OLD.state = {SENT} AND (
        OLD.opened_at IS NULL, OLD.proxied_at IS NULL, OLD.clicked_at IS NULL,
        OLD.unsubscribed_at IS NULL, OLD.complained_at IS NULL, OLD.bounced_at IS NULL
    ) IS DISTINCT FROM (
        NEW.opened_at IS NULL, NEW.proxied_at IS NULL, NEW.clicked_at IS NULL,
        NEW.unsubscribed_at IS NULL, NEW.complained_at IS NULL, NEW.bounced_at IS NULL
    ))
    EXECUTE FUNCTION delivery_count_firsts();
-- Who opened before the server's answer was recorded; what nobody knew and an event proved.
CREATE TRIGGER delivery_firsts_before_sent
    AFTER UPDATE OF state ON delivery_message FOR EACH ROW
    WHEN (NEW.state = {SENT} AND OLD.state <> {SENT} AND (OLD.state = {UNKNOWN} OR coalesce(
        NEW.opened_at, NEW.proxied_at, NEW.clicked_at,
        NEW.unsubscribed_at, NEW.complained_at, NEW.bounced_at
    ) IS NOT NULL))
    EXECUTE FUNCTION delivery_count_firsts();
"""  # noqa: S608 - the state numbers are ours
DROP = """
DROP TRIGGER delivery_firsts_changed ON delivery_message;
DROP TRIGGER delivery_firsts_before_sent ON delivery_message;
DROP FUNCTION delivery_count_firsts();
"""


def _count(name: str) -> migrations.AddField:
    return migrations.AddField(
        model_name="sendminute",
        name=name,
        field=models.IntegerField(default=0, db_default=0),
    )


class Migration(migrations.Migration):
    dependencies = [("delivery", "0013_retries_by_campaign")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="proxied_at",
            field=models.DateTimeField(null=True, verbose_name="first opened by a privacy proxy"),
        ),
        *map(_count, ("opened", "proxied", "clicked", "unsubscribed", "complained", "bounced")),
        migrations.AddField(
            model_name="dispatch",
            name="has_figures",
            field=models.BooleanField(default=True, db_default=False, editable=False),
        ),
        migrations.CreateModel(
            name="ChangedDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("campaign_id", models.BigIntegerField()),
                ("day", models.DateField()),
            ],
            options={
                "verbose_name": "day to count anew",
                "verbose_name_plural": "days to count anew",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign_id", "day"), name="changed_day_unique"
                    )
                ],
            },
        ),
        migrations.RunSQL(COUNT, DROP),
    ]
