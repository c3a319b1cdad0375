"""The one rule of who gets a campaign.

The audience is everyone with a subscription to an included list. Of these are left out, by the
first reason that holds: people with a subscription to an excluded list (whatever its status),
suppressed addresses, people who unsubscribed, people who have not confirmed. A person in several
lists counts once; being subscribed to one included list is enough, and someone who unsubscribed
from one and never confirmed another is "unsubscribed". Planning, the editor and the checks before
sending all use the SQL of this module, so that they can't disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import connection

from campaigns.models import Campaign
from campaigns.states import LeftOut
from subscribers.models import MailingList, Subscriber
from subscribers.states import SubscriptionStatus

_LARGE, _REMEMBERED = 20_000, 30  # people; seconds
_LONGEST_KEY = 240  # of the cache
_NEIGHBOURS = 5  # people taken from each starting point of a sample

# Which standing wins when a person is in several included lists: the smallest number.
_STANDING = f"""CASE status
    WHEN '{SubscriptionStatus.SUBSCRIBED.value}' THEN 0
    WHEN '{SubscriptionStatus.UNSUBSCRIBED.value}' THEN 1 ELSE 2 END"""

_VERDICTS = """
WITH included AS ({included}),
excluded AS (
    SELECT DISTINCT subscriber_id FROM subscribers_subscription
    WHERE list_id = ANY(%(exclude)s){range}
),
suppressed AS (
    SELECT subscriber.id AS subscriber_id
    FROM subscribers_suppression suppression
    JOIN subscribers_subscriber subscriber
        ON subscriber.workspace_id = suppression.workspace_id
        AND subscriber.email_key = suppression.email_key
    WHERE suppression.workspace_id = %(workspace)s
        AND subscriber.workspace_id = %(workspace)s{subscriber_range}
    UNION
    -- Of an erased person only the hash is left; it holds for whoever comes with that address.
    SELECT subscriber.id
    FROM subscribers_subscriber subscriber
    WHERE subscriber.workspace_id = %(workspace)s{subscriber_range}
        AND subscriber.address_hash IN (
            SELECT erased.address_hash FROM subscribers_suppression erased
            WHERE erased.workspace_id = %(workspace)s AND erased.email_key = '')
)
SELECT included.subscriber_id,
    CASE
        WHEN excluded.subscriber_id IS NOT NULL THEN '{excluded}'
        WHEN suppressed.subscriber_id IS NOT NULL THEN '{suppressed}'
        WHEN standing = 1 THEN '{unsubscribed}'
        WHEN standing = 2 THEN '{unconfirmed}'
        ELSE ''
    END AS left_out
FROM included
LEFT JOIN excluded ON excluded.subscriber_id = included.subscriber_id
LEFT JOIN suppressed ON suppressed.subscriber_id = included.subscriber_id
"""

# A person is one row of a single list, so only several lists need the grouping.
_ONE_LIST = """
    SELECT subscriber_id, {standing} AS standing FROM subscribers_subscription
    WHERE list_id = %(only)s{range}"""
_SEVERAL_LISTS = """
    SELECT subscriber_id, min({standing}) AS standing FROM subscribers_subscription
    WHERE list_id = ANY(%(include)s){range} GROUP BY subscriber_id"""

# Walks the index by list, status and subscriber from evenly spaced starts: fast at any size.
_SAMPLE = """
WITH bounds AS (
    SELECT chosen.id AS list_id, min(subscriber_id) AS low, max(subscriber_id) AS high
    FROM unnest(%(include)s::bigint[]) chosen(id)
    CROSS JOIN LATERAL (
        (SELECT subscriber_id FROM subscribers_subscription s
         WHERE s.list_id = chosen.id AND status = %(subscribed)s
         ORDER BY subscriber_id LIMIT 1)
        UNION ALL
        (SELECT subscriber_id FROM subscribers_subscription s
         WHERE s.list_id = chosen.id AND status = %(subscribed)s
         ORDER BY subscriber_id DESC LIMIT 1)
    ) ends
    GROUP BY chosen.id
)
SELECT DISTINCT picked.id
FROM bounds
CROSS JOIN generate_series(0, %(steps)s - 1) step
CROSS JOIN LATERAL (
    SELECT s.subscriber_id AS id
    FROM subscribers_subscription s
    WHERE s.list_id = bounds.list_id AND s.status = %(subscribed)s
        AND s.subscriber_id >= bounds.low + (bounds.high - bounds.low) * step / %(steps)s
        AND NOT EXISTS (
            SELECT FROM subscribers_subscription x
            WHERE x.list_id = ANY(%(exclude)s) AND x.subscriber_id = s.subscriber_id)
        AND NOT EXISTS (
            SELECT FROM subscribers_suppression p
            WHERE p.workspace_id = %(workspace)s AND p.address_hash = (
                SELECT address_hash FROM subscribers_subscriber WHERE id = s.subscriber_id))
    ORDER BY s.subscriber_id LIMIT %(each)s
) picked
ORDER BY picked.id
"""


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Whom a campaign names: ids of included and excluded lists of one workspace."""

    workspace: int
    include: tuple[int, ...]
    exclude: tuple[int, ...] = ()

    @classmethod
    def of(cls, campaign: Campaign) -> "Audience":
        """Read a campaign's choice of lists (two queries)."""
        return cls(
            workspace=campaign.workspace_id,
            include=tuple(campaign.include_lists.order_by("id").values_list("id", flat=True)),
            exclude=tuple(campaign.exclude_lists.order_by("id").values_list("id", flat=True)),
        )

    @classmethod
    def choosing(
        cls, include: Sequence[MailingList], exclude: Sequence[MailingList], *, workspace: int
    ) -> "Audience":
        """Describe an audience that is not stored yet."""
        return cls(
            workspace=workspace,
            include=tuple(sorted(row.pk for row in include)),
            exclude=tuple(sorted(row.pk for row in exclude)),
        )


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """How an audience divides: ``audience`` = ``will_get`` + everyone in ``left_out``."""

    audience: int = 0
    will_get: int = 0
    left_out: dict[LeftOut, int] = field(default_factory=dict)  # reasons that hold for somebody

    @property
    def left_out_total(self) -> int:
        """How many people are left out, for whatever reason."""
        return self.audience - self.will_get


