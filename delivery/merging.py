"""Letters of two people who became one, and what they did with them."""

from django.db import connection

from delivery.engagement import summary

# A campaign writes to a person once: where both got it, the second letter keeps its former name
# (`subscribers.merging.keys_of` finds it).
LETTERS = """
UPDATE delivery_message letter SET subscriber_id = %(keep)s
WHERE letter.subscriber_id = %(away)s AND NOT EXISTS (
    SELECT FROM delivery_message own
    WHERE own.campaign_id = letter.campaign_id AND own.subscriber_id = %(keep)s
)
RETURNING id
"""
EVENTS = """
UPDATE delivery_event SET subscriber_id = %(keep)s
WHERE message_id = ANY(%(letters)s) AND subscriber_id = %(away)s
"""


def move(keep: int, away: int) -> None:
    """Let the letters of one person, with what happened to them, belong to another (keys)."""
    with connection.cursor() as cursor:
        cursor.execute(LETTERS, {"keep": keep, "away": away})
        letters = [key for (key,) in cursor.fetchall()]
        cursor.execute(EVENTS, {"keep": keep, "away": away, "letters": letters})
    summary.follow_merge(kept=keep, gone=[away])
