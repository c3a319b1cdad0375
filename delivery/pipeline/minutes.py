"""What a campaign sent in each minute, by mailbox provider: the one statement that writes it.

Whoever sends builds theirs of this, in the statement that changes the messages; who counts anew
replaces what stands there. Rows are locked in the same order by everybody.
"""

from collections.abc import Mapping

_SENDING = ("sent", "deferred", "failed")


def adding(
    counts: Mapping[str, str],
    *,
    minute: str,
    source: str,
    shard: str = "%(shard)s",
    replaces: bool = False,
) -> str:
    """Return the SQL that adds ``counts`` (columns of `SendMinute` and expressions of SQL).

    ``source`` is what stands behind FROM, with a column ``domain_group``; minute and domain group
    are the second and fourth column of what is selected, to be grouped and ordered by. The campaign
    is the parameter ``campaign``. With ``replaces`` the figures take the place of former ones.
    """
    columns = [*_SENDING, *(column for column in counts if column not in _SENDING)]
    former = "" if replaces else "minute.{0} + "
    return f"""
INSERT INTO delivery_sendminute AS minute
    (campaign_id, minute, shard, domain_group, {", ".join(columns)})
SELECT %(campaign)s, date_trunc('minute', {minute}), {shard}, domain_group,
    {", ".join(counts.get(column, "0") for column in columns)}
FROM {source}
ON CONFLICT (campaign_id, minute, shard, domain_group) DO UPDATE SET
    {", ".join(f"{column} = {former.format(column)}EXCLUDED.{column}" for column in counts)}"""  # noqa: S608 - built of our own words