def verdicts(
    audience: Audience, *, after: int | None = None, through: int | None = None
) -> tuple[str, dict[str, Any]]:
    """Return SQL and parameters that say for each person of the audience why they are left out.

    One row per person: ``subscriber_id`` and ``left_out``, a value of `LeftOut` or an empty text
    for those who get the campaign; in no order. ``after`` (exclusive) and ``through`` (inclusive)
    keep to a range of subscriber ids, so that planning can go in chunks.
    """
    conditions, subscriber_conditions = "", ""
    params: dict[str, Any] = {
        "workspace": audience.workspace,
        "include": list(audience.include),
        "exclude": list(audience.exclude),
    }
    for name, operator, bound in (("after", ">", after), ("through", "<=", through)):
        if bound is not None:
            conditions += f" AND subscriber_id {operator} %({name})s"
            subscriber_conditions += f" AND subscriber.id {operator} %({name})s"
            params[name] = bound
    if len(audience.include) == 1:
        params["only"] = audience.include[0]
    included = _ONE_LIST if "only" in params else _SEVERAL_LISTS
    sql = _VERDICTS.format(
        included=included.format(standing=_STANDING, range=conditions),
        range=conditions,
        subscriber_range=subscriber_conditions,
        **{reason.value: reason.value for reason in LeftOut},
    )
    return sql, params


def count(audience: Audience) -> Breakdown:
    """Count an audience by what will become of it (one grouped statement)."""
    if not audience.include:
        return Breakdown()
    sql, params = verdicts(audience)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT left_out, count(*) FROM ({sql}) verdicts GROUP BY left_out",  # noqa: S608 - built here, values are parameters
            params,
        )
        counts: dict[str, int] = dict(cursor.fetchall())
    return Breakdown(
        audience=sum(counts.values()),
        will_get=counts.get("", 0),
        left_out={reason: counts[reason.value] for reason in LeftOut if reason.value in counts},
    )


def recent_count(audience: Audience) -> Breakdown:
    """Count an audience for a page; a large one may be up to half a minute old."""
    key = f"audience:{audience.workspace}:{audience.include}:{audience.exclude}".replace(" ", "")
    known: Breakdown | None = cache.get(key) if len(key) < _LONGEST_KEY else None
    if known is not None:
        return known
    found = count(audience)
    if found.audience >= _LARGE and len(key) < _LONGEST_KEY:
        cache.set(key, found, _REMEMBERED)
    return found


def breakdown(campaign: Campaign) -> Breakdown:
    """Count a campaign's audience by what will become of it."""
    return count(Audience.of(campaign))


def sample(campaign: Campaign, number: int) -> list[Subscriber]:
    """Return up to ``number`` people who will get the campaign, spread over the audience."""
    audience = Audience.of(campaign)
    if not audience.include:
        return []
    params: dict[str, Any] = {
        "workspace": audience.workspace,
        "include": list(audience.include),
        "exclude": list(audience.exclude),
        "subscribed": SubscriptionStatus.SUBSCRIBED.value,
        "steps": -(-number // _NEIGHBOURS),
        "each": _NEIGHBOURS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, params)
        ids = [row[0] for row in cursor.fetchall()]
    if len(ids) > number:  # several lists: thin out evenly
        ids = [ids[position * len(ids) // number] for position in range(number)]
    return list(Subscriber.objects.filter(pk__in=ids).order_by("pk"))
