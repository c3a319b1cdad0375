"""The SQL of an import, in the order in which `merge` runs it.

``%(at)s`` is the import's own moment: no other import of the workspace has it, so whatever bears it
was written by this import. Undoing one relies on that.
"""

from dataclasses import dataclass

from subscribers.consent import ledger

TABLES = """
CREATE TEMPORARY TABLE import_stage (
    row bigint, email text, email_key text COLLATE "C", address_hash bytea, domain_group smallint,
    first_name text, last_name text, language text, time_zone text, fields jsonb, raw text,
    address_flags smallint, status text, status_at timestamptz, status_detail text,
    consent_at timestamptz, consent_ip inet, confirm_at timestamptz, confirm_ip inet,
    consent_source text, tags text[], lists text[], reason text, joinings jsonb);
CREATE TEMPORARY TABLE import_decided (
    LIKE import_stage, person_id bigint, is_new boolean, is_barred boolean, lifts boolean,
    differs boolean, targets bigint[], wanted text, known_reason text);
CREATE TEMPORARY TABLE import_placed (
    person_id bigint, list_id bigint, wanted text, was text, step text, since timestamptz);
CREATE TEMPORARY TABLE import_tagged (person_id bigint, tag_id bigint);
CREATE TEMPORARY TABLE import_names (what text, name text, id bigint);
CREATE TEMPORARY TABLE import_given (field_id bigint, digest bytea, row bigint);
"""
# What finds addresses that come twice; only one connection keeps it.
MEMORY = """
CREATE TEMPORARY TABLE import_again (LIKE import_stage);
CREATE TEMPORARY TABLE import_worse (LIKE import_stage);
CREATE TEMPORARY TABLE import_seen (address_hash bytea, row bigint);
"""
DROP = """DROP TABLE IF EXISTS import_stage, import_again, import_seen, import_decided,
    import_placed, import_tagged, import_names, import_given, import_worse, import_all"""
# Rows that would put a value where it may not stand (`clashes`).
REFUSE = "DELETE FROM import_decided WHERE row = ANY(%s)"
WRITTEN = "NOT decided.is_barred AND (decided.is_new OR decided.differs)"
# A batch is sorted without touching the disk; compiling its statements would cost more than it
# saves.
BATCH_SETTINGS = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"
TEMPORARY_BUFFERS = "SET temp_buffers = '64MB'"
# Of the rows that may have come before: take out, and return, those that really did. Of those the
# worst of each address is kept, if it says that nothing more may be sent to it.
DUPLICATES = """
WITH earliest AS (
    SELECT seen.address_hash, min(seen.row) AS row
    FROM import_seen seen
    WHERE seen.address_hash IN (SELECT address_hash FROM import_again)
    GROUP BY seen.address_hash
), gone AS (
    DELETE FROM import_again again USING earliest
    WHERE earliest.address_hash = again.address_hash AND earliest.row < again.row
    RETURNING again, earliest.row AS first
), worse AS (
    INSERT INTO import_worse
    SELECT DISTINCT ON ((again).address_hash) (again).* FROM gone
    WHERE (again).status = ANY(%(worse)s)
    ORDER BY (again).address_hash, array_position(%(worse)s, (again).status) DESC
)
SELECT (again).row, first, (again).email, (again).raw FROM gone
"""
UNKNOWN_NAMES = """
SELECT DISTINCT given FROM import_stage, unnest({column}) AS given
WHERE lower(given) NOT IN (SELECT name FROM import_names WHERE what = %s)
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


@dataclass(frozen=True, kw_only=True)
class Placing:
    """Which lists a row (``decided``) is for, and as what: for everybody, or for each list."""

    each: str  # the lists, as ``target``
    wanted: str
    since: str = "NULL::timestamptz"  # NULL: the import's own moment
    later: str = ""  # a condition for leaving, besides

    def of(self, statement: str) -> str:
        """Write a statement for rows like these."""
        return statement.format(
            each=self.each, wanted=self.wanted, since=self.since, later=self.later
        )


ALIKE = Placing(each="unnest(decided.targets) AS target (list_id)", wanted="decided.wanted")
TARGETS = "%(lists)s::bigint[]"
# Lists that a column names, besides those that are chosen for everybody.
TARGETS_NAMED = """%(lists)s::bigint[] || ARRAY(
        SELECT DISTINCT named.id FROM import_names named, unnest(stage.lists) AS given
        WHERE named.what = 'list' AND named.name = lower(given) AND named.id <> ALL(%(lists)s))"""
# New people get their keys here, in the order in which they will be inserted. OFFSET 0 makes each
# row look itself up: joined as sets, every batch would read everybody who is there already.
DECIDE = """
INSERT INTO import_decided
SELECT stage.*,
    COALESCE(person.id, {new_id}),
    person.id IS NULL,
    (suppression.id IS NOT NULL AND NOT lift.lifts) OR stage.reason IS NOT NULL
        OR COALESCE(stage.status = ANY(%(barring)s), false),
    lift.lifts,
    person.id IS NOT NULL AND NOT %(skip)s AND ({differs}),
    {targets},
    COALESCE(stage.status, %(status)s),
    suppression.reason
