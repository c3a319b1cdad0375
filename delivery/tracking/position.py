"""How far the stream of opens and clicks has been read, and by whom: one writer at a time."""

from django.db import connection

from delivery.models import StreamPosition
from delivery.tracking import hits

START = "0-0"


def take(*, wait: bool = False) -> StreamPosition | None:
    """Become the one writer until the transaction ends; None when somebody else is."""
    with connection.cursor() as cursor:
        # Sooner than the server's deadlock timeout: sending goes first, we try again.
        cursor.execute("SET LOCAL lock_timeout = '500ms'")
    rows = StreamPosition.objects.filter(name=hits.STREAM)
    if not rows.exists():  # the first run of all
        StreamPosition.objects.bulk_create(
            [StreamPosition(name=hits.STREAM, last_id=START)], ignore_conflicts=True
        )
    return rows.select_for_update(skip_locked=not wait).first()
