"""Write down what became of mails: the only writer of delivered, bounced and complained.

A batch is one transaction of a fixed number of statements. Each mail's row is locked, its events
read, and what they say together (`facts`) written, so order does not matter; what was told before
(`FeedbackReceipt`) changes nothing. A piece of news that can't be written is found by halving and
set aside, and the others go on.
"""

import logging
import random
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.background import set_aside
from delivery.bounce_policy import following
from delivery.bounce_policy.following import Refused
from delivery.events import acts, cleaning, facts, matching, reading_on, writing
from delivery.events.feedback import Fate, Feedback, Taken
from delivery.events.matching import Target
from delivery.models import FeedbackReceipt
from delivery.pipeline import settle
from delivery.states import EventKind, MessageState

log = logging.getLogger(__name__)

BATCH: Final = 1_000
NEWS: Final = "news of mails"
TRIES: Final = 4  # while others hold the same rows
KEPT: Final = timedelta(days=90)
FORGOTTEN_AT_ONCE: Final = 50_000
_RECEIPTS: Final = """
INSERT INTO delivery_feedbackreceipt (workspace_id, key, message_id, seen_at)
SELECT * FROM unnest(%(workspaces)s::bigint[], %(keys)s::bytea[], %(messages)s::bigint[],
    array_fill(%(now)s::timestamptz, ARRAY[%(count)s]))
    AS news (workspace_id, key, message_id, seen_at)
ORDER BY workspace_id, key
ON CONFLICT (workspace_id, key) DO NOTHING
RETURNING workspace_id, key
"""


@dataclass(slots=True)
class _Batch:
    """One transaction's news with their mails, those told before left out."""

    news: list[tuple[Feedback, Target]] = field(default_factory=list)

    def of(self, *kinds: EventKind) -> list[tuple[Feedback, Target]]:
        return [(one, target) for one, target in self.news if one.kind in kinds]


def apply(news: Sequence[Feedback]) -> list[Taken]:
    """Apply news of mails, and say what became of each, in the same order.

    Raises:
        OperationalError, redis.RedisError: something is away for a moment; what was applied
            stays, and telling all of it again changes nothing twice.
    """
    taken: list[Taken] = []
    for first in range(0, len(news), BATCH):
        taken += _try(news[first : first + BATCH])
    return taken


def _try(news: Sequence[Feedback]) -> list[Taken]:
    """Apply a batch in one transaction, or, where that fails, each half of it."""
    try:
        return _retried(news)
    except Exception as error:
        if set_aside.is_away(error):
            raise
        if len(news) > 1:
            return [one for half in set_aside.halves(news) for one in _try(half)]
        set_aside.note(NEWS, subject=_name(news[0]), error=error)
        return [Taken(fate=Fate.FAILED)]


def _name(one: Feedback) -> str:
    """Say which news it is without anything that somebody wrote."""
    key = one.key.hex()[:32] if isinstance(one.key, bytes) else "without a key"
    return f"{EventKind(one.kind).name.lower()} {key}"


def _retried(news: Sequence[Feedback]) -> list[Taken]:
    """Apply a batch; once more if sending or counting held the same rows at that moment."""
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                return _apply(news)
        except OperationalError as error:
            if attempt == TRIES or connection.in_atomic_block or not _is_busy(error):
                raise
            time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - no secret
    raise AssertionError  # pragma: no cover - the last try returns or raises


def _is_busy(error: OperationalError) -> bool:
    # A deadlock, or a lock not given in time (PostgreSQL's error codes).
    return getattr(error.__cause__, "sqlstate", None) in {"40P01", "55P03"}