FROM (SELECT * FROM {source} ORDER BY email_key) stage
LEFT JOIN LATERAL (
    SELECT id, first_name, last_name, language, time_zone, fields FROM subscribers_subscriber
    WHERE workspace_id = %(workspace)s AND email_key = stage.email_key OFFSET 0
) person ON true
LEFT JOIN LATERAL (
    SELECT id, reason FROM subscribers_suppression
    WHERE workspace_id = %(workspace)s AND address_hash = stage.address_hash OFFSET 0
) suppression ON true
CROSS JOIN LATERAL (SELECT COALESCE(
    %(bring_back)s AND suppression.reason = %(out)s
    AND COALESCE(stage.status, %(status)s) = %(subscribed)s
    AND (person.id IS NULL OR NOT %(skip)s), false) AS lifts) lift
"""
# By its name: looking it up in the catalogue for every row cost a tenth of the decision.
NEW_ID = "nextval('subscribers_subscriber_id_seq')"
# What becomes of known people on each list; nobody is moved who stays where they are. Who left
# elsewhere leaves here, too, also where known people are else left as they are, and if they are
# suppressed: they stay off the list when that is lifted.
PLACE = f"""
INSERT INTO import_placed
SELECT decided.person_id, target.list_id, {{wanted}}, subscription.status, place.step, {{since}}
FROM import_decided decided
CROSS JOIN LATERAL {{each}}
LEFT JOIN LATERAL (
    SELECT status, changed_at FROM subscribers_subscription
    WHERE list_id = target.list_id AND subscriber_id = decided.person_id OFFSET 0
) subscription ON true
CROSS JOIN LATERAL (SELECT CASE
    WHEN subscription.status IS NULL THEN 'joins'
    WHEN {{wanted}} = %(left)s
        THEN CASE WHEN subscription.status <> %(left)s {{later}} THEN 'leaves' END
    WHEN subscription.status = %(left)s OR (
        {{wanted}} = %(subscribed)s AND subscription.status = %(asked)s
        AND {ledger.HAD_LEFT.format(person="decided.person_id", list="target.list_id")}
    ) THEN CASE WHEN %(bring_back)s THEN 'returns' ELSE 'left' END
    WHEN {{wanted}} = %(subscribed)s AND subscription.status = %(asked)s THEN 'confirms'
END AS step) place
WHERE NOT decided.is_new AND place.step IS NOT NULL
    AND (place.step = 'leaves' OR NOT (decided.is_barred OR %(skip)s))
"""  # noqa: S608 - our own words
# Who has left every list that their row is for stays exactly as they are.
BAR = """
WITH gone AS (DELETE FROM import_placed WHERE step = 'left' RETURNING person_id)
UPDATE import_decided decided SET is_barred = true
FROM (SELECT person_id, count(*) AS lists FROM gone GROUP BY person_id) counted
WHERE decided.person_id = counted.person_id AND counted.lists = cardinality(decided.targets)
"""
TAGS_OF_ROW = """(
    SELECT unnest(%(tags)s::bigint[]) AS id
    UNION
    SELECT named.id FROM import_names named, unnest(decided.tags) AS given
    WHERE named.what = 'tag' AND named.name = lower(given))"""
TAG_KNOWN = f"""
INSERT INTO import_tagged
SELECT decided.person_id, tag.id
FROM import_decided decided CROSS JOIN LATERAL {TAGS_OF_ROW} tag
WHERE NOT decided.is_new AND NOT decided.is_barred AND NOT EXISTS (
    SELECT FROM subscribers_tagging
    WHERE tag_id = tag.id AND subscriber_id = decided.person_id)
