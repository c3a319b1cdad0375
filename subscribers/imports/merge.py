"""From lines to people: COPY into temporary tables, then a handful of statements per batch.

Rules, the same for the dry run and for the import:
- Who is suppressed, or has left the list, stays exactly as they are (`suppressed`).
- An empty cell erases nothing. ``fill_empty_only`` keeps what is known; otherwise the file wins.
- Who is on the list stays; who was only asked becomes subscribed if the import says so.
- One consent event for each person who joins, with the import's statement.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from subscribers.imports.rows import STAGE_COLUMNS
from subscribers.models import Import
from subscribers.states import ConsentKind, ConsentSource, SubscriptionStatus

TABLES = """
CREATE TEMPORARY TABLE import_stage (
    row bigint, email text, email_key text COLLATE "C", address_hash bytea, domain_group smallint,
    first_name text, last_name text, language text, time_zone text, fields jsonb, raw text);
CREATE TEMPORARY TABLE import_again (LIKE import_stage);
CREATE TEMPORARY TABLE import_seen (address_hash bytea, row bigint);
CREATE TEMPORARY TABLE import_decided (
    LIKE import_stage, person_id bigint, is_new boolean, is_barred boolean, differs boolean,
    joins boolean, confirms boolean);
"""
WORK_MEMORY = "SET LOCAL work_mem = '64MB'"  # a batch is sorted without touching the disk
TEMPORARY_BUFFERS = "SET temp_buffers = '128MB'"
DROP = "DROP TABLE IF EXISTS import_stage, import_again, import_seen, import_decided"
COPY = f"COPY import_stage ({', '.join(STAGE_COLUMNS)}) FROM STDIN"
REMEMBER = """
INSERT INTO import_seen SELECT address_hash, row FROM import_stage;
INSERT INTO import_again SELECT * FROM import_stage WHERE raw IS NOT NULL;
"""
# Of the rows that may have come before: take out, and return, those that really did.
DUPLICATES = """
WITH earliest AS (
    SELECT seen.address_hash, min(seen.row) AS row
    FROM import_seen seen
    WHERE seen.address_hash IN (SELECT address_hash FROM import_again)
    GROUP BY seen.address_hash
)
DELETE FROM import_again again USING earliest
WHERE earliest.address_hash = again.address_hash AND earliest.row < again.row
RETURNING again.row, earliest.row, again.email, again.raw
"""
DIFFERS_OVERWRITING = """
    (stage.first_name <> '' AND stage.first_name <> person.first_name)
    OR (stage.last_name <> '' AND stage.last_name <> person.last_name)
    OR (stage.language <> '' AND stage.language <> person.language)
    OR (stage.time_zone <> '' AND stage.time_zone <> person.time_zone)
    OR NOT person.fields @> stage.fields"""
DIFFERS_FILLING = """
    (stage.first_name <> '' AND person.first_name = '')
    OR (stage.last_name <> '' AND person.last_name = '')
    OR (stage.language <> '' AND person.language = '')
    OR (stage.time_zone <> '' AND person.time_zone = '')
    OR stage.fields || person.fields <> person.fields"""
# New people get their keys here, in the order in which they will be inserted.
DECIDE = """
INSERT INTO import_decided
SELECT stage.*,
    COALESCE(person.id, {new_id}),
    person.id IS NULL,
    suppression.id IS NOT NULL OR COALESCE(subscription.status = %(left)s, false),
    person.id IS NOT NULL AND ({differs}),
    subscription.id IS NULL,
    COALESCE(subscription.status = %(asked)s AND %(status)s = %(subscribed)s, false)
FROM (SELECT * FROM {source} WHERE {condition} ORDER BY email_key) stage
LEFT JOIN subscribers_subscriber person
    ON person.workspace_id = %(workspace)s AND person.email_key = stage.email_key
LEFT JOIN LATERAL (
    SELECT id, status FROM subscribers_subscription
    WHERE list_id = %(list)s AND subscriber_id = person.id OFFSET 0
) subscription ON true
LEFT JOIN subscribers_suppression suppression
    ON suppression.workspace_id = %(workspace)s AND suppression.address_hash = stage.address_hash
"""
NEW_ID = "nextval(pg_get_serial_sequence('subscribers_subscriber', 'id'))"
COUNT = """
SELECT count(*) FILTER (WHERE NOT is_barred AND is_new),
    count(*) FILTER (WHERE NOT is_barred AND NOT is_new AND (differs OR joins OR confirms)),
    count(*) FILTER (WHERE NOT is_barred AND NOT is_new AND NOT (differs OR joins OR confirms)),
    count(*) FILTER (WHERE is_barred)