def _apply(given: Sequence[Feedback]) -> list[Taken]:
    news = [cleaning.clean(one) for one in given]
    targets = matching.find(news)
    if any(one.kind in reading_on.KINDS for one in news):
        reading_on.begin()  # the one writer of opens and clicks, before any mail is locked
    fresh = _receipts(news, targets)
    batch = _Batch()
    taken: list[Taken] = []
    for one, target in zip(news, targets, strict=True):
        if target is None:
            taken.append(Taken(fate=Fate.UNMATCHED))
            continue
        is_new = (one.workspace_id, one.key) in fresh
        fresh.discard((one.workspace_id, one.key))
        if is_new:
            batch.news.append((one, target))
        taken.append(
            Taken(
                fate=Fate.APPLIED if is_new else Fate.KNOWN,
                message_id=target.message_id,
                confidence=target.confidence,
            )
        )
    if batch.news:
        _write(batch)
    return taken


def _receipts(news: Sequence[Feedback], targets: Sequence[Target | None]) -> set[tuple[int, bytes]]:
    """Note what was told; returns what had not been told before."""
    rows = {
        (one.workspace_id, one.key): target.message_id
        for one, target in zip(news, targets, strict=True)
        if target is not None
    }
    if not rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            _RECEIPTS,
            {
                "workspaces": [workspace for workspace, _key in rows],
                "keys": [key for _workspace, key in rows],
                "messages": list(rows.values()),
                "now": timezone.now(),
                "count": len(rows),
            },
        )
        return {(workspace, bytes(key)) for workspace, key in cursor.fetchall()}


def _write(batch: _Batch) -> None:
    targets = {target.message_id: target for _one, target in batch.news}
    rows = writing.lock(targets)
    told = [(one, target) for one, target in batch.of(*facts.KINDS) if target.message_id in rows]
    newly = writing.write(told, targets, rows)
    _settle(batch, rows)
    _follow(batch, newly)
    acts.follow(batch.of(EventKind.COMPLAINED, EventKind.UNSUBSCRIBED))
    reading_on.absorb(batch.of(*reading_on.KINDS))


def _settle(batch: _Batch, rows: Mapping[int, writing.Row]) -> None:
    """Settle what nobody knew: whatever comes of a mail proves that its server has it.

    Unless the provider says that it never sent it.
    """
    arrived: dict[int, bool] = {}
    for one, target in batch.news:
        row = rows.get(target.message_id)
        if row is None or row.state is not MessageState.UNKNOWN or one.kind is EventKind.DELAYED:
            continue
        was_taken = one.kind is not EventKind.BOUNCED or not settle.was_dropped(one.cause)
        arrived[target.message_id] = was_taken or arrived.get(target.message_id, False)
    if arrived:
        settle.by_events(arrived)


def _follow(batch: _Batch, newly: Collection[int]) -> None:
    """Have bounces and deliveries follow for the people, workspace by workspace.

    ``newly``: the mails that were not known as refused before.
    """
    refused: dict[int, list[Refused]] = defaultdict(list)
    for one, target in batch.of(EventKind.BOUNCED):
        if target.person is not None and _is_theirs(one, target):
            refused[target.workspace_id].append(
                Refused(
                    message_id=target.message_id,
                    subscriber_id=target.person,
                    effect=one.effect,
                    at=one.at,
                    is_told_again=target.message_id not in newly,
                )
            )
    for workspace, found in sorted(refused.items()):
        following.follow(workspace, found)
    arrived = {target.person for _one, target in batch.of(EventKind.DELIVERED)}
    following.delivered(person for person in arrived if person is not None)


def _is_theirs(one: Feedback, target: Target) -> bool:
    """Say whether a bounce speaks of the address that its mail's person has now."""
    if not matching.is_confident(one, target):
        return False
    key = matching.key_of(one.recipient) if one.recipient else ""
    return key in {"", target.address_key} or not acts.has_moved(target, key)


def forget_old() -> int:
    """Forget receipts that nobody tells again for; returns how many."""
    old = FeedbackReceipt.objects.filter(seen_at__lt=timezone.now() - KEPT)
    count = 0
    while ids := list(old.order_by("pk").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        count += FeedbackReceipt.objects.filter(pk__in=ids).delete()[0]
    return count
