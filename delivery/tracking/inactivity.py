"""People who got letters for months and never opened or clicked one, as far as people can be told.

Opens and clicks are those of people (`models.Message`); programs that open everything don't count.
"""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Workspace
from delivery.models import Message
from delivery.states import MessageState

MONTHS = 6
LEAST = 5  # letters; who got fewer had no fair chance
MONTH = timedelta(days=30)
MOST_MONTHS = 60


def condition(_workspace: Workspace, text: str) -> Q:
    """Return the condition on `Subscriber`; ``text`` is "months-letters" (6-5 by default).

    Registered in `subscribers.directory.filters`. Each person is one look into the index of their
    letters, so it costs the same for a batch of people whatever the workspace holds.
    """
    months, least = read(text)
    letters = Message.objects.filter(
        subscriber_id=OuterRef("pk"),
        state=MessageState.SENT,
        attempted_at__gte=timezone.now() - MONTH * months,
    )
    reacted = letters.filter(Q(opened_at__isnull=False) | Q(clicked_at__isnull=False))
    enough = letters.order_by("-id")[least - 1 : least]
    return Q(Exists(enough)) & ~Q(Exists(reacted))


def read(text: str) -> tuple[int, int]:
    """Read months and letters; anything senseless counts as the usual."""
    months, _, least = text.partition("-")
    short = 3
    return (
        min(int(months), MOST_MONTHS) or MONTHS if _is_number(months, short) else MONTHS,
        int(least) or LEAST if _is_number(least, short) else LEAST,
    )


def _is_number(text: str, longest: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= longest