"""  # noqa: S608 - our own words
# How many come in as what, in the words of the import page: `standing` of `merge.Counts`.
COUNT_STANDINGS = """
SELECT CASE WHEN reason IS NOT NULL THEN reason
    WHEN status = ANY(%(barring)s) THEN status WHEN is_barred THEN 'kept'
    WHEN %(skip)s AND NOT is_new AND wanted <> %(left)s THEN 'known' ELSE wanted END, count(*)
FROM import_decided GROUP BY 1
"""
COUNT = """
SELECT count(*) FILTER (WHERE NOT is_barred AND is_new),
    count(*) FILTER (WHERE NOT is_barred AND NOT is_new AND changes),
    count(*) FILTER (WHERE NOT is_barred AND NOT is_new AND NOT changes
        OR reason IS NOT NULL AND known_reason IS NOT NULL),
    count(*) FILTER (WHERE is_barred AND (reason IS NULL OR known_reason IS NULL))
FROM (
    SELECT is_barred, is_new, reason, known_reason,
        differs OR lifts OR touched.person_id IS NOT NULL AS changes
    FROM import_decided decided LEFT JOIN (
        SELECT person_id FROM import_placed UNION SELECT person_id FROM import_tagged
    ) touched USING (person_id)
) decided
"""
# Without ON CONFLICT, which looks twice: whoever is quicker makes us decide again.
INSERT_PEOPLE = """
INSERT INTO subscribers_subscriber (id, workspace_id, email, email_key, address_hash, domain_group,
    address_flags, first_name, last_name, language, time_zone, fields, created_at, updated_at)
SELECT person_id, %(workspace)s, email, email_key, address_hash, domain_group,
    address_flags, first_name, last_name, language, time_zone, fields, %(at)s, %(at)s
