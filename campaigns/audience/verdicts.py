"""The one SQL statement that says for each person of an audience why they are left out, if so.

Planning, the editor and the checks before sending all use it, so that they can't disagree. What
may change until the last moment (`audience.rule` says what) is looked at again at the claim.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.states import LeftOut
from subscribers.models import Segment, Subscriber
from subscribers.segments import estimating, members
from subscribers.states import SubscriptionStatus

if TYPE_CHECKING:
    from campaigns.audience.rule import Audience

# The ledger is a table of `delivery`: the schema knows it, the code of this app does not.
PLANNED, SENT, DEFERRED, UNKNOWN, SKIPPED = (
    1,
    4,
    5,
    7,
    8,
)  # its `MessageState`; a test compares them

# Which standing wins when a person is in several included lists: the smallest number.
_STANDING: Final = f"""CASE status
    WHEN '{SubscriptionStatus.SUBSCRIBED.value}' THEN 0
    WHEN '{SubscriptionStatus.UNSUBSCRIBED.value}' THEN 1 ELSE 2 END"""

# Holds for a `person` who wants fewer letters and had one lately, or has one on its way. A weekly
# letter that leaves at nine must not miss those who got the last one at five past: half a day is
# forgiven. ``{{earlier}}``: which of the letters on their way come first. Asked of few people only,
# by the index of their messages.
_WANTS_FEWER: Final = f"""(person.frequency > 0 AND EXISTS (
    SELECT FROM delivery_message AS letter
    WHERE letter.subscriber_id = person.id AND letter.campaign_id <> %(campaign)s
        AND (
            letter.state IN ({SENT}, {UNKNOWN}) AND letter.attempted_at
                > %(now)s::timestamptz - person.frequency * interval '1 day' + interval '12 hours'
            OR letter.state IN ({PLANNED}, {DEFERRED}){{earlier}} AND EXISTS (
                SELECT FROM campaigns_campaign AS other
                WHERE other.id = letter.campaign_id AND other.status = 'sending')
        )
))"""  # noqa: S608 - the numbers are ours


def wants_fewer(*, earlier_than: str = "") -> str:
    """Return an SQL condition on the row ``person``: it is too early for another letter.

    It takes the parameters ``now`` and ``campaign``. ``earlier_than`` is an SQL expression for a
    message id: of two letters on their way at once, the one planned first goes.
    """
    return _WANTS_FEWER.format(earlier=f" AND letter.id < {earlier_than}" if earlier_than else "")


class BrokenSegmentError(Exception):
    """A segment's rules can't be read any more, so nobody must be guessed in or out."""

    def __init__(self, segment: Segment) -> None:
        super().__init__(segment.name)
        self.sentence = _("The rules of the segment “%(name)s” can't be read any more.") % {
            "name": segment.name
        }


def people_in(segment: Segment, *, at: datetime | None = None) -> QuerySet[Subscriber]:
    """Return the people who are in a segment, asked at a moment (now).

    Raises:
        BrokenSegmentError: its rules ask for something that is gone.
    """
    try:
        return members.members(segment, at=at)
    except ValueError as error:
        raise BrokenSegmentError(segment) from error


_VERDICTS: Final = """
WITH included AS ({included}),
excluded AS (
    SELECT subscriber_id FROM subscribers_subscription
    WHERE list_id = ANY(%(exclude)s){range}
    UNION {excluded_members}
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
),
-- Read at once: looked up for each person it would cost more than everything else.
wishes AS MATERIALIZED (
    SELECT person.id AS subscriber_id, coalesce(person.paused_until > %(now)s, false) AS pause
    FROM subscribers_subscriber person
    WHERE person.workspace_id = %(workspace)s{person_range}
        -- as the partial index says it: there are few of them
        AND (person.frequency > 0 OR person.paused_until IS NOT NULL)
        AND (person.paused_until > %(now)s OR {wants_fewer})
)
SELECT included.subscriber_id,
    CASE
        WHEN excluded.subscriber_id IS NOT NULL THEN '{excluded}'
        WHEN suppressed.subscriber_id IS NOT NULL THEN '{suppressed}'
        WHEN standing = 1 THEN '{unsubscribed}'
        WHEN standing = 2 THEN '{unconfirmed}'
        WHEN wishes.pause THEN '{paused}'
        WHEN wishes.subscriber_id IS NOT NULL THEN '{frequency}'
        ELSE ''
    END AS left_out
