"""From staged rows to people, a range of rows at a time; the same decision for check and move.

- Nobody who is suppressed here, or has left the list here, comes back; they stay as they are.
- Who is on a list here and left it there, later, leaves it here, too.
- What is known here stays; what is empty is filled.
- A value that somebody else has and that may be there only once stays behind; its person comes.
- A consent arrives with its own moments and network addresses, as events of the ledger.

Each statement writes only what is not there yet, so a second move of a file changes nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection

from subscribers.consent import ledger, suppression
from subscribers.fields import custom_values
from subscribers.imports.clashes import Clash, Watch
from subscribers.imports.merge import Overtaken
from subscribers.imports.statements import NEW_ID
from subscribers.migrate_from.staging import WORK_MEMORY
from subscribers.models import Move
from subscribers.states import ConsentKind, ConsentSource, SubscriptionStatus

NEW, CHANGED, UNCHANGED, KEPT_OUT, SUPPRESS = "new", "changed", "unchanged", "kept_out", "suppress"
LEFT = "left"

DECIDE = """
INSERT INTO move_decided
SELECT stage.*,
    CASE WHEN stage.reason IS NULL THEN COALESCE(person.id, {new_id}) ELSE person.id END,
    person.id IS NULL,
    suppression.reason,
    person.id IS NOT NULL AND (
        (stage.first_name <> '' AND person.first_name = '')
        OR (stage.last_name <> '' AND person.last_name = '')
        OR (stage.language <> '' AND person.language = '')
        OR (stage.time_zone <> '' AND person.time_zone = '')
        OR stage.fields || person.fields <> person.fields)
FROM (
    SELECT * FROM move_stage
    WHERE row > %(after)s AND row <= %(upto)s AND row <> ALL(%(refused)s) ORDER BY email_key
) stage
LEFT JOIN subscribers_subscriber person
    ON person.workspace_id = %(workspace)s AND person.email_key = stage.email_key
LEFT JOIN subscribers_suppression suppression
    ON suppression.workspace_id = %(workspace)s AND suppression.address_hash = stage.address_hash
"""
WRITTEN = """decided.reason IS NULL AND decided.known_reason IS NULL
    AND (decided.is_new OR decided.differs)"""
# What can't stand here stays behind; whether anything of it is new is seen once more.
LEAVE_BEHIND = """
UPDATE move_decided decided SET fields = decided.fields - behind.keys,
    differs = decided.differs AND NOT EXISTS (
        SELECT FROM subscribers_subscriber person WHERE person.id = decided.person_id
            AND (decided.fields - behind.keys) || person.fields = person.fields
            AND (decided.first_name = '' OR person.first_name <> '')
            AND (decided.last_name = '' OR person.last_name <> '')
            AND (decided.language = '' OR person.language <> '')
            AND (decided.time_zone = '' OR person.time_zone <> ''))
FROM (
    SELECT row, array_agg(key) AS keys
    FROM unnest(%s::bigint[], %s::text[]) AS one (row, key) GROUP BY row
) behind
WHERE behind.row = decided.row
"""
# Who was only asked becomes subscribed by what the other tool proves, unless they had left before:
# then a stranger may have asked for them.
DECIDE_LISTS = f"""
INSERT INTO move_joined
SELECT decided.row, decided.person_id, joining.list_id, joining.status, joining.at,
    CASE
        WHEN subscription.id IS NULL THEN 'join'
        WHEN joining.status = %(left)s AND subscription.status <> %(left)s
            AND (joining.at IS NULL OR joining.at > subscription.changed_at) THEN 'leave'
        WHEN joining.status = %(subscribed)s AND subscription.status = %(asked)s
            AND NOT {ledger.HAD_LEFT.format(person="decided.person_id", list="joining.list_id")}
            THEN 'confirm'
        WHEN joining.status <> %(left)s AND subscription.status = %(left)s THEN 'left'
        ELSE 'same'
    END
FROM move_decided decided
JOIN move_joining joining ON joining.row = decided.row
LEFT JOIN subscribers_subscription subscription
    ON subscription.list_id = joining.list_id AND subscription.subscriber_id = decided.person_id
