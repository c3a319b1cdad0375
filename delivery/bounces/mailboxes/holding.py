"""Who reads a mailbox: one process at a time, by a lease that ends by itself.

Two readers at once would do no harm (a mail counts once, by its digest), but servers mind the
connections. Progress is written only by whoever holds the lease.
"""

from datetime import timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from delivery.bounces.mailboxes.trouble import MailboxError
from delivery.models import BounceMailbox
from delivery.states import MailboxProtocol

LEASE: Final = timedelta(seconds=90)
EVERY: Final = timedelta(minutes=3)
EVERY_WITH_IDLE: Final = timedelta(minutes=10)  # the server tells; this is for what it forgot
SHORTEST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=1)
# A wrong password asked again and again locks accounts.
PAUSES_WHEN_REFUSED: Final = (
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)


def due() -> list[int]:
    """Return the mailboxes that somebody should look into now."""
    now = timezone.now()
    free = Q(held_until=None) | Q(held_until__lt=now)
    found = BounceMailbox.objects.filter(free, is_paused=False, next_check_at__lte=now)
    fetched = found.exclude(protocol=MailboxProtocol.PIPE)
    return list(fetched.order_by("next_check_at").values_list("pk", flat=True)[:200])


def hold(mailbox_id: int, owner: str) -> BounceMailbox | None:
    """Take a mailbox for a while; None: somebody else has it, or it is paused or gone."""
    now = timezone.now()
    free = Q(held_until=None) | Q(held_until__lt=now) | Q(held_by=owner)
    mine = BounceMailbox.objects.filter(free, pk=mailbox_id, is_paused=False)
    if not mine.exclude(protocol=MailboxProtocol.PIPE).update(
        held_by=owner, held_until=now + LEASE
    ):
        return None
    return BounceMailbox.objects.select_related("workspace", "account").get(pk=mailbox_id)


def progress(mailbox: BounceMailbox, **values: object) -> bool:
    """Write how far a mailbox is read; False: it is not ours any more."""
    for name, value in values.items():
        setattr(mailbox, name, value)
    ours = BounceMailbox.objects.filter(pk=mailbox.pk, held_by=mailbox.held_by, is_paused=False)
    return bool(ours.update(held_until=timezone.now() + LEASE, **values))


def release(mailbox: BounceMailbox, *, warning: str = "") -> None:
    """Give a mailbox back that was read to its end; ``warning``: what did not work meanwhile."""
    now = timezone.now()
    every = EVERY_WITH_IDLE if mailbox.has_idle else EVERY
    since = (mailbox.trouble_since or now) if warning else None
    _give_back(
        mailbox,
        checked_at=now,
        next_check_at=now + every,
        trouble=warning[:500],
        trouble_since=since,
        failures=0,
        is_refused=False,
    )


def give_up(mailbox: BounceMailbox, error: MailboxError) -> None:
    """Give a mailbox back that cannot be read now, and say when to try again."""
    now = timezone.now()
    failures = min(mailbox.failures + 1, 1000)
    if error.is_refused:
        pause = PAUSES_WHEN_REFUSED[min(failures, len(PAUSES_WHEN_REFUSED)) - 1]
    else:
        pause = min(SHORTEST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
    _give_back(
        mailbox,
        checked_at=now,
        next_check_at=now + pause,
        trouble=error.sentence[:500],
        trouble_since=mailbox.trouble_since or now,
        failures=failures,
        is_refused=error.is_refused,
    )


def wake(mailbox_id: int) -> None:
    """Let a mailbox be looked into at the next moment; nothing if its sign-in was refused."""
    mailbox = BounceMailbox.objects.filter(pk=mailbox_id, is_refused=False)
    mailbox.filter(next_check_at__gt=timezone.now()).update(next_check_at=timezone.now())


def start_anew(mailbox: BounceMailbox, *, is_another: bool) -> None:
    """Give changed settings a fresh chance; to be saved by the caller.

    ``is_another``: it is another folder or server now, or its mails are to be treated otherwise, so
    it is read from the beginning. What was counted does not count again.
    """
    mailbox.trouble, mailbox.trouble_since, mailbox.failures = "", None, 0
    mailbox.is_refused, mailbox.next_check_at = False, timezone.now()
    mailbox.held_by, mailbox.held_until = "", None  # whoever reads it now stops at the next step
    mailbox.stuck_at = mailbox.stuck_count = 0
    if is_another:
        mailbox.uid_validity, mailbox.last_uid, mailbox.seen = None, 0, b""
        mailbox.has_idle = False
        mailbox.encrypted_token, mailbox.token_until = b"", None


def _give_back(mailbox: BounceMailbox, **values: object) -> None:
    ours = BounceMailbox.objects.filter(pk=mailbox.pk, held_by=mailbox.held_by)
    ours.update(held_by="", held_until=None, **values)
