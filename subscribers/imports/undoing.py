"""The SQL of undoing an import. What it wrote bears its own moment, ``%(at)s``.

Lists that a migration put people on bear the moment that the other tool told: the ledger names the
migration then, or what it noted about people it found (`OURS`).
"""

from subscribers.consent import ledger, suppression

# Why a created person stays: "" if nothing happened to them but this import.
WHY = """CASE
    WHEN EXISTS (
        SELECT FROM subscribers_consentevent event WHERE event.subscriber_id = person.id
            AND (event.at <> %(at)s OR event.source <> %(source)s)
            -- What the file proved bears its own moment, and the import's name at the end.
            AND NOT (event.source = %(source)s AND event.at < %(at)s
                AND right(event.detail, length(%(detail)s)) = %(detail)s)
    ) THEN 'acted'
    WHEN person.updated_at <> %(at)s OR person.frequency <> 0 OR person.paused_until IS NOT NULL
        OR EXISTS (
            SELECT FROM subscribers_importchange change
            WHERE change.subscriber_id = person.id AND change.from_import_id <> %(import)s
        ) THEN 'changed'
    WHEN EXISTS (
        SELECT FROM subscribers_tagging tagging
        WHERE tagging.subscriber_id = person.id AND tagging.created_at <> %(at)s
    ) THEN 'tagged'
    ELSE '' END"""
# The interval keeps the planner on the key: everybody of an import has the same moment, and it
# would read and sort all of them again for each batch.
JUDGE = f"""
SELECT person.id, {WHY}
FROM (
    SELECT * FROM subscribers_subscriber
    WHERE workspace_id = %(workspace)s AND id > %(until)s
        AND created_at + interval '0' = %(at)s
    ORDER BY id LIMIT %(most)s FOR UPDATE
) person
ORDER BY person.id
"""  # noqa: S608 - our own words
JUDGE_ALL = f"""
SELECT why, count(*) FROM (
    SELECT {WHY} AS why FROM subscribers_subscriber person
    WHERE workspace_id = %(workspace)s AND created_at = %(at)s
) judged GROUP BY why
"""  # noqa: S608 - our own words
NOTE = ledger.inserting("taken", at="%(now)s")
# What this import made of a subscription, and nobody changed since.
OURS = """(subscription.changed_at = %(at)s OR %(is_migration)s AND (
    subscription.changed_at = subscription.created_at AND subscription.created_at < %(at)s
        AND EXISTS (
            SELECT FROM subscribers_consentevent told
            WHERE told.subscriber_id = subscription.subscriber_id
                AND told.list_id = subscription.list_id AND told.source = %(source)s
                AND right(told.detail, length(%(detail)s)) = %(detail)s)
    OR EXISTS (
        SELECT FROM subscribers_importchange noted
        WHERE noted.from_import_id = %(import)s
            AND noted.subscriber_id = subscription.subscriber_id
            AND (noted.previous->'since'->>subscription.list_id::text)::timestamptz
                = subscription.changed_at)))"""
# Subscriptions and tags that this import made and nobody changed since, of people who stay.
TAKE_BACK_SUBSCRIPTIONS = f"""
WITH taken AS (
    DELETE FROM subscribers_subscription subscription
    WHERE subscriber_id = ANY(%(people)s) AND workspace_id = %(workspace)s
        AND created_at = changed_at AND {OURS}
    RETURNING subscriber_id, list_id
)
{NOTE}
"""  # noqa: S608 - our own words
TAKE_BACK_TAGS = """
DELETE FROM subscribers_tagging WHERE subscriber_id = ANY(%(people)s) AND created_at = %(at)s
"""
TAKE_BACK = (TAKE_BACK_SUBSCRIPTIONS, TAKE_BACK_TAGS)