WHERE decided.reason IS NULL AND decided.known_reason IS NULL
"""  # noqa: S608 - our own words
VERDICTS = """
UPDATE move_decided decided SET verdict = CASE
    WHEN decided.reason IS NOT NULL AND decided.known_reason IS NULL THEN 'suppress'
    WHEN decided.reason IS NOT NULL THEN 'unchanged'
    WHEN decided.known_reason IS NOT NULL THEN 'kept_out'
    WHEN decided.is_new THEN 'new'
    WHEN lists.only_left THEN 'left'
    WHEN decided.differs OR lists.changes OR EXISTS (
        SELECT FROM move_tag
        LEFT JOIN subscribers_tag tag
            ON tag.workspace_id = %(workspace)s AND lower(tag.name) = lower(move_tag.name)
        LEFT JOIN subscribers_tagging tagging
            ON tagging.tag_id = tag.id AND tagging.subscriber_id = decided.person_id
        WHERE move_tag.row = decided.row AND tagging.id IS NULL
    ) THEN 'changed'
    ELSE 'unchanged'
END
FROM move_decided self LEFT JOIN (
    SELECT row, bool_and(act = 'left') AS only_left,
        bool_or(act IN ('join', 'leave', 'confirm')) AS changes
    FROM move_joined GROUP BY row
) lists ON lists.row = self.row
WHERE self.row = decided.row
"""
COUNT = "SELECT verdict, count(*) FROM move_decided GROUP BY verdict"
# By list, for people: what the lists gain and lose, leaving out who is kept out.
COUNT_LISTS = """
SELECT joined.list_id, joined.act, joined.status, count(*)
FROM move_joined joined JOIN move_decided decided ON decided.row = joined.row
WHERE decided.verdict <> 'left' GROUP BY 1, 2, 3
"""
COUNT_REASONS = "SELECT reason, count(*) FROM move_decided WHERE verdict = 'suppress' GROUP BY 1"
KEPT = """
SELECT row, email, known_reason FROM move_decided
WHERE verdict IN ('kept_out', 'left') ORDER BY row
"""
INSERT_PEOPLE = """
INSERT INTO subscribers_subscriber (id, workspace_id, email, email_key, address_hash, domain_group,
    first_name, last_name, language, time_zone, fields, address_flags, created_at, updated_at)
SELECT person_id, %(workspace)s, email, email_key, address_hash, domain_group,
    first_name, last_name, language, time_zone, fields, address_flags, %(at)s, %(at)s
FROM move_decided WHERE verdict = 'new' ORDER BY person_id
ON CONFLICT (workspace_id, email_key) DO NOTHING
"""
FILL = """
UPDATE subscribers_subscriber person SET
    first_name = COALESCE(NULLIF(person.first_name, ''), decided.first_name),
    last_name = COALESCE(NULLIF(person.last_name, ''), decided.last_name),
    language = COALESCE(NULLIF(person.language, ''), decided.language),
    time_zone = COALESCE(NULLIF(person.time_zone, ''), decided.time_zone),
    fields = decided.fields || person.fields, updated_at = %(at)s