FROM import_decided
"""
INSERT_PEOPLE = """
INSERT INTO subscribers_subscriber (id, workspace_id, email, email_key, address_hash, domain_group,
    first_name, last_name, language, time_zone, fields, created_at, updated_at)
SELECT person_id, %(workspace)s, email, email_key, address_hash, domain_group,
    first_name, last_name, language, time_zone, fields, %(at)s, %(at)s
FROM import_decided WHERE is_new AND NOT is_barred
ON CONFLICT (workspace_id, email_key) DO NOTHING
"""
KEEP_PREVIOUS = """
INSERT INTO subscribers_importchange (from_import_id, subscriber_id, previous)
SELECT %(import)s, person.id, jsonb_build_object('first_name', person.first_name,
    'last_name', person.last_name, 'language', person.language, 'time_zone', person.time_zone,
    'fields', person.fields)
FROM import_decided decided JOIN subscribers_subscriber person ON person.id = decided.person_id
WHERE decided.differs AND NOT decided.is_barred
ORDER BY person.id FOR UPDATE OF person
"""
UPDATE_OVERWRITING = """
UPDATE subscribers_subscriber person SET
    first_name = COALESCE(NULLIF(decided.first_name, ''), person.first_name),
    last_name = COALESCE(NULLIF(decided.last_name, ''), person.last_name),
    language = COALESCE(NULLIF(decided.language, ''), person.language),
    time_zone = COALESCE(NULLIF(decided.time_zone, ''), person.time_zone),
    fields = person.fields || decided.fields, updated_at = %(at)s
FROM import_decided decided
WHERE person.id = decided.person_id AND decided.differs AND NOT decided.is_barred
"""
UPDATE_FILLING = """
UPDATE subscribers_subscriber person SET
    first_name = COALESCE(NULLIF(person.first_name, ''), decided.first_name),
    last_name = COALESCE(NULLIF(person.last_name, ''), decided.last_name),
    language = COALESCE(NULLIF(person.language, ''), decided.language),
    time_zone = COALESCE(NULLIF(person.time_zone, ''), decided.time_zone),
    fields = decided.fields || person.fields, updated_at = %(at)s
