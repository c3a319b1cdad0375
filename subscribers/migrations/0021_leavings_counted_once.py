"""Days of lists count who came onto a list and who went off it, not every event that says so."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("subscribers.migrations.0014_wishes_that_last").LIST_DAYS

# Somebody joins or leaves if the person's newest event before left them elsewhere. So whoever left,
# was asked again (by a stranger's sign-up) and leaves again has left once; who never confirmed has
# not left; who confirms a new address has joined once. Two people who are one neither join nor
# leave by it. What is undone counts off where it was counted: an import, an action on many people,
# and leaving by a mail whose own link takes it back.
#
# "Subscribed" is written only of people who are not on the list, and by imports a million times: it
# looks nothing up. The sum keeps the planner from walking all events to find a person's newest.
LIST_DAYS = """
CREATE OR REPLACE FUNCTION subscribers_count_list_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subscribers_listday AS d (list_id, day, joined, "left")
    SELECT list_id, (at AT TIME ZONE 'UTC')::date,
        COALESCE(sum(times) FILTER (WHERE joins), 0),
        COALESCE(sum(times) FILTER (WHERE NOT joins), 0)
    FROM (
        SELECT list_id,
            CASE WHEN undoes THEN ats[1] ELSE at END AS at,
            CASE WHEN undoes THEN kinds[1] ELSE kind END <> 'unsubscribed' AS joins,
            CASE
                WHEN undoes AND ((kinds[1] <> 'unsubscribed') <> was_on_before) THEN -1
                WHEN undoes THEN 0
                WHEN (kind <> 'unsubscribed') <> was_on THEN 1
                ELSE 0
            END AS times
        FROM (
            SELECT event.*, past.kinds, past.ats,
                event.kind = 'taken_back' AND past.kinds IS NOT NULL
                    OR event.kind = 'resubscribed' AND past.kinds[1] = 'unsubscribed' AND (
                        event.detail LIKE 'undone: #%' OR (
                            event.message_id = past.message_ids[1]
                            AND event.source IN ('unsubscribe_page', 'one_click')
                        )
                    ) IS TRUE AS undoes,
                CASE
                    WHEN past.kinds[1] = 'taken_back'
                    THEN COALESCE(past.kinds[2] = 'unsubscribed', false)
                    ELSE COALESCE(past.kinds[1] <> 'unsubscribed', false)
                END AS was_on,
                CASE
                    WHEN past.kinds[2] = 'taken_back' THEN past.kinds[1] = 'unsubscribed'
                    ELSE COALESCE(past.kinds[2] <> 'unsubscribed', false)
                END AS was_on_before
            FROM new_rows event CROSS JOIN LATERAL (
                SELECT array_agg(kind) AS kinds, array_agg(at) AS ats,
                    array_agg(message_id) AS message_ids
                FROM (
                    SELECT kind, at, message_id FROM subscribers_consentevent earlier
                    WHERE event.kind <> 'subscribed'
                        AND earlier.subscriber_id = event.subscriber_id
                        AND earlier.list_id = event.list_id AND earlier.id < event.id
                        AND {counts}
                    ORDER BY earlier.id + 0 DESC LIMIT 2
                ) newest
            ) past
            WHERE {event_counts} AND event.list_id IS NOT NULL
                AND EXISTS (SELECT FROM subscribers_list l WHERE l.id = event.list_id)
        ) told
        WHERE kind <> 'taken_back' OR undoes
    ) counted
    WHERE times <> 0
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (list_id, day)
    DO UPDATE SET joined = d.joined + EXCLUDED.joined, "left" = d."left" + EXCLUDED."left";
    RETURN NULL;
END $$;
"""
COUNTS = """{0}.kind IN ('subscribed', 'confirmed', 'resubscribed', 'unsubscribed', 'taken_back')
            AND {0}.detail <> 'address changed'"""
IS_ONE = "event.detail LIKE 'merged with %' AND event.source = 'manual'"
SQL = LIST_DAYS.replace("{counts}", COUNTS.format("earlier")).replace(
    "{event_counts}", f"{COUNTS.format('event')} AND NOT ({IS_ONE})"
)


class Migration(migrations.Migration):
    """Put the function in the other's place; days that were counted stay as they are."""

    dependencies = [("subscribers", "0020_names_for_people")]

    operations = [migrations.RunSQL(SQL, BEFORE)]
