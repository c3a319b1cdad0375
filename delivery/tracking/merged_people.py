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


def move(keep: int, away: int) -> None:
    """Let the letters of one person, with what happened to them, belong to another (keys)."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD_PLANNING, {"keep": keep})
        cursor.execute(LETTERS, {"keep": keep, "away": away})
        letters = [key for (key,) in cursor.fetchall()]
        cursor.execute(EVENTS, {"keep": keep, "away": away, "letters": letters})
    engagement.follow_merge(kept=keep, gone=[away])
    SoftBounces.objects.filter(subscriber_id=away).delete()
    following.counted_anew([keep])  # what bounced belongs to the one who stays