FROM import_decided WHERE is_new AND NOT is_barred
"""
# New people can't be erased meanwhile: nobody else sees them yet. Known ones are locked.
SUBSCRIBE_NEW = """
INSERT INTO subscribers_subscription
    (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
SELECT %(workspace)s, target.list_id, decided.person_id, {wanted},
    COALESCE({since}, %(at)s), COALESCE({since}, %(at)s)
FROM import_decided decided CROSS JOIN LATERAL {each}
WHERE decided.is_new AND NOT decided.is_barred ORDER BY target.list_id, decided.person_id
"""
KINDS = """CASE {wanted} WHEN %(subscribed)s THEN %(kind_subscribed)s
    WHEN %(asked)s THEN %(kind_asked)s ELSE %(kind_left)s END"""
CONSENT_OF_NEW = ledger.inserting(
    """import_decided, unnest(targets) AS list_id
WHERE is_new AND NOT is_barred ORDER BY person_id
""",
    subscriber="person_id",
    kind=KINDS.format(wanted="wanted"),
    statement="%(statement)s::bigint",
)
TAG_NEW = f"""
INSERT INTO import_tagged
SELECT decided.person_id, tag.id
FROM import_decided decided CROSS JOIN LATERAL {TAGS_OF_ROW} tag
WHERE decided.is_new AND NOT decided.is_barred
"""  # noqa: S608 - our own words
WRITE_TAGS = """
INSERT INTO subscribers_tagging (tag_id, subscriber_id, created_at)
SELECT tag_id, person_id, %(at)s FROM import_tagged ORDER BY person_id, tag_id
ON CONFLICT (tag_id, subscriber_id) DO NOTHING
"""
NAMES = ("first_name", "last_name", "language", "time_zone")
OVERWRITING = {name: f"COALESCE(NULLIF(decided.{name}, ''), person.{name})" for name in NAMES}
FILLING = {name: f"COALESCE(NULLIF(person.{name}, ''), decided.{name})" for name in NAMES}
FIELDS_OVERWRITING = "person.fields || decided.fields"
FIELDS_FILLING = "decided.fields || person.fields"
WRITTEN_OVERWRITING = "decided.fields"
WRITTEN_FILLING = "decided.fields - ARRAY(SELECT jsonb_object_keys(person.fields))"
KEEP_PREVIOUS = """
INSERT INTO subscribers_importchange (from_import_id, subscriber_id, previous, written)
SELECT %(import)s, person.id,
    CASE WHEN decided.differs AND NOT decided.is_barred
        THEN jsonb_build_object('first_name', person.first_name,
        'last_name', person.last_name, 'language', person.language,
        'time_zone', person.time_zone, 'fields', person.fields) ELSE '{{}}'::jsonb END
    || CASE WHEN placed.lists IS NULL THEN '{{}}'::jsonb
        ELSE jsonb_build_object('lists', placed.lists) END
    || CASE WHEN placed.since IS NULL THEN '{{}}'::jsonb
        ELSE jsonb_build_object('since', placed.since) END
    || CASE WHEN decided.lifts THEN jsonb_build_object(
        'out', encode(decided.address_hash, 'hex'), 'email_key', decided.email_key)
        ELSE '{{}}'::jsonb END,
    CASE WHEN decided.differs AND NOT decided.is_barred
        THEN jsonb_build_object({written}) ELSE '{{}}'::jsonb END
FROM import_decided decided
JOIN subscribers_subscriber person ON person.id = decided.person_id
LEFT JOIN (
    SELECT person_id, jsonb_object_agg(list_id, COALESCE(was, '')) AS lists,
        jsonb_object_agg(list_id, since) FILTER (WHERE since IS NOT NULL) AS since
    FROM import_placed GROUP BY person_id
) placed ON placed.person_id = decided.person_id
WHERE placed.lists IS NOT NULL OR (NOT decided.is_barred AND (decided.differs OR decided.lifts
    OR (NOT decided.is_new AND decided.person_id IN (SELECT person_id FROM import_tagged))))
ORDER BY person.id FOR UPDATE OF person
"""
UPDATE_PEOPLE = """
UPDATE subscribers_subscriber person SET {values},
    address_flags = (person.address_flags & %(kept_flags)s) | decided.address_flags,
    updated_at = %(now)s
FROM import_decided decided
WHERE person.id = decided.person_id AND decided.differs AND NOT decided.is_barred
"""
_MOVED = ledger.inserting(
    """done
JOIN import_placed placed
    ON placed.list_id = done.list_id AND placed.person_id = done.subscriber_id
ORDER BY done.subscriber_id""",
    subscriber="done.subscriber_id",
    list_id="done.list_id",
    kind=f"""CASE WHEN placed.step = 'returns' AND placed.wanted = %(subscribed)s
        THEN %(kind_returned)s ELSE {KINDS.format(wanted="placed.wanted")} END""",
    statement="%(statement)s::bigint",
    detail="CASE placed.step WHEN 'returns' THEN %(why)s ELSE %(detail)s END",
)
PLACE_KNOWN = """
WITH joined AS (
    INSERT INTO subscribers_subscription
        (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
    SELECT %(workspace)s, placed.list_id, person.id, placed.wanted,
        COALESCE(placed.since, %(at)s), COALESCE(placed.since, %(at)s)
    FROM import_placed placed JOIN subscribers_subscriber person ON person.id = placed.person_id
    WHERE placed.step = 'joins'
    ORDER BY placed.list_id, person.id FOR KEY SHARE OF person
    ON CONFLICT (list_id, subscriber_id) DO NOTHING
    RETURNING list_id, subscriber_id
), moved AS (
    UPDATE subscribers_subscription subscription
    SET status = placed.wanted, changed_at = COALESCE(placed.since, %(at)s)
    FROM import_placed placed
    WHERE subscription.list_id = placed.list_id AND subscription.subscriber_id = placed.person_id
        AND subscription.status = placed.was AND placed.step <> 'joins'
    RETURNING subscription.list_id, subscription.subscriber_id
), done AS (SELECT * FROM joined UNION ALL SELECT * FROM moved)
"""
MOVE_KNOWN = f"""{PLACE_KNOWN}
{_MOVED}
"""
_LIFTED = ledger.inserting(
    "lifted",
    subscriber="person_id",
    list_id="NULL::bigint",
    kind="%(kind_returned)s",
    statement="%(statement)s::bigint",
    detail="%(why)s",
)
LIFT = f"""
WITH uncovered AS (
    UPDATE subscribers_suppression suppression SET reason = former, former = ''
    FROM import_decided decided
    WHERE decided.lifts AND NOT decided.is_barred AND suppression.workspace_id = %(workspace)s
        AND suppression.address_hash = decided.address_hash AND suppression.reason = %(out)s
        AND suppression.former <> ''
    RETURNING decided.person_id
), free AS (
    DELETE FROM subscribers_suppression suppression USING import_decided decided
    WHERE decided.lifts AND NOT decided.is_barred AND suppression.workspace_id = %(workspace)s
        AND suppression.address_hash = decided.address_hash AND suppression.reason = %(out)s
        AND suppression.former = ''
    RETURNING decided.person_id
), lifted AS (SELECT * FROM uncovered UNION ALL SELECT * FROM free)
{_LIFTED}
"""  # noqa: S608 - our own words
# A migration gives lists old moments; the ledger names it.
TOLD = """%(has_migrations)s AND EXISTS (
            SELECT FROM subscribers_consentevent told
            JOIN unnest(%(migration_details)s::text[]) AS other
                ON right(told.detail, length(other)) = other
            WHERE told.subscriber_id = subscription.subscriber_id
                AND told.list_id = subscription.list_id AND told.source = %(source)s)"""
# What an import that can still be undone gave before, and this one gives, too: undoing the other
# one leaves it to this one (`undoing.HAND_OVER`).
GIVE_AGAIN = f"""
INSERT INTO subscribers_importchange (from_import_id, subscriber_id, previous, written)
SELECT %(import)s, person.id, jsonb_build_object('again', jsonb_build_object(
        'lists', lists.ids, 'tags', tags.ids, 'values', jsonb_build_object(
            'first_name', decided.first_name, 'last_name', decided.last_name,
            'language', decided.language, 'time_zone', decided.time_zone,
            'fields', decided.fields))), '{{{{}}}}'
FROM import_decided decided
JOIN subscribers_subscriber person ON person.id = decided.person_id
CROSS JOIN LATERAL (
    SELECT COALESCE(jsonb_agg(target.list_id), '[]') AS ids
    FROM {{each}} JOIN subscribers_subscription subscription
        ON subscription.subscriber_id = person.id AND subscription.list_id = target.list_id
    WHERE subscription.status = {{wanted}}
        AND (subscription.changed_at = ANY(%(others)s) OR {TOLD})
) lists
CROSS JOIN LATERAL (
    SELECT COALESCE(jsonb_agg(tag_id), '[]') AS ids FROM subscribers_tagging
    WHERE subscriber_id = person.id AND created_at = ANY(%(others)s)
        AND tag_id IN (SELECT id FROM {TAGS_OF_ROW} given)
) tags
WHERE NOT decided.is_new AND NOT decided.is_barred AND NOT %(skip)s AND (
    person.created_at = ANY(%(others)s) OR lists.ids <> '[]' OR tags.ids <> '[]' OR EXISTS (
        SELECT FROM subscribers_importchange earlier
        WHERE earlier.subscriber_id = person.id AND earlier.from_import_id <> %(import)s))
"""  # noqa: S608 - our own words


def keep_previous(*, fills: bool) -> str:
    """Return the statement that notes what the next one will change."""
    values = FILLING if fills else OVERWRITING
    fields = WRITTEN_FILLING if fills else WRITTEN_OVERWRITING
    pairs = [f"'{name}', {value}" for name, value in values.items()]
    return KEEP_PREVIOUS.format(written=", ".join([*pairs, f"'fields', {fields}"]))


def update_people(*, fills: bool) -> str:
    """Return the statement that changes known people."""
    values = FILLING if fills else OVERWRITING
    fields = FIELDS_FILLING if fills else FIELDS_OVERWRITING
    pairs = [f"{name} = {value}" for name, value in values.items()]
    return UPDATE_PEOPLE.format(values=", ".join([*pairs, f"fields = {fields}"]))
