"""Record: the only writer of what became of a message.

A batch is one conditional UPDATE whose rows are counted by what it returns, so that tallies equal
the ledger whatever happened before: an outcome that comes twice, or too late, changes nothing.
Every outcome names the attempt it belongs to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from accounts.background import set_aside
from delivery.bounce_policy import effects, noting
from delivery.models import Message
from delivery.pipeline import minutes, replies, tallies
from delivery.states import TRANSITIONS, Effect, MessageState, Reason
from delivery.transports.protocol import Outcome, Verdict

ATTEMPTED: Final = frozenset(
    {MessageState.SENT, MessageState.DEFERRED, MessageState.FAILED, MessageState.UNKNOWN}
)
STATE_OF: Final[dict[Verdict, MessageState]] = {
    Verdict.SENT: MessageState.SENT,
    Verdict.DEFERRED: MessageState.DEFERRED,
    Verdict.FAILED: MessageState.FAILED,
    Verdict.UNKNOWN: MessageState.UNKNOWN,
}

# Rows are locked in id order, so that two writers never wait for each other in a circle. ``+ 0`` as
# in `claim`: by the messages' own key, never by the whole campaign's index.
_APPLY: Final = """
WITH given AS (
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(states)s::smallint[], %(reasons)s::smallint[],
        %(not_before)s::timestamptz[], %(replies)s::bigint[], %(providers)s::text[]
    ) AS given (id, state, reason, not_before, reply_id, provider_id)
), old AS (
    SELECT message.id, message.reason FROM delivery_message AS message
    WHERE message.id = ANY(%(ids)s) AND message.campaign_id + 0 = %(campaign)s
        AND message.state = %(source)s
        AND (%(attempts)s::smallint IS NULL OR message.attempts = %(attempts)s)
    ORDER BY message.id FOR NO KEY UPDATE
), changed AS (
    UPDATE delivery_message AS message
    SET state = given.state, reason = given.reason, not_before = given.not_before,
        reply_id = coalesce(given.reply_id, message.reply_id),
        provider_id = coalesce(given.provider_id, message.provider_id),
        attempts = message.attempts + %(counts)s * (given.state = ANY(%(attempted)s))::int,
        attempted_at = CASE WHEN given.state = ANY(%(attempted)s) AND %(counts)s = 1 THEN %(now)s
                            ELSE message.attempted_at END,
        deferred_since = CASE WHEN given.state = {deferred}
                              THEN coalesce(message.deferred_since, %(now)s)
                              ELSE message.deferred_since END,
        content_version = coalesce(%(version)s, message.content_version)
    FROM given JOIN old USING (id)
    WHERE message.id = given.id
    RETURNING message.id, message.domain_group, message.state, message.reason,
        old.reason AS old_reason, message.attempted_at
), {tallied}, minutes AS ({minutes}
)
SELECT id FROM changed
"""
_MOVES: Final = tallies.adding("""(
    SELECT domain_group, state, reason, 1 AS n FROM changed
    UNION ALL
    SELECT domain_group, %(source)s, old_reason, -1 FROM changed
) AS moves""")
_TALLIED: Final = f"tallied AS ({_MOVES})"
_MINUTES: Final = minutes.adding(
    {
        state.name.lower(): f"count(*) FILTER (WHERE state = {state.value})"
        for state in (MessageState.SENT, MessageState.DEFERRED, MessageState.FAILED)
    },
    minute="coalesce(attempted_at, %(now)s)",
    source="changed WHERE state = ANY(%(attempted)s) GROUP BY 2, 4 ORDER BY 2, 4",
)
_SENT_MOVES: Final = tallies.adding(f"""(
    SELECT domain_group, {MessageState.SENT.value} AS state, 0 AS reason, n FROM counted
    UNION ALL
    SELECT domain_group, {MessageState.PLANNED.value}, 0, -n FROM counted
) AS moves""")  # noqa: S608 - the state numbers are ours
_SENT_MINUTES: Final = minutes.adding(
    {"sent": "n"}, minute="%(now)s::timestamptz", source="counted ORDER BY domain_group"
)
# Nearly every batch is nothing but mails that were sent: no arrays but the ids, no row lock first.
_SENT: Final = f"""
WITH changed AS (
    UPDATE delivery_message
    SET state = {MessageState.SENT.value}, attempts = attempts + 1, attempted_at = %(now)s,
        content_version = %(version)s
    WHERE id = ANY(%(ids)s) AND campaign_id + 0 = %(campaign)s
        AND state = {MessageState.PLANNED.value} AND attempts = %(attempts)s
    RETURNING domain_group
), counted AS (
    SELECT domain_group, count(*) AS n FROM changed GROUP BY domain_group
), tallied AS ({_SENT_MOVES}
), minutes AS ({_SENT_MINUTES}
)
SELECT coalesce(sum(n), 0) FROM counted
"""  # noqa: S608 - the state numbers are ours


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageChange:
    """What is to be written over one message."""

    message_id: int
    state: MessageState
    reason: Reason = Reason.NONE
    not_before: datetime | None = None
    reply: int | None = None
    provider_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """For which campaign and attempt outcomes are recorded, and in which shard they are tallied.

    ``version`` is the content version the mails were made of; None leaves what is there.
    """

    campaign: int
    workspace: int
    attempt: int
    shard: int = 0
    version: int | None = None


def outcomes(writer: Writer, batch: Sequence[Outcome]) -> int:
    """Record what servers said, in one transaction; returns how many messages changed.

    NOT_SENT changes nothing: such a message is still planned. What a claim lost meanwhile (its
    owner was too slow and the message counts as unknown) is put right, because a server's answer
    proves more than silence.

    An outcome that can't be stored as it is (words that the database does not take) is stored
    without its words, and noted: what became of the mail is never lost for them.
    """
    try:
        with transaction.atomic():
            return _outcomes(writer, batch)
    except set_aside.AWAY:
        raise
    except Exception as error:
        if len(batch) > 1:
            middle = len(batch) // 2
            return outcomes(writer, batch[:middle]) + outcomes(writer, batch[middle:])
        bare = Outcome(message_id=batch[0].message_id, verdict=batch[0].verdict)
        if batch[0] == bare:
            raise
        set_aside.put("outcome", subject=f"message {bare.message_id}", error=error)
        return outcomes(writer, [bare])


def _outcomes(writer: Writer, batch: Sequence[Outcome]) -> int:
    given = [outcome for outcome in batch if outcome.verdict is not Verdict.NOT_SENT]
    plain = [o for o in given if o.verdict is Verdict.SENT and not o.provider_id]
    rest = [o for o in given if o.verdict is not Verdict.SENT or o.provider_id]
    changed = 0
    if plain:
        changed = _record_sent(writer, [outcome.message_id for outcome in plain])
        if changed < len(plain):
            rest += plain
    if rest:
        changed += _record(writer, rest)
    return changed


def skip(
    writer: Writer, reasons: dict[int, Reason], *, words: Mapping[int, str] | None = None
) -> int:
    """Note that messages will not be sent, and why; returns how many changed.

    ``words`` says more about some of them (which merge tag); nothing personal belongs there.
    """
    if not reasons:
        return 0
    said = replies.store(
        Outcome(message_id=message, verdict=Verdict.NOT_SENT, text=text)
        for message, text in (words or {}).items()
    )
    changes = [
        MessageChange(
            message_id=message,
            state=MessageState.SKIPPED,
            reason=reason,
            reply=said.get(message),
        )
        for message, reason in reasons.items()
    ]
    return len(apply(writer, changes, source=MessageState.PLANNED, attempts=writer.attempt))


def apply(
    writer: Writer,
    changes: Sequence[MessageChange],
    *,
    source: MessageState,
    attempts: int | None = None,
    counts: bool = True,
) -> list[int]:
    """Move messages that are in ``source`` (after so many attempts); returns ids that moved.

    ``counts``: whether states that follow from an attempt count as one more.
    """
    if not changes:
        return []
    assert all(change.state in TRANSITIONS[source] for change in changes)  # noqa: S101 - the table is the law
    sql = _APPLY.format(
        tallied=_TALLIED,
        minutes=_MINUTES,
        deferred=MessageState.DEFERRED.value,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "campaign": writer.campaign,
                "shard": writer.shard,
                "version": writer.version,
                "now": timezone.now(),
                "source": source.value,
                "attempts": attempts,
                "counts": int(counts),
                "attempted": [state.value for state in ATTEMPTED],
                "ids": [change.message_id for change in changes],
                "states": [change.state.value for change in changes],
                "reasons": [change.reason.value for change in changes],
                "not_before": [change.not_before for change in changes],
                "replies": [change.reply for change in changes],
                "providers": [change.provider_id for change in changes],
            },
        )
        return [row[0] for row in cursor.fetchall()]


def leave(writer: Writer, messages: list[int], *, reason: Reason) -> int:
    """Give unknown messages another reason for being unknown; returns how many."""
    if not messages:
        return 0
    sql = f"""