LOCK = "SELECT FROM subscribers_subscriber WHERE id = ANY(%(people)s) ORDER BY id FOR UPDATE"
NAMES = ("first_name", "last_name", "language", "time_zone")
# A value goes back where it still is what the import wrote, and nobody was given it meanwhile who
# alone may have it.
NAMES_BACK = ", ".join(
    f"{name} = CASE WHEN person.{name} = change.written->>'{name}'"
    f" THEN change.previous->>'{name}' ELSE person.{name} END"
    for name in NAMES
)
PROFILES = f"""
UPDATE subscribers_subscriber person SET {NAMES_BACK}, updated_at = %(now)s,
    fields = person.fields - back.gone || back.returned
FROM subscribers_importchange change
CROSS JOIN LATERAL (
    SELECT COALESCE(jsonb_object_agg(key, change.previous->'fields'->key)
            FILTER (WHERE change.previous->'fields' ? key AND NOT EXISTS (
                SELECT FROM subscribers_uniquevalue taken
                JOIN subscribers_customfield field ON field.id = taken.field_id
                WHERE field.workspace_id = %(workspace)s AND field.key = written.key
                    AND taken.subscriber_id <> change.subscriber_id
                    AND taken.digest = subscribers_value_digest(change.previous->'fields'->key)
            )), '{{}}') AS returned,
        COALESCE(array_agg(key) FILTER (WHERE NOT change.previous->'fields' ? key), '{{}}') AS gone
    FROM subscribers_subscriber now, jsonb_each(change.written->'fields') AS written (key, value)
    WHERE now.id = change.subscriber_id AND now.fields->key = written.value
) back
WHERE change.id = ANY(%(changes)s) AND person.id = change.subscriber_id
    AND person.workspace_id = %(workspace)s AND change.written <> '{{}}'
"""  # noqa: S608 - our own words
STAYS_OUT = ledger.STAYS_OUT.format(
    person="subscription.subscriber_id", list="subscription.list_id", since="%(at)s"
)
SUBSCRIPTIONS = f"""
WITH moved AS (
    SELECT subscription.id, lists.value AS was
    FROM subscribers_importchange change
    CROSS JOIN LATERAL jsonb_each_text(change.previous->'lists') AS lists (key, value)
    JOIN subscribers_subscription subscription
        ON subscription.subscriber_id = change.subscriber_id
        AND subscription.list_id = lists.key::bigint
    WHERE change.id = ANY(%(changes)s) AND subscription.workspace_id = %(workspace)s
        AND {OURS} AND NOT (lists.value = %(subscribed)s AND {STAYS_OUT})
), joined AS (
    DELETE FROM subscribers_subscription subscription USING moved
    WHERE subscription.id = moved.id AND moved.was = ''
    RETURNING subscription.subscriber_id, subscription.list_id
), changed AS (
    UPDATE subscribers_subscription subscription SET status = moved.was, changed_at = %(now)s
    FROM moved WHERE subscription.id = moved.id AND moved.was <> ''
    RETURNING subscription.subscriber_id, subscription.list_id
), taken AS (SELECT * FROM joined UNION ALL SELECT * FROM changed)
{NOTE}
"""  # noqa: S608 - our own words
_OUT_AGAIN = suppression.inserting(
    """SELECT %(workspace)s, decode(change.previous->>'out', 'hex'),
        change.previous->>'email_key', %(out)s, '', NULL::bigint, %(now)s
    FROM subscribers_importchange change
    WHERE change.id = ANY(%(changes)s) AND change.previous ? 'out'"""
)
# Who had unsubscribed from everything before the import brought them back has so again.
OUT = f"""
WITH back AS (
    {_OUT_AGAIN}
    RETURNING address_hash
), taken AS (
    SELECT person.id AS subscriber_id, NULL::bigint AS list_id
    FROM back JOIN subscribers_subscriber person ON person.address_hash = back.address_hash
    WHERE person.id = ANY(%(people)s)
)
{NOTE}
"""  # noqa: S608 - our own words
TAGS = """
DELETE FROM subscribers_tagging tagging USING subscribers_importchange change
WHERE change.id = ANY(%(changes)s) AND tagging.subscriber_id = change.subscriber_id
    AND tagging.created_at = %(at)s
"""
# What a later import gave, too, becomes that one's: lists with a word in the ledger, tags, and the
# values that were there before. So this undo leaves it, and the later one's own undo takes it.
AGAIN = """
    SELECT DISTINCT ON (change.subscriber_id, given.id) change.id AS change_id,
        change.subscriber_id, given.id::bigint AS given_id, later.started_at, later.statement_id,
        later.created_by_id, left(later.filename, 80) || ' (#' || later.id || ')' AS detail
    FROM subscribers_importchange change
    JOIN subscribers_import later ON later.id = change.from_import_id
    CROSS JOIN LATERAL jsonb_array_elements_text(change.previous->'again'->'{what}') given (id)
    WHERE change.subscriber_id = ANY(%(people)s) AND change.from_import_id <> %(import)s
        AND later.started_at > %(at)s AND later.status NOT IN ('undone', 'undoing')
    ORDER BY change.subscriber_id, given.id, change.id
"""
_KEPT = ledger.inserting(
    "kept",
    list_id="given_id",
    kind="%(again)s",
    at="%(now)s",
    statement="statement_id",
    actor="created_by_id",
    detail="detail",
)
HAND_OVER_LISTS = f"""
WITH again AS ({AGAIN.format(what="lists")}), kept AS (
    UPDATE subscribers_subscription subscription SET changed_at = again.started_at FROM again
    WHERE subscription.subscriber_id = again.subscriber_id
        AND subscription.list_id = again.given_id AND {OURS}
    RETURNING again.*, COALESCE((
        SELECT before.previous->'lists'->>subscription.list_id::text
        FROM subscribers_importchange before
        WHERE before.from_import_id = %(import)s AND before.previous->'lists' ? again.given_id::text
            AND before.subscriber_id = again.subscriber_id), '') AS was
), moved AS (
    UPDATE subscribers_importchange change
    SET previous = change.previous || jsonb_build_object(
        'lists', COALESCE(change.previous->'lists', '{{}}') || lists.was)
    FROM (SELECT change_id, jsonb_object_agg(given_id, was) AS was FROM kept GROUP BY 1) lists
    WHERE change.id = lists.change_id
)
{_KEPT}
"""  # noqa: S608 - our own words
HAND_OVER_TAGS = f"""
WITH again AS ({AGAIN.format(what="tags")})
UPDATE subscribers_tagging tagging SET created_at = again.started_at FROM again
WHERE tagging.subscriber_id = again.subscriber_id AND tagging.tag_id = again.given_id
    AND tagging.created_at = %(at)s
"""  # noqa: S608 - our own words
# Values that a later import gave, too, are no longer this one's to take back.
HAND_OVER_VALUES = """
UPDATE subscribers_importchange change SET written = change.written
    - ARRAY(SELECT name FROM unnest(%(names)s::text[]) AS name
        WHERE later.given->>name = change.written->>name)
    || jsonb_build_object('fields', COALESCE((
        SELECT jsonb_object_agg(key, value) FROM jsonb_each(change.written->'fields')
        WHERE later.given->'fields'->key IS DISTINCT FROM value), '{}'))
FROM (
    SELECT DISTINCT ON (other.subscriber_id) other.subscriber_id,
        other.previous->'again'->'values' AS given
    FROM subscribers_importchange other JOIN subscribers_import later
        ON later.id = other.from_import_id
    WHERE other.subscriber_id = ANY(%(people)s) AND other.from_import_id <> %(import)s
        AND other.previous ? 'again' AND later.started_at > %(at)s
        AND later.status NOT IN ('undone', 'undoing')
    ORDER BY other.subscriber_id, other.id
) later
WHERE change.from_import_id = %(import)s AND change.subscriber_id = later.subscriber_id
    AND change.written <> '{}'
"""
HAND_OVER = (HAND_OVER_LISTS, HAND_OVER_TAGS, HAND_OVER_VALUES)
RESTORE = (LOCK, *HAND_OVER, PROFILES, SUBSCRIPTIONS, OUT, TAGS)
