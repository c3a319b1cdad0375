"""Claim: take up to a thousand messages at once, and look again at who may be written to.

A claim is leased. Its journal's header is in Redis before the claim is taken, so a claim whose
journal is missing has lost it. Consent, suppression and people's wishes are read when the claim is,
because people change their mind between planning and sending.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.installation import hold
from campaigns.audience import eligibility
from campaigns.audience.chosen import Audience
from delivery.mime.recipient import Recipient
from delivery.models import Claim
from delivery.states import REASON_OF, ClaimState, MessageState, Reason

LEASE: Final = timedelta(seconds=20)
NO_FIELDS: Final[dict[str, Any]] = {}

_TAKE: Final = f"""
UPDATE delivery_claim SET state = {ClaimState.HELD.value}, worker = %(worker)s, token = %(token)s,
    journal_epoch = %(epoch)s, held_until = %(until)s, not_before = NULL, waiting_for = ''
WHERE id = (
    SELECT id FROM delivery_claim
    WHERE campaign_id = %(campaign)s AND state = {ClaimState.WAITING.value}
        AND (not_before IS NULL OR not_before <= %(now)s)
        AND {hold.MAY_CLAIM}
        AND NOT EXISTS (
            SELECT FROM campaigns_campaign WHERE id = %(campaign)s AND asks_since IS NOT NULL
        )
    ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, campaign_id, attempt, first_message, last_message, messages, token, domain_group
"""  # noqa: S608 - the state numbers are ours
# ``+ 0`` keeps PostgreSQL, whose statistics lag behind planning, from walking the whole campaign's
# index for each claim.
_READ: Final = f"""
SELECT message.id, message.subscriber_id, message.domain_group, person.email,
    person.first_name, person.last_name, person.language, person.fields,
    CASE WHEN person.id IS NULL THEN {Reason.GONE.value} ELSE {{left_out}} END
FROM delivery_message AS message
LEFT JOIN subscribers_subscriber AS person
    ON person.id = message.subscriber_id AND person.workspace_id = %(workspace)s
{eligibility.STANDS}
WHERE {{which}} AND message.campaign_id + 0 = %(campaign)s
    AND message.state = {MessageState.PLANNED.value} AND message.attempts = %(attempt)s
"""  # noqa: S608 - the state numbers are ours


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A claim in our hands."""

    id: int
    campaign: int
    attempt: int
    first: int
    last: int
    messages: list[int] | None
    token: str
    domain_group: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Due(Recipient):
    """One message to send: the person it is for, and whose servers receive their mail."""

    domain_group: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A part of a claim, or all of it: who is to be sent to, and whom to skip, and why.

    ``next``: where to go on; None: nothing is left behind it.
    """

    due: list[Due]
    left_out: dict[int, Reason]
    next: int | None = None


def inserting(messages: str, *, size: int, named: bool = True) -> str:
    """Return the SQL that makes claims of ``size`` messages each, built into who plans them.

    ``messages``: a SELECT of ``id``, ``campaign_id``, ``priority`` and ``attempts``. ``named``:
    the claims own these messages, else all of the range that they are in. Takes ``now``.
    """
    ids = "array_agg(id ORDER BY id)" if named else "NULL::bigint[]"
    return f"""
INSERT INTO delivery_claim
    (campaign_id, priority, first_message, last_message, messages, attempt, state,
     waiting_for, worker, token, journal_epoch, created_at)
SELECT campaign_id, priority, min(id), max(id), {ids}, attempts, {ClaimState.WAITING.value},
    '', '', '', '', %(now)s
FROM (
    SELECT planned.*, (row_number() OVER (
        PARTITION BY campaign_id, priority, attempts ORDER BY id) - 1) / {size} AS slice
    FROM ({messages}) AS planned
) AS sliced
GROUP BY campaign_id, priority, attempts, slice ORDER BY campaign_id, attempts, slice"""  # noqa: S608 - the numbers are ours


def take(campaign: int, *, worker: str, token: str, epoch: str) -> Held | None:
    """Lease the campaign's next waiting claim; None: there is none now."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "campaign": campaign,
                "worker": worker,
                "token": token,
                "epoch": epoch,
                "now": now,
                "until": now + LEASE,
            },
        )
        row = cursor.fetchone()
    return row and Held(**dict(zip(Held.__slots__, row, strict=True)))


def renew(held: Held) -> bool:
    """Keep a claim for another `LEASE`; False: it was taken from us."""
    return bool(
        Claim.objects.filter(pk=held.id, token=held.token, state=ClaimState.HELD).update(
            held_until=timezone.now() + LEASE
        )
    )


