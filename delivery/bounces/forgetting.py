"""Kept mails are forgotten: after a while, and at once when a person is erased.

The row stays longer than the mail, with nothing but its digest and what came of it: so that a mail
that is still in its mailbox does not count a second time.
"""

from datetime import timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Workspace
from delivery.models import BounceReplay, ReturnedMail
from delivery.public.forgetting import escaped

MAILS_KEPT: Final = timedelta(days=60)
ROWS_KEPT: Final = timedelta(days=400)
REPLAYS_KEPT: Final = timedelta(days=400)
BATCH: Final = 1_000
_EMPTY: Final[dict[str, Any]] = {
    "raw": b"",
    "envelope_to": "",
    "sender": "",
    "subject": "",
    "recipients": [],
    "trouble": "",
}


def forget_old() -> int:
    """Forget mails and rows whose time is over; returns how many mails."""
    now = timezone.now()
    BounceReplay.objects.filter(asked_at__lt=now - REPLAYS_KEPT).delete()
    ReturnedMail.objects.filter(received_at__lt=now - ROWS_KEPT).delete()
    old = ReturnedMail.objects.filter(received_at__lt=now - MAILS_KEPT).exclude(raw=b"")
    whole = 0
    while numbers := list(old.order_by("received_at").values_list("pk", flat=True)[:BATCH]):
        whole += empty(ReturnedMail.objects.filter(pk__in=numbers))
    return whole


def empty(rows: QuerySet[ReturnedMail]) -> int:
    """Forget mails, and keep that they came; returns how many."""
    return rows.update(**_EMPTY)


def forget_person(workspace: Workspace, addresses: tuple[str, ...], **_kwargs: Any) -> None:
    """Forget the mails that name an erased person (`subscribers.privacy.erasure`)."""
    kept = ReturnedMail.objects.filter(workspace=workspace)
    for address in addresses:
        names = Q(envelope_to__iexact=address) | Q(sender__icontains=address)
        names |= Q(subject__icontains=address) | Q(recipients__contains=[address])
        empty(kept.filter(names))
        inside = kept.extra(
            where=["encode(raw, 'escape') ILIKE %s OR array_to_string(recipients, ' ') ILIKE %s"],
            params=[f"%{escaped(address)}%"] * 2,
        )
        empty(ReturnedMail.objects.filter(pk__in=list(inside.values_list("pk", flat=True))))
