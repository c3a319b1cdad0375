"""Regroup: messages that come back (a retry that is due, an unknown one sent again) get new claims.

A retry keeps the time it is allowed; what a person sends again begins anew. State, claims and
tallies change in one statement. A new claim owns its messages by their number of attempts, which
grew since the last time: no older claim can own them too.
"""

from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from delivery.pipeline import claim, tallies
from delivery.pipeline.plan import CLAIM_SIZE
from delivery.states import TRANSITIONS, MessageState

ROWS_AT_ONCE: Final = 20_000

_REGROUP: Final = """
WITH due AS (
    SELECT id, campaign_id, attempts, domain_group, reason FROM delivery_message
    WHERE {which} AND state = %(source)s
    ORDER BY id LIMIT %(rows)s FOR NO KEY UPDATE SKIP LOCKED
), moved AS (
    UPDATE delivery_message AS message
    SET state = {planned}, reason = 0, not_before = NULL,
        deferred_since = CASE WHEN %(source)s = {deferred} THEN message.deferred_since END
    FROM due WHERE message.id = due.id
    RETURNING message.id, due.campaign_id, due.attempts, due.domain_group, due.reason
), claims AS ({claims}), tallies AS ({tallies})
SELECT count(*) FROM moved
"""
_MOVED: Final = """
    SELECT moved.id, moved.campaign_id, dispatch.priority, moved.attempts
    FROM moved JOIN delivery_dispatch AS dispatch ON dispatch.campaign_id = moved.campaign_id"""
_TALLIES: Final = tallies.adding(
    f"""(
    SELECT campaign_id, domain_group, {MessageState.PLANNED.value} AS state, 0 AS reason, 1 AS n
    FROM moved
    UNION ALL
    SELECT campaign_id, domain_group, %(source)s, reason, -1 FROM moved
) AS moves""",  # noqa: S608 - the number is ours
    several=True,
    shard="0",
)


@transaction.atomic
def again(which: str, params: dict[str, Any], *, source: MessageState) -> int:
    """Plan up to `ROWS_AT_ONCE` messages in ``source`` anew; returns how many.

    ``which`` is an SQL condition on delivery_message with ``params`` (never from outside).
    """
    assert MessageState.PLANNED in TRANSITIONS[source]  # noqa: S101 - the table is the law
    sql = _REGROUP.format(
        which=which,
        planned=MessageState.PLANNED.value,
        deferred=MessageState.DEFERRED.value,
        claims=claim.inserting(_MOVED, size=CLAIM_SIZE),
        tallies=_TALLIES,
    )
    fixed: dict[str, Any] = {"source": source.value, "rows": ROWS_AT_ONCE, "now": timezone.now()}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**params, **fixed})
        row = cursor.fetchone()
    return int(row[0]) if row else 0