def read(held: Held, audience: Audience, *, limit: int | None = None) -> Found:
    """Read a claim's messages (``limit`` of them at most): those to send, and those to skip.

    A part of a range is a shorter range: never more rows are read than may be sent.

    A second look at what planning decided: who left, was suppressed, or asked for a pause or
    fewer letters since is skipped.
    """
    messages, last, following = _part(held, limit)
    which = (
        "message.id = ANY(%(messages)s)"
        if held.messages is not None
        else "message.id BETWEEN %(first)s AND %(last)s"
    )
    left_out = eligibility.of_person(
        names={reason: str(number.value) for reason, number in REASON_OF.items()},
        nothing=str(Reason.NONE.value),
        gone=str(Reason.GONE.value),
        excludes=bool(audience.exclude),
        earlier_than="message.id",
    )
    sql = _READ.format(which=which, left_out=left_out)
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "workspace": audience.workspace,
                "include": list(audience.include),
                "exclude": list(audience.exclude),
                "campaign": held.campaign,
                "attempt": held.attempt,
                "first": held.first,
                "last": last,
                "messages": messages,
                "now": timezone.now(),
            },
        )
        rows = cursor.fetchall()
    due, skipped = _divide(rows)
    return Found(due=due, left_out=skipped, next=following)


def _part(held: Held, limit: int | None) -> tuple[list[int] | None, int, int | None]:
    """Return the ids or the end of the range that may be read now, and where to go on."""
    if held.messages is None:
        last = held.last if limit is None else min(held.last, held.first + limit - 1)
        return None, last, last + 1 if last < held.last else None
    own = [message for message in held.messages if message >= held.first]
    if limit is None or len(own) <= limit:
        return own, held.last, None
    return own[:limit], held.last, own[limit]


def _divide(rows: Iterable[tuple[Any, ...]]) -> tuple[list[Due], dict[int, Reason]]:
    due: list[Due] = []
    left_out: dict[int, Reason] = {}
    for message, subscriber, group, email, first, last, language, fields, why in rows:
        if why:
            left_out[message] = Reason(why)
            continue
        due.append(
            Due(
                message_id=message,
                subscriber_id=subscriber,
                domain_group=group,
                email=email,
                first_name=first,
                last_name=last,
                language=language,
                # Django's cursors hand JSON over as it is stored.
                fields=json.loads(fields) if fields != "{}" else NO_FIELDS,
            )
        )
    return due, left_out


def settle(held: Held) -> bool:
    """End a claim of which nothing is left to send."""
    return _leave(held, state=ClaimState.SETTLED)


def release(
    held: Held,
    *,
    first: int | None = None,
    not_before: datetime | None = None,
    waiting_for: str = "",
) -> bool:
    """Give a claim back with what is left of it (from ``first`` on), to be taken from then on."""
    return _leave(
        held,
        state=ClaimState.WAITING,
        not_before=not_before,
        waiting_for=waiting_for[:200],
        first_message=held.first if first is None else first,
    )


def split(
    held: Held, messages: list[int], *, group: int, not_before: datetime, waiting_for: str
) -> None:
    """Make a claim of its own of people at one mailbox provider that takes no more just now."""
    Claim.objects.create(
        campaign_id=held.campaign,
        priority=Claim.objects.values_list("priority", flat=True).get(pk=held.id),
        first_message=min(messages),
        last_message=max(messages),
        messages=sorted(messages),
        domain_group=group,
        attempt=held.attempt,
        not_before=not_before,
        waiting_for=waiting_for[:200],
    )


def postpone(campaign: int, *, until: datetime, waiting_for: str) -> None:
    """Have a campaign's waiting claims wait until its account may send again."""
    Claim.objects.filter(campaign_id=campaign, state=ClaimState.WAITING).filter(
        Q(not_before=None) | Q(not_before__lt=until)
    ).update(not_before=until, waiting_for=waiting_for[:200])


def expire(held: Held) -> None:
    """Leave a claim to whoever sweeps up: its journal says what became of its messages."""
    Claim.objects.filter(pk=held.id, token=held.token, state=ClaimState.HELD).update(
        held_until=timezone.now()
    )


def _leave(held: Held, **changes: Any) -> bool:
    return bool(
        Claim.objects.filter(pk=held.id, token=held.token, state=ClaimState.HELD).update(
            token="", worker="", journal_epoch="", held_until=None, **changes
        )
    )