FROM included
LEFT JOIN excluded ON excluded.subscriber_id = included.subscriber_id
LEFT JOIN suppressed ON suppressed.subscriber_id = included.subscriber_id
LEFT JOIN wishes ON wishes.subscriber_id = included.subscriber_id
"""

# A person is one row of a single list, so only several lists need the grouping.
_ONE_LIST: Final = """
    SELECT subscriber_id, {standing} AS standing FROM subscribers_subscription
    WHERE list_id = %(only)s{range}"""
_SEVERAL_LISTS: Final = """
    SELECT subscriber_id, min({standing}) AS standing FROM subscribers_subscription
    WHERE list_id = ANY(%(include)s){range} GROUP BY subscriber_id"""

_NOBODY: Final = "SELECT NULL::bigint WHERE false"


def verdicts(
    audience: "Audience",
    *,
    after: int | None = None,
    through: int | None = None,
    among: Sequence[int] | None = None,
) -> tuple[str, dict[str, Any]]:
    """Return SQL and parameters that say for each person of the audience why they are left out.

    One row per person: ``subscriber_id`` and ``left_out``, a value of `LeftOut` or an empty text
    for those who get the campaign; in no order. ``after`` (exclusive) and ``through`` (inclusive)
    keep to a range of subscriber ids, so that planning can go in chunks; ``among`` to some people,
    of whom the segments are asked one by one, at once.

    Raises:
        BrokenSegmentError: a segment's rules can't be read any more.
        TooMuch: asking ``among`` takes too long.
    """
    params: dict[str, Any] = {
        "workspace": audience.workspace,
        "campaign": audience.campaign,
        "include": list(audience.include),
        "exclude": list(audience.exclude),
        "now": timezone.now(),
    }
    bounds = [("after", ">", after), ("through", "<=", through)]
    params |= {name: bound for name, _operator, bound in bounds if bound is not None}
    if among is not None:
        params["among"] = list(among)

    def within(column: str) -> str:
        limits = [
            f" AND {column} {operator} %({name})s" for name, operator, _ in bounds if name in params
        ]
        if "among" in params:
            limits.append(f" AND {column} = ANY(%(among)s::bigint[])")
        return "".join(limits)

    if len(audience.include) == 1:
        params["only"] = audience.include[0]
    included = _ONE_LIST if "only" in params else _SEVERAL_LISTS
    limits = within("subscriber_id")
    narrow = ""
    if audience.include_segments:
        inside = _members(audience.include_segments, audience, params, after, through)
        narrow = f" AND subscriber_id IN ({inside})"
    sql = _VERDICTS.format(
        included=included.format(standing=_STANDING, range=limits + narrow),
        range=limits,
        subscriber_range=within("subscriber.id"),
        person_range=within("person.id"),
        excluded_members=_members(audience.exclude_segments, audience, params, after, through),
        wants_fewer=wants_fewer(),
        **{reason.value: reason.value for reason in LeftOut},
    )
    return sql, params


def getting(audience: "Audience", *, among: Sequence[int]) -> list[int]:
    """Return who of some people get a campaign, in order; raises as `verdicts`."""
    sql, params = verdicts(audience, among=among)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT subscriber_id FROM ({sql}) verdicts WHERE left_out = '' ORDER BY 1",  # noqa: S608 - built here, values are parameters
            params,
        )
        return [key for (key,) in cursor.fetchall()]


def _members(
    segments: Sequence[int],
    audience: "Audience",
    params: dict[str, Any],
    after: int | None,
    through: int | None,
) -> str:
    """Return SQL for the ids of people in any of these segments; adds what it needs to params."""
    if not segments:
        return _NOBODY
    parts = []
    stored = Segment.objects.filter(workspace_id=audience.workspace, pk__in=segments)
    for segment in stored.select_related("workspace").order_by("pk"):
        people = people_in(segment, at=audience.at).order_by()
        if "among" in params:
            key = f"segment_{len(params)}"
            params[key] = estimating.among(people, params["among"])
            parts.append(f"(SELECT unnest(%({key})s::bigint[]))")
            continue
        if after is not None:
            people = people.filter(pk__gt=after)
        if through is not None:
            people = people.filter(pk__lte=through)
        try:
            sql, values = people.values("pk").query.sql_with_params()
        except EmptyResultSet:  # its rules hold for nobody, whoever there is
            continue
        parts.append(f"({_name(sql, values, params)})")
    return " UNION ".join(parts) or _NOBODY


def _name(sql: str, values: Iterable[Any], params: dict[str, Any]) -> str:
    """Give a statement's nameless parameters names of their own, and put them into ``params``."""
    given = iter(values)

    def name(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%%"
        key = f"segment_{len(params)}"
        params[key] = next(given)
        return f"%({key})s"

    return re.sub(r"%[%s]", name, sql)