FROM import_decided decided
WHERE person.id = decided.person_id AND decided.differs AND NOT decided.is_barred
"""
# New people can't be erased meanwhile: nobody else sees them yet. Known ones are locked.
SUBSCRIBE_NEW = """
INSERT INTO subscribers_subscription
    (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
SELECT %(workspace)s, %(list)s, person_id, %(status)s, %(at)s, %(at)s
FROM import_decided WHERE is_new AND NOT is_barred ORDER BY person_id
"""
CONSENT_OF_NEW = """
INSERT INTO subscribers_consentevent (workspace_id, subscriber_id, list_id, kind, source,
    at, statement_id, user_agent, actor_id, detail)
SELECT %(workspace)s, person_id, %(list)s, %(kind)s, %(source)s, %(at)s,
    %(statement)s, '', %(actor)s, %(detail)s
FROM import_decided WHERE is_new AND NOT is_barred ORDER BY person_id
"""
SUBSCRIBE_KNOWN = """
WITH joined AS (
    INSERT INTO subscribers_subscription
        (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
    SELECT %(workspace)s, %(list)s, person.id, %(status)s, %(at)s, %(at)s
    FROM import_decided decided JOIN subscribers_subscriber person ON person.id = decided.person_id
    WHERE decided.joins AND NOT decided.is_new AND NOT decided.is_barred
    ORDER BY person.id FOR KEY SHARE OF person
    ON CONFLICT (list_id, subscriber_id) DO NOTHING
    RETURNING subscriber_id
), confirmed AS (
    UPDATE subscribers_subscription subscription SET status = %(status)s, changed_at = %(at)s
    FROM import_decided decided
    WHERE subscription.list_id = %(list)s AND subscription.subscriber_id = decided.person_id
        AND subscription.status = %(asked)s AND decided.confirms AND NOT decided.is_barred
    RETURNING subscription.subscriber_id
)
INSERT INTO subscribers_consentevent (workspace_id, subscriber_id, list_id, kind, source,
    at, statement_id, user_agent, actor_id, detail)
SELECT %(workspace)s, subscriber_id, %(list)s, %(kind)s, %(source)s, %(at)s,
    %(statement)s, '', %(actor)s, %(detail)s
FROM (SELECT subscriber_id FROM joined UNION ALL SELECT subscriber_id FROM confirmed) people
ORDER BY subscriber_id
"""


# A planner that has not heard of the rows just written believes in lists of one person, and joins
# accordingly: ten thousand people took eleven seconds. Autovacuum comes by once a minute.
STALE = """
SELECT COALESCE(bool_or(n_mod_since_analyze > 1000 + n_live_tup / 10), true)
FROM pg_stat_user_tables
WHERE relid IN ('subscribers_subscriber'::regclass, 'subscribers_subscription'::regclass)
"""
ANALYZE = "ANALYZE (SKIP_LOCKED) subscribers_subscriber, subscribers_subscription"


class Overtaken(Exception):  # noqa: N818 - a signal to decide again
    """Somebody signed up between the decision about a batch and its insertion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What a batch did, or would do; the four add up to its rows."""

    created: int
    updated: int
    unchanged: int
    suppressed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate:
    """A row whose address an earlier row has."""

    row: int
    first: int
    email: str
    raw: str  # the row's cells as JSON


class Merger:
    """Works on one import; its temporary tables live as long as the connection or until `close`."""

    def __init__(self, record: Import, *, at: datetime) -> None:
        """Prepare; ``at`` becomes the moment of everything that this import writes."""
        status = SubscriptionStatus(record.subscription_status)
        subscribes = status is SubscriptionStatus.SUBSCRIBED
        self._fill = record.fill_empty_only
        self._values: dict[str, Any] = {
            "workspace": record.workspace_id,
            "list": record.mailing_list_id,
            "import": record.pk,
            "status": status,
            "subscribed": SubscriptionStatus.SUBSCRIBED,
            "asked": SubscriptionStatus.UNCONFIRMED,
            "left": SubscriptionStatus.UNSUBSCRIBED,
            "kind": ConsentKind.SUBSCRIBED if subscribes else ConsentKind.ASKED,
            "source": ConsentSource.IMPORT,
            "at": at,
            "statement": record.statement_id,
            "actor": record.created_by_id,
            "detail": detail(record),
        }

    def open(self) -> None:
        """Make the temporary tables."""
        # Refused once the connection has used temporary tables; then it has them already.
        with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(TEMPORARY_BUFFERS)
        with connection.cursor() as cursor:
            cursor.execute(DROP)
            cursor.execute(TABLES)

    def close(self) -> None:
        """Drop the temporary tables."""
        with connection.cursor() as cursor:
            cursor.execute(DROP)

    def stage(self, lines: bytes) -> None:
        """Take one batch of lines."""
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE import_stage")
            with cursor.copy(COPY) as copy:
                copy.write(lines)
            cursor.execute(REMEMBER)

    def take_duplicates(self) -> list[Duplicate]:
        """After the last batch: sort out the rows whose address an earlier row has."""
        with connection.cursor() as cursor:
            cursor.execute(DUPLICATES)
            found = cursor.fetchall()
        return [
            Duplicate(row=row, first=first, email=email, raw=raw)
            for row, first, email, raw in sorted(found)
        ]

    def decide(self, *, leftovers: bool = False, dry_run: bool = False) -> Counts:
        """Say what becomes of the staged rows, or of those that `take_duplicates` left over."""
        query = DECIDE.format(
            new_id="0" if dry_run else NEW_ID,
            differs=DIFFERS_FILLING if self._fill else DIFFERS_OVERWRITING,
            source="import_again" if leftovers else "import_stage",
            condition="true" if leftovers else "raw IS NULL",
        )
        with connection.cursor() as cursor:
            cursor.execute(WORK_MEMORY)
            cursor.execute("TRUNCATE import_decided")
            cursor.execute(query, self._values)
            cursor.execute(COUNT)
            created, updated, unchanged, suppressed = cursor.fetchone()
        return Counts(created=created, updated=updated, unchanged=unchanged, suppressed=suppressed)

    def write(self, counts: Counts) -> None:
        """Write what `decide` decided, inside the caller's transaction.

        Raises:
            Overtaken: roll back, decide again.
        """
        with connection.cursor() as cursor:
            if counts.created:
                cursor.execute(INSERT_PEOPLE, self._values)
                if cursor.rowcount != counts.created:
                    raise Overtaken
                cursor.execute(SUBSCRIBE_NEW, self._values)
                cursor.execute(CONSENT_OF_NEW, self._values)
            if counts.updated:
                cursor.execute(KEEP_PREVIOUS, self._values)
                cursor.execute(UPDATE_FILLING if self._fill else UPDATE_OVERWRITING, self._values)
                cursor.execute(SUBSCRIBE_KNOWN, self._values)


def refresh_statistics(*, only_if_stale: bool = False) -> None:
    """Tell the planner about the rows written so far; takes about half a second at most."""
    with connection.cursor() as cursor:
        if only_if_stale:
            cursor.execute(STALE)
            if not cursor.fetchone()[0]:
                return
        cursor.execute(ANALYZE)


def detail(record: Import) -> str:
    """Name an import in the consent ledger."""
    return f"{record.filename[:200]} (#{record.pk})"
