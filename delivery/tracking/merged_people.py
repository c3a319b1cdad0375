"""Letters of two people who became one, and what they did with them."""

from django.db import connection

from delivery.bounce_policy import following
from delivery.models import SoftBounces
from delivery.states import MessageState
from delivery.tracking import engagement

# Planning holds a dispatch's row for each chunk: with the row in our hands, no chunk is under way
# that writes a letter to the one who stays, and all that were are seen by the next statement.
HOLD_PLANNING = """
SELECT FROM delivery_dispatch
WHERE planning_done_at IS NULL
    AND workspace_id = (SELECT workspace_id FROM subscribers_subscriber WHERE id = %(keep)s)
ORDER BY campaign_id FOR UPDATE
"""
# A campaign writes to a person once: where both got it, the second letter keeps its former name
# (`merging.keys_of` finds it). So does one that was left out while the campaign is
# still being planned: whether the one who stays gets it, is asked when planning reaches them. Any
# other letter is theirs from now on, and planning passes them by.
LETTERS = f"""
UPDATE delivery_message letter SET subscriber_id = %(keep)s
WHERE letter.subscriber_id = %(away)s AND NOT EXISTS (
    SELECT FROM delivery_message own
    WHERE own.campaign_id = letter.campaign_id AND own.subscriber_id = %(keep)s
) AND NOT (letter.state = {MessageState.SKIPPED.value} AND EXISTS (
    SELECT FROM delivery_dispatch dispatch
    WHERE dispatch.campaign_id = letter.campaign_id AND dispatch.planning_done_at IS NULL
        AND dispatch.planned_through < %(keep)s
))
RETURNING id
"""  # noqa: S608 - the state number is ours
EVENTS = """
UPDATE delivery_event SET subscriber_id = %(keep)s
WHERE message_id = ANY(%(letters)s) AND subscriber_id = %(away)s
"""
DEVICES = """
WITH gone AS (DELETE FROM delivery_persondevice WHERE subscriber_id = %(away)s RETURNING *)
INSERT INTO delivery_persondevice AS known (subscriber_id, devices, country)
SELECT %(keep)s, devices, country FROM gone
ON CONFLICT (subscriber_id) DO UPDATE SET devices = known.devices | EXCLUDED.devices,
    country = CASE WHEN known.country = '' THEN EXCLUDED.country ELSE known.country END
"""
# Whose newest word is a refusal keeps it: the row that says so becomes the newest of both.
CONSENTS = """
WITH moved AS (
    UPDATE delivery_trackingconsent SET subscriber_id = %(keep)s
    WHERE subscriber_id = %(away)s RETURNING *
), newest AS (
    (SELECT * FROM moved ORDER BY id DESC LIMIT 1)
    UNION ALL
    (SELECT * FROM delivery_trackingconsent WHERE subscriber_id = %(keep)s ORDER BY id DESC LIMIT 1)
), refused AS (
    SELECT * FROM newest WHERE NOT allows ORDER BY at DESC LIMIT 1
)
INSERT INTO delivery_trackingconsent
    (workspace_id, subscriber_id, allows, source, at, ip, user_agent, message_id)
SELECT workspace_id, %(keep)s, false, source, at, ip, user_agent, message_id FROM refused
WHERE (SELECT count(*) FROM newest) = 2 AND EXISTS (SELECT FROM newest WHERE allows)
"""


def move(keep: int, away: int) -> None:
    """Let the letters of one person, with what happened to them, belong to another (keys)."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD_PLANNING, {"keep": keep})
        cursor.execute(LETTERS, {"keep": keep, "away": away})
        letters = [key for (key,) in cursor.fetchall()]
        cursor.execute(EVENTS, {"keep": keep, "away": away, "letters": letters})
        cursor.execute(DEVICES, {"keep": keep, "away": away})
        cursor.execute(CONSENTS, {"keep": keep, "away": away})
    engagement.follow_merge(kept=keep, gone=[away])
    SoftBounces.objects.filter(subscriber_id=away).delete()
    following.counted_anew([keep])  # what bounced belongs to the one who stays
