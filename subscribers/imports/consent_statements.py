"""The SQL of what a file says of old consents: proofs, suppressions, and worse rows behind others.

It works on the tables of `statements`, with the same values.
"""

from subscribers.consent import ledger, suppression

# The first row of an address says what becomes of a person; a later one only whether they left.
ONLY_LEAVES = """
DELETE FROM import_decided WHERE is_new AND NOT COALESCE(status = ANY(%(ends)s), false);
"""
LEAVES_ONLY = "DELETE FROM import_placed WHERE step <> 'leaves'"
KEEP_LEFT = """
INSERT INTO subscribers_importchange (from_import_id, subscriber_id, previous, written)
SELECT %(import)s, person.id, jsonb_build_object('lists', placed.lists), '{}'
FROM (
    SELECT person_id, jsonb_object_agg(list_id, was) AS lists FROM import_placed
    WHERE NOT EXISTS (  -- what the first row changed is kept already
        SELECT FROM subscribers_importchange change
        WHERE change.subscriber_id = person_id AND change.from_import_id = %(import)s
            AND change.previous->'lists' ? list_id::text)
    GROUP BY person_id
) placed
JOIN subscribers_subscriber person ON person.id = placed.person_id
WHERE person.created_at <> %(at)s
"""
# An undo tells what came with this import by the end of a detail, which names it.
DETAIL = """CASE WHEN {why} <> ''
    THEN left({why}, 297 - length(%(detail)s)) || ' · ' || %(detail)s ELSE %(detail)s END"""
# What a file proves of an old consent: events with their own moments and network addresses, beside
# the import's own event, of those whom this import put on a list or took off one.
PROOFS = ledger.inserting(
    """(
    SELECT person_id, list_id, wanted, status_at, status_detail, consent_at, consent_ip,
        confirm_at, confirm_ip, consent_source, true AS joins
    FROM import_decided, unnest(targets) AS list_id WHERE is_new AND NOT is_barred
    UNION ALL
    SELECT decided.person_id, placed.list_id, decided.wanted, status_at, status_detail, consent_at,
        consent_ip, confirm_at, confirm_ip, consent_source, placed.step <> 'leaves'
    FROM import_placed placed
    JOIN import_decided decided ON decided.person_id = placed.person_id
    JOIN subscribers_subscriber person ON person.id = placed.person_id
) joining
CROSS JOIN LATERAL (VALUES
    (CASE WHEN wanted = %(asked)s OR (consent_at IS NOT NULL AND confirm_at IS NOT NULL)
        THEN %(kind_asked)s ELSE %(kind_subscribed)s END,
        COALESCE(consent_at, confirm_at), COALESCE(consent_ip, confirm_ip),
        COALESCE(consent_source, ''), joins AND (consent_at IS NOT NULL OR confirm_at IS NOT NULL
            OR consent_ip IS NOT NULL OR confirm_ip IS NOT NULL OR consent_source IS NOT NULL)),
    (%(kind_confirmed)s, confirm_at, confirm_ip, '', joins AND wanted <> %(asked)s
        AND consent_at IS NOT NULL AND confirm_at IS NOT NULL),
    (%(kind_left)s, status_at, NULL::inet, COALESCE(status_detail, ''),
        wanted = %(left)s AND (status_at IS NOT NULL OR status_detail IS NOT NULL))
) AS proof (kind, at, ip, why, holds)
WHERE proof.holds
ORDER BY joining.person_id, proof.at NULLS LAST
""",
    subscriber="joining.person_id",
    list_id="joining.list_id",
    kind="proof.kind",
    at="COALESCE(proof.at, %(at)s)",
    ip="proof.ip",
    detail=DETAIL.format(why="proof.why"),
)
# Rows that say "bounced" or "complained", or why else never to write. Behind the detail of another
# import that says so, too, stands this one's: an undo takes back no more than its own.
SUPPRESS = suppression.inserting(
    f"""SELECT %(workspace)s, address_hash, email_key, COALESCE(reason, status),
    {DETAIL.format(why="COALESCE(status_detail, '')")}, %(actor)s::bigint,
    COALESCE(status_at, %(at)s)
FROM import_decided WHERE reason IS NOT NULL OR status = ANY(%(ends)s)""",  # noqa: S608 - our own words
    known="""DO UPDATE
    SET detail = left(current.detail || '; ' || %(detail)s, 300)
    WHERE EXISTS (
        SELECT FROM unnest(%(other_details)s::text[]) AS other
        WHERE right(current.detail, length(other)) = other)""",
)
