"""How far the stream of opens and clicks has been read, and by whom: one writer at a time."""

from django.db import connection

from delivery.models import StreamPosition
from delivery.tracking import hits

START = "0-0"
# The key's index is named: while a dump is being loaded below us it is not there yet, and a row of
# ours would stand in the way of the dump's. Then this fails, and the next run finds the dump's row.
_BEGIN = """
INSERT INTO delivery_streamposition (name, last_id, reviewed_through) VALUES (%s, %s, 0)
ON CONFLICT (name) DO NOTHING
"""


def take(*, wait: bool = False) -> StreamPosition | None:
    """Become the one writer until the transaction ends; None when somebody else is."""
    with connection.cursor() as cursor:
        # Sooner than the server's deadlock timeout: sending goes first, we try again.
        cursor.execute("SET LOCAL lock_timeout = '500ms'")
    rows = StreamPosition.objects.filter(name=hits.STREAM)
    if not rows.exists():  # the first run of all
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN, [hits.STREAM, START])
    return rows.select_for_update(skip_locked=not wait).first()