FROM move_decided decided
WHERE person.id = decided.person_id AND decided.verdict = 'changed' AND decided.differs
"""
JOIN = """
WITH written AS (
    INSERT INTO subscribers_subscription
        (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
    SELECT %(workspace)s, joined.list_id, person.id, joined.status,
        COALESCE(joined.at, %(at)s), COALESCE(joined.at, %(at)s)
    FROM move_joined joined
    JOIN move_decided decided ON decided.row = joined.row
    JOIN subscribers_subscriber person ON person.id = joined.person_id
    WHERE joined.act = 'join' AND decided.verdict <> 'left'
    ORDER BY person.id FOR KEY SHARE OF person
    ON CONFLICT (list_id, subscriber_id) DO NOTHING
    RETURNING list_id, subscriber_id
)
"""
CHANGE = """
WITH written AS (
    UPDATE subscribers_subscription subscription
    SET status = joined.status, changed_at = COALESCE(joined.at, %(at)s)
    FROM move_joined joined
    WHERE joined.act IN ('leave', 'confirm') AND subscription.list_id = joined.list_id
        AND subscription.subscriber_id = joined.person_id AND subscription.status = CASE
            WHEN joined.act = 'confirm' THEN %(asked)s ELSE subscription.status END
        AND subscription.status <> %(left)s
    RETURNING subscription.list_id, subscription.subscriber_id
)
"""
# Proofs go into the ledger of those whose subscription was written just now, and of nobody else.
EVENTS = ledger.inserting(
    """written
JOIN move_joined joined
    ON joined.list_id = written.list_id AND joined.person_id = written.subscriber_id
JOIN move_proof proof ON proof.row = joined.row AND proof.list_id = joined.list_id
    AND (joined.act <> 'leave' OR proof.kind = %(unsubscribed)s)
ORDER BY written.subscriber_id, proof.at NULLS LAST
""",
    subscriber="written.subscriber_id",
    list_id="written.list_id",
    kind="proof.kind",
    at="COALESCE(proof.at, %(at)s)",
    statement="CASE WHEN proof.kind <> %(unsubscribed)s THEN %(statement)s::bigint END",
    ip="proof.ip",
    detail="""left(%(detail)s
        || CASE WHEN proof.detail <> '' THEN ': ' || proof.detail ELSE '' END, 300)""",
)
TAGS = """
INSERT INTO subscribers_tag (workspace_id, name, created_at)
SELECT DISTINCT ON (lower(move_tag.name)) %(workspace)s, move_tag.name, %(at)s
FROM move_tag JOIN move_decided decided ON decided.row = move_tag.row
WHERE decided.verdict IN ('new', 'changed')
ORDER BY lower(move_tag.name), move_tag.name
ON CONFLICT DO NOTHING
"""
TAGGINGS = """
INSERT INTO subscribers_tagging (tag_id, subscriber_id, created_at)
SELECT DISTINCT tag.id, person.id, %(at)s::timestamptz
FROM move_tag
JOIN move_decided decided ON decided.row = move_tag.row
JOIN subscribers_tag tag
    ON tag.workspace_id = %(workspace)s AND lower(tag.name) = lower(move_tag.name)
JOIN subscribers_subscriber person ON person.id = decided.person_id
WHERE decided.verdict IN ('new', 'changed')
ON CONFLICT DO NOTHING
"""
SUPPRESS_ADDRESSES = suppression.inserting(
    """SELECT %(workspace)s, address_hash, email_key, reason,
    left(%(detail)s || CASE WHEN reason_detail <> '' THEN ': ' || reason_detail ELSE '' END, 300),
    %(actor)s::bigint, COALESCE(reason_at, %(at)s)
FROM move_decided WHERE verdict = 'suppress' ORDER BY address_hash""",
    known="DO NOTHING",
)
UPTO = """
SELECT max(row), count(*) FROM (
    SELECT row FROM move_stage WHERE row > %s ORDER BY row LIMIT %s
) range
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Somebody who stays as they are here, and why."""

    row: int
    email: str
    reason: str  # a `SuppressionReason`, or "" for who has left the lists


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """What a range of rows does, or would do."""

    verdicts: dict[str, int]
    lists: dict[tuple[int, str, str], int]  # (list, what is done, status there): people
    reasons: dict[str, int]  # newly suppressed
    kept: list[Kept]
    behind: list[Clash]  # values that stay behind


def together(pieces: Sequence[Decided]) -> Decided:
    """Add up what pieces of one range do."""
    verdicts: Counter[str] = Counter()
    lists: Counter[tuple[int, str, str]] = Counter()
    reasons: Counter[str] = Counter()
    for one in pieces:
        verdicts.update(one.verdicts)
        lists.update(one.lists)
        reasons.update(one.reasons)
    return Decided(
        verdicts=dict(verdicts),
        lists=dict(lists),
        reasons=dict(reasons),
        kept=[kept for one in pieces for kept in one.kept],
        behind=[clash for one in pieces for clash in one.behind],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Staged rows after one and up to another, each included once."""

    after: int
    upto: int
    rows: int


def ranges(*, after: int, size: int) -> Iterator[Range]:
    """Yield the ranges of what is staged behind a row."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(UPTO, [after, size])
            upto, rows = cursor.fetchone()
        if not rows:
            return
        yield Range(after=after, upto=upto, rows=rows)
        after = upto


class MoveWriter:
    """Decides and writes for one move."""

    def __init__(
        self, record: Move, *, watch: Watch, at: datetime, detail: str, refused: Collection[int]
    ) -> None:
        """Prepare; ``at`` is the moment of whatever has none of its own.

        ``refused``: rows that are passed over, now and as more come to it.
        """
        self._refused = refused
        self._watch = watch
        self._values: dict[str, Any] = {
            "workspace": record.workspace_id,
            "at": at,
            "detail": detail,
            "statement": record.statement_id,
            "actor": record.created_by_id,
            "source": ConsentSource.IMPORT,
            "left": SubscriptionStatus.UNSUBSCRIBED,
            "subscribed": SubscriptionStatus.SUBSCRIBED,
            "asked": SubscriptionStatus.UNCONFIRMED,
            "unsubscribed": ConsentKind.UNSUBSCRIBED,
        }

    def decide(self, rows: Range, *, dry_run: bool) -> Decided:
        """Say what becomes of a range of staged rows; inside the caller's transaction."""
        values = {**self._values, "after": rows.after, "upto": rows.upto}
        values["refused"] = list(self._refused)
        with connection.cursor() as cursor:
            cursor.execute(WORK_MEMORY)
            cursor.execute("TRUNCATE move_decided, move_joined")
            cursor.execute(DECIDE.format(new_id="0" if dry_run else NEW_ID), values)
            behind = self._watch.taken(decided="move_decided", written=WRITTEN, dry_run=dry_run)
            if behind:
                pairs = [(clash.row, key) for clash in behind for key in clash.keys]
                cursor.execute(LEAVE_BEHIND, [list(column) for column in zip(*pairs, strict=True)])
            cursor.execute(DECIDE_LISTS, values)
            cursor.execute("ANALYZE move_decided, move_joined")
            cursor.execute(VERDICTS, values)
            cursor.execute(COUNT)
            verdicts = dict(cursor.fetchall())
            cursor.execute(COUNT_LISTS)
            lists = {(key, act, status): n for key, act, status, n in cursor.fetchall()}
            cursor.execute(COUNT_REASONS)
            reasons = dict(cursor.fetchall())
            cursor.execute(KEPT)
            kept = [Kept(row=row, email=email, reason=why or "") for row, email, why in cursor]
        return Decided(verdicts=verdicts, lists=lists, reasons=reasons, kept=kept, behind=behind)

    def write(self, decided: Decided) -> None:
        """Write what was decided, inside the caller's transaction.

        Raises:
            Overtaken: somebody signed up meanwhile; roll back, decide again.
        """
        values = self._values
        with connection.cursor() as cursor:
            try:
                self._people(cursor, decided)
            except IntegrityError as error:
                if custom_values.is_taken(error):
                    raise Overtaken from error
                raise
            acts = {act for _list, act, _status in decided.lists}
            if "join" in acts:
                cursor.execute(JOIN + EVENTS, values)
            if acts & {"leave", "confirm"}:
                cursor.execute(CHANGE + EVENTS, values)
            cursor.execute(TAGS, values)
            cursor.execute(TAGGINGS, values)
            if decided.verdicts.get(SUPPRESS):
                cursor.execute(SUPPRESS_ADDRESSES, values)

    def _people(self, cursor: Any, decided: Decided) -> None:
        if new := decided.verdicts.get(NEW):
            cursor.execute(INSERT_PEOPLE, self._values)
            if cursor.rowcount != new:
                raise Overtaken
        if decided.verdicts.get(CHANGED):
            cursor.execute(FILL, self._values)
