"""How a message's events add up to `EventTally` rows and to its first open and click.

One definition for what comes in, what is reviewed, and what is rebuilt: figures are the
difference between what a message counted for before and what it counts for after.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from delivery.states import AgentClass, EventKind

Key = tuple[int, int, int]  # kind, agent, link ordinal (0: the whole mail)


def adding(rows: str) -> str:
    """Return the SQL that adds ``rows``, a query for `EventTally`'s columns, to its tallies.

    Its columns: campaign, kind, agent, link ordinal, total and unique, one row for each key.
    """
    return f"""
INSERT INTO delivery_eventtally AS tally (campaign_id, kind, agent, link_ordinal, total, "unique")
{rows}
ON CONFLICT (campaign_id, kind, agent, link_ordinal) DO UPDATE
SET total = tally.total + EXCLUDED.total, "unique" = tally."unique" + EXCLUDED."unique"
"""


ADD = adding("""SELECT * FROM unnest(
    %(campaign)s::bigint[], %(kind)s::smallint[], %(agent)s::smallint[], %(ordinal)s::smallint[],
    %(total)s::bigint[], %(unique)s::bigint[]
)""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Events of one message that are alike."""

    kind: EventKind
    agent: AgentClass
    ordinal: int
    count: int
    first_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a message's events say."""

    total: Mapping[Key, int]
    unique: frozenset[Key]
    opened_at: datetime | None  # first, by a person
    clicked_at: datetime | None
    proxied_at: datetime | None  # first, by a privacy proxy

    @property
    def firsts(self) -> tuple[datetime | None, ...]:
        """What stands in the message."""
        return self.opened_at, self.clicked_at, self.proxied_at


def read(groups: Iterable[Group]) -> Reading:
    """Add up the opens and clicks of one message.

    Clicks count for their link and, under ordinal 0, for the whole mail. Who clicked has opened:
    where the images stayed blocked, that open is counted once.
    """
    total: dict[Key, int] = {}
    first: dict[EventKind, datetime] = {}
    proxied_at: datetime | None = None
    for group in groups:
        kind, agent, ordinal, count, at = (
            group.kind,
            group.agent,
            group.ordinal,
            group.count,
            group.first_at,
        )
        whole = (kind, agent, 0)
        total[whole] = total.get(whole, 0) + count
        if ordinal:
            link = (kind, agent, ordinal)
            total[link] = total.get(link, 0) + count
        if agent is AgentClass.HUMAN:
            if kind not in first or at < first[kind]:
                first[kind] = at
        elif agent is AgentClass.PROXY and kind is EventKind.OPENED:
            proxied_at = at if proxied_at is None or at < proxied_at else proxied_at
    clicked = first.get(EventKind.CLICKED)
    opened = first.get(EventKind.OPENED)
    if clicked and not opened:
        implied = (EventKind.OPENED, AgentClass.HUMAN, 0)
        total[implied] = total.get(implied, 0) + 1
    moments = [moment for moment in (opened, clicked) if moment]
    return Reading(
        total=total,
        unique=frozenset(total),
        opened_at=min(moments, default=None),
        clicked_at=clicked,
        proxied_at=proxied_at,
    )


class Changes:
    """Differences to tallies, gathered and then added in one statement."""

    def __init__(self) -> None:
        self._total: Counter[tuple[int, Key]] = Counter()
        self._unique: Counter[tuple[int, Key]] = Counter()

    def add(self, campaign_id: int, key: Key, *, total: int, unique: int) -> None:
        """Note one difference."""
        self._total[campaign_id, key] += total
        self._unique[campaign_id, key] += unique

    def add_anonymous(
        self, campaign_id: int, kind: EventKind, agent: AgentClass, ordinal: int
    ) -> None:
        """Note an open or click of which nobody keeps whose it was: seen, but no person's first."""
        for number in {ordinal, 0}:
            self._total[campaign_id, (kind, agent, number)] += 1

    def between(self, campaign_id: int, before: Reading, after: Reading) -> None:
        """Note what changes when a message counts for ``after`` instead of ``before``."""
        for key in before.unique | after.unique:
            self.add(
                campaign_id,
                key,
                total=after.total.get(key, 0) - before.total.get(key, 0),
                unique=(key in after.unique) - (key in before.unique),
            )

    def write(self) -> None:
        """Add them all, in key order, so that two writers never wait for each other in a ring."""
        rows = sorted(
            (campaign_id, *key, count, self._unique[campaign_id, key])
            for (campaign_id, key), count in self._total.items()
            if count or self._unique[campaign_id, key]
        )
        if not rows:
            return
        names = ("campaign", "kind", "agent", "ordinal", "total", "unique")
        columns: Mapping[str, list[int]] = {
            name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
        }
        with connection.cursor() as cursor:
            cursor.execute(ADD, columns)
