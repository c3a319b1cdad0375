"""Bounces in a row: of each person the newest mails that bounced, with none between that arrived.

Read from the ledger each time, so it does not matter in which order news came. A mail that was
accepted and of which nothing was heard for `SILENCE` has arrived; a younger one says nothing yet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from delivery.bounce_policy import effects
from delivery.models import BouncePolicy
from delivery.states import Effect, EventKind, MessageState

LOOKED_AT: Final = 30  # newest mails of a person; a policy can't ask for more in a row
SILENCE: Final = timedelta(days=6)  # servers on the way try for five days (RFC 5321 §4.5.4.1)
_GUESS: Final = -1  # only somebody who may mean another mail said that it bounced
_NEWEST: Final = """
SELECT who.id, message.id, message.attempted_at,
    coalesce(message.delivered_at, message.opened_at, message.proxied_at, message.clicked_at,
        message.unsubscribed_at, message.complained_at) IS NOT NULL AS has_proof,
    CASE WHEN message.bounced_at IS NOT NULL OR message.state = %(failed)s THEN coalesce((
        SELECT CASE WHEN coalesce(event.source, 0) = ANY(%(unsure)s)
            AND message.state <> %(failed)s THEN %(guess)s ELSE coalesce(event.effect, 0) END
        FROM delivery_event event
        WHERE event.message_id = message.id AND event.kind = %(bounced)s
        ORDER BY coalesce(event.source, 0) = ANY(%(unsure)s), event.effect = ANY(%(counted)s),
            event.effect, event.id LIMIT 1
    ), 0) END AS effect
FROM unnest(%(people)s::bigint[]) AS who (id)
LEFT JOIN delivery_softbounces known ON known.subscriber_id = who.id
CROSS JOIN LATERAL (
    SELECT * FROM delivery_message sent
    WHERE sent.subscriber_id = who.id AND sent.state = ANY(%(states)s)
        AND (known.cleared_at IS NULL OR sent.attempted_at > known.cleared_at)
    ORDER BY sent.id DESC LIMIT %(limit)s
) AS message
ORDER BY who.id, message.id DESC
"""
_KEEP: Final = """
INSERT INTO delivery_softbounces AS known (subscriber_id, count, first_at, last_at)
SELECT person.id, run.count, run.first_at, run.last_at
FROM unnest(%(people)s::bigint[], %(counts)s::smallint[], %(first)s::timestamptz[],
    %(last)s::timestamptz[]) AS run (id, count, first_at, last_at)
JOIN subscribers_subscriber person ON person.id = run.id
ORDER BY person.id
ON CONFLICT (subscriber_id) DO UPDATE SET count = EXCLUDED.count, first_at = EXCLUDED.first_at,
    last_at = EXCLUDED.last_at
WHERE (known.count, known.first_at, known.last_at)
    IS DISTINCT FROM (EXCLUDED.count, EXCLUDED.first_at, EXCLUDED.last_at)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """How many of a person's newest mails bounced in a row, the first and the last by when sent.

    ``inactive``: how many of them because the mailbox is switched off.
    """

    count: int = 0
    inactive: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    def exceeds(self, policy: BouncePolicy) -> bool:
        """Say whether a policy's patience is over."""
        if not policy.suppress_soft or self.first_at is None or self.last_at is None:
            return False
        if self.inactive >= policy.inactive_count:
            return True
        days = timedelta(days=policy.soft_days)
        return self.count >= policy.soft_count and self.last_at - self.first_at >= days


def of(people: Iterable[int]) -> dict[int, Run]:
    """Read the runs of these people from the ledger, in one query."""
    ids = sorted(set(people))
    found = dict.fromkeys(ids, Run())
    if not ids:
        return found
    values: dict[str, Any] = {
        "people": ids,
        "failed": MessageState.FAILED.value,
        "bounced": EventKind.BOUNCED.value,
        "unsure": [source.value for source in effects.UNSURE],
        "guess": _GUESS,
        "counted": [effect.value for effect in effects.COUNTED],
        "states": [MessageState.SENT.value, MessageState.FAILED.value],
        "limit": LOOKED_AT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, values)
        rows = cursor.fetchall()
    for person, mails in groupby(rows, key=itemgetter(0)):
        found[person] = _run(list(mails))
    return found


def _run(mails: Sequence[tuple[Any, ...]]) -> Run:
    """Count back from the newest mail to the first that arrived."""
    old = timezone.now() - SILENCE
    bounced: list[datetime] = []
    inactive = 0
    for _person, _message, attempted_at, has_proof, effect in mails:
        if effect is None or effect == _GUESS:
            if has_proof or (attempted_at is not None and attempted_at < old):
                break
        elif Effect(effect) in effects.COUNTED and attempted_at is not None:
            bounced.append(attempted_at)
            inactive += effect == Effect.MAILBOX_INACTIVE
    if not bounced:
        return Run()
    return Run(count=len(bounced), inactive=inactive, first_at=min(bounced), last_at=max(bounced))


def keep(runs: Mapping[int, Run]) -> None:
    """Write down the runs of people, so that their pages and segments can show them."""
    if not runs:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "people": list(runs),
                "counts": [run.count for run in runs.values()],
                "first": [run.first_at for run in runs.values()],
                "last": [run.last_at for run in runs.values()],
            },
        )
