"""The tallies of a campaign's messages by state: the one statement that writes them.

It stands in the statement that changes the messages themselves, so that both are one; whoever moves
messages builds theirs of this. Rows are locked in the same order by everybody.
"""


def adding(moves: str, *, shard: str = "%(shard)s", several: bool = False) -> str:
    """Return the SQL that adds up ``moves``: what stands behind FROM.

    Their columns: ``domain_group``, ``state``, ``reason`` and ``n``, how many more are in that
    state now (negative: fewer). The campaign is the parameter ``campaign``, or with ``several`` a
    column ``campaign_id`` of the moves; ``shard`` is SQL, too.
    """
    campaign = "campaign_id" if several else "%(campaign)s"
    keys = f"{'campaign_id, ' if several else ''}domain_group, state, reason"
    return f"""
INSERT INTO delivery_messagetally AS tally
    (campaign_id, shard, domain_group, state, reason, count)
SELECT {campaign}, {shard}, domain_group, state, reason, sum(n) FROM {moves}
GROUP BY {keys} HAVING sum(n) <> 0 ORDER BY {keys}
ON CONFLICT (campaign_id, shard, domain_group, state, reason)
DO UPDATE SET count = tally.count + EXCLUDED.count"""  # noqa: S608 - built of our own words