WITH old AS (
    SELECT id, reason FROM delivery_message
    WHERE id = ANY(%(ids)s) AND campaign_id = %(campaign)s AND state = %(source)s
    ORDER BY id FOR NO KEY UPDATE
), changed AS (
    UPDATE delivery_message AS message SET reason = %(reason)s FROM old WHERE message.id = old.id
    RETURNING message.id, message.domain_group, message.state, message.reason,
        old.reason AS old_reason
), {_TALLIED}
SELECT count(*) FROM changed
"""  # noqa: S608 - no text from outside
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "ids": messages,
                "campaign": writer.campaign,
                "shard": writer.shard,
                "source": MessageState.UNKNOWN.value,
                "reason": reason.value,
            },
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _record_sent(writer: Writer, ids: list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _SENT,
            {
                "campaign": writer.campaign,
                "shard": writer.shard,
                "version": writer.version,
                "attempts": writer.attempt,
                "now": timezone.now(),
                "ids": ids,
            },
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _record(writer: Writer, batch: Sequence[Outcome]) -> int:
    reply_ids = replies.store(o for o in batch if o.verdict is not Verdict.SENT)
    since = _deferred_since(o.message_id for o in batch if o.verdict is Verdict.DEFERRED)
    changes = [
        _change(
            outcome,
            attempts=writer.attempt + 1,
            since=since.get(outcome.message_id),
            reply=reply_ids.get(outcome.message_id),
        )
        for outcome in batch
    ]
    moved = apply(writer, changes, source=MessageState.PLANNED, attempts=writer.attempt)
    done = set(moved)
    if len(done) < len(changes):
        proven = TRANSITIONS[MessageState.UNKNOWN] - {MessageState.PLANNED}
        late = [c for c in changes if c.message_id not in done and c.state in proven]
        moved += apply(
            writer,
            late,
            source=MessageState.UNKNOWN,
            attempts=writer.attempt + 1,
            counts=False,
        )
        done = set(moved)
    said = {outcome.message_id: outcome for outcome in batch}
    refused = [c for c in changes if c.state is MessageState.FAILED and c.message_id in done]
    if refused:
        noting.while_sending(
            writer.workspace,
            [_refusal(change, said[change.message_id]) for change in refused],
        )
    return len(moved)


def _refusal(change: MessageChange, outcome: Outcome) -> noting.ServerRefusal:
    meaning = replies.refusal(outcome)
    return noting.ServerRefusal(
        message_id=change.message_id,
        cause=meaning.cause,
        effect=meaning.effect,
        reply=change.reply,
    )


def _change(
    outcome: Outcome, *, attempts: int, since: datetime | None, reply: int | None
) -> MessageChange:
    now = timezone.now()
    state, reason = STATE_OF[outcome.verdict], replies.reason_for(outcome)
    not_before = None
    if state is MessageState.FAILED:
        reason = _agreeing(reason, replies.refusal(outcome).effect)
    if state is MessageState.DEFERRED:
        not_before = replies.next_try(attempts=attempts, since=since or now, now=now)
        if not_before is None:
            state, reason = MessageState.FAILED, Reason.EXPIRED
    return MessageChange(
        message_id=outcome.message_id,
        state=state,
        reason=reason,
        not_before=not_before,
        reply=reply,
        provider_id=outcome.provider_id[:255] or None,
    )


def _agreeing(reason: Reason, effect: Effect) -> Reason:
    """Say in the ledger that an address does not exist where, and only where, it counts as that."""
    if effect is Effect.ADDRESS_INVALID:
        return Reason.ADDRESS_INVALID
    is_other = reason is Reason.ADDRESS_INVALID or effect in effects.COUNTED
    return Reason.REFUSED if is_other else reason


def _deferred_since(messages: Iterable[int]) -> dict[int, datetime | None]:
    """Return when each message's first attempt was deferred; None: this is its first."""
    ids = list(messages)
    if not ids:
        return {}
    return dict(Message.objects.filter(pk__in=ids).values_list("pk", "deferred_since"))
