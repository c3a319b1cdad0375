"""The one SQL statement that says for each person of an audience why they are left out, if so.

Planning, the editor and the checks before sending all use it, so that they can't disagree. What
may change until the last moment (`rule` says what) is looked at again at the claim, by the same
rule (`eligibility`).
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

from campaigns.audience import eligibility
from campaigns.states import LeftOut
from subscribers.models import Segment, Subscriber
from subscribers.segments import estimating, members

if TYPE_CHECKING:
    from campaigns.audience.chosen import Audience


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
excluded AS ({excluded_lists} UNION {excluded_members}),
suppressed AS ({suppressed_people}),
-- Read at once: looked up for each person it would cost more than everything else.
wishes AS MATERIALIZED (
    SELECT person.id AS subscriber_id, coalesce({paused}, false) AS pause
    FROM subscribers_subscriber AS person
    WHERE person.workspace_id = %(workspace)s{people}
        -- as the partial index says it: there are few of them
        AND (person.frequency > 0 OR person.paused_until IS NOT NULL)
        AND ({paused} OR {fewer})
)
SELECT included.subscriber_id, {first} AS left_out
FROM included
LEFT JOIN excluded ON excluded.subscriber_id = included.subscriber_id
LEFT JOIN suppressed ON suppressed.subscriber_id = included.subscriber_id
LEFT JOIN wishes ON wishes.subscriber_id = included.subscriber_id
"""
_FIRST: Final = eligibility.first_of(
    {
        LeftOut.EXCLUDED: "excluded.subscriber_id IS NOT NULL",
        LeftOut.SUPPRESSED: "suppressed.subscriber_id IS NOT NULL",
        LeftOut.PAUSED: "wishes.pause",
        LeftOut.FREQUENCY: "wishes.subscriber_id IS NOT NULL",
    },
    names={reason: f"'{reason.value}'" for reason in LeftOut},
    nothing="''",
    standing="included.standing",
)

# A person is one row of a single list, so only several lists need the grouping.
_ONE_LIST: Final = f"""
    SELECT subscription.subscriber_id, {eligibility.STANDS_ALONE} AS standing
    FROM subscribers_subscription AS subscription
    WHERE subscription.list_id = %(only)s{{range}}"""  # noqa: S608 - our own words
_SEVERAL_LISTS: Final = f"""
    SELECT subscription.subscriber_id, {eligibility.STANDING} AS standing
    FROM subscribers_subscription AS subscription
    WHERE subscription.list_id = ANY(%(include)s){{range}} GROUP BY subscription.subscriber_id"""  # noqa: S608 - our own words

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
    subscriptions, people = within("subscription.subscriber_id"), within("person.id")
    narrow = ""
    if audience.include_segments:
        inside = _members(audience.include_segments, audience, params, after, through)
        narrow = f" AND subscription.subscriber_id IN ({inside})"
    sql = _VERDICTS.format(
        included=included.format(range=subscriptions + narrow),
        excluded_lists=eligibility.EXCLUDED + subscriptions,
        excluded_members=_members(audience.exclude_segments, audience, params, after, through),
        suppressed_people=eligibility.SUPPRESSED + people,
        people=people,
        paused=eligibility.PAUSED,
        fewer=eligibility.wants_fewer(),
        first=_FIRST,
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
