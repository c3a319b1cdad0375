"""The one rule of who gets a campaign.

The audience is everyone with a subscription to an included list; where segments are included, too,
only those of them who are in any of these now. Segments alone narrow all lists in use: consent
always comes from a list (docs/decisions/0016-segments-narrow-lists.md).

Of these are left out, by the first reason that holds: people with a subscription to an excluded
list (whatever its status) or in an excluded segment, suppressed addresses, people who unsubscribed,
people who have not confirmed, people who asked for a pause, and people who want fewer letters and
had one lately. A person in several lists counts once; being subscribed to one included list is
enough, and someone who unsubscribed from one and never confirmed another is "unsubscribed".

Segments are asked at planning; everything else is looked at again when a mail is about to go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from campaigns.audience import eligibility
from campaigns.audience.chosen import Audience
from campaigns.audience.verdicts import BrokenSegmentError, verdicts
from campaigns.models import Campaign
from campaigns.rendering.values import tag_of
from campaigns.states import LeftOut
from subscribers.models import CustomField, MailingList, Subscriber
from subscribers.states import SubscriptionStatus

_LARGE, _REMEMBERED = 20_000, 30  # people; seconds
_LONGEST_KEY = 240  # of the cache
_NEIGHBOURS = 5  # people taken from each starting point of a sample

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
        AND (SELECT {left_out} FROM subscribers_subscriber AS person {stands}
            WHERE person.id = s.subscriber_id) = ''
    ORDER BY s.subscriber_id LIMIT %(each)s
) picked
ORDER BY picked.id
"""

# Of an audience that segments decide about: evenly spaced among those who get it.
_SAMPLE_OF_ALL = """
SELECT id FROM (
    SELECT subscriber_id AS id, row_number() OVER (ORDER BY subscriber_id) - 1 AS place,
        count(*) OVER () AS whole
    FROM ({verdicts}) verdicts WHERE left_out = ''
) getting
WHERE place * %(number)s / whole <> (place - 1) * %(number)s / whole OR place = 0
ORDER BY id LIMIT %(number)s
"""


def lists_of(campaign: Campaign) -> QuerySet[MailingList]:
    """Return the lists that a campaign's mails came by: those chosen, or (by segments alone) all.

    Whoever leaves by a link of its mails leaves these, also those that were archived since. Once it
    is being sent, those of its beginning count (`delivery.models.Dispatch.lists`).
    """
    if campaign.include_lists.exists() or not campaign.include_segments.exists():
        return campaign.include_lists.all()
    used = Q(archived_at=None) | Q(archived_at__gte=campaign.created_at)
    return MailingList.objects.filter(used, workspace_id=campaign.workspace_id).order_by("pk")


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """How an audience divides: ``audience`` = ``will_get`` + everyone in ``left_out``."""

    audience: int = 0
    will_get: int = 0
    left_out: dict[LeftOut, int] = field(default_factory=dict)  # reasons that hold for somebody

    @property
    def is_exact(self) -> bool:
        """Whether everybody was counted; `campaigns.audience.sizing` estimates."""
        return True

    @property
    def left_out_total(self) -> int:
        """How many people are left out, for whatever reason."""
        return self.audience - self.will_get


def count(audience: Audience, *, among: Sequence[int] | None = None) -> Breakdown:
    """Count an audience, or those ``among`` it, by what will become of it (a grouped statement).

    One that names a segment whose rules can't be read counts as nobody: `preflight` says why.
    """
    if not audience.include:
        return Breakdown()
    try:
        sql, params = verdicts(audience, among=among)
    except BrokenSegmentError:
        return Breakdown()
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


def recent_count(audience: Audience, *, keep: bool = False) -> Breakdown:
    """Count an audience for a page; a large one may be up to half a minute old.

    ``keep``: it is remembered for that long even if it is small, as counting it was dear.
    """
    if (known := remembered(audience)) is not None:
        return known
    key = _key("audience", audience)
    found = count(audience)
    if (keep or found.audience >= _LARGE) and len(key) < _LONGEST_KEY:
        cache.set(key, found, _REMEMBERED)
    return found


def remembered(audience: Audience) -> Breakdown | None:
    """Return what was counted within half a minute, if it was."""
    key = _key("audience", audience)
    known: Breakdown | None = cache.get(key) if len(key) < _LONGEST_KEY else None
    return known


def _key(name: str, audience: Audience) -> str:
    values = (getattr(audience, field.name) for field in fields(audience))
    return ":".join((name, *map(str, values))).replace(" ", "")


def breakdown(campaign: Campaign) -> Breakdown:
    """Count a campaign's audience by what will become of it."""
    return count(Audience.of(campaign))


def sample(campaign: Campaign, number: int, *, chosen: Audience | None = None) -> list[Subscriber]:
    """Return up to ``number`` people who will get the campaign, spread over the audience."""
    audience = chosen or Audience.of(campaign)
    if not audience.include:
        return []
    by_segment = bool(audience.include_segments or audience.exclude_segments)
    ids = (_sample_of_all if by_segment else _sample)(audience, number)
    if len(ids) > number:  # several lists: thin out evenly
        ids = [ids[position * len(ids) // number] for position in range(number)]
    return list(Subscriber.objects.filter(pk__in=ids).order_by("pk"))


def _sample(audience: Audience, number: int) -> list[int]:
    params: dict[str, Any] = {
        "workspace": audience.workspace,
        "campaign": audience.campaign,
        "include": list(audience.include),
        "exclude": list(audience.exclude),
        "subscribed": SubscriptionStatus.SUBSCRIBED.value,
        "steps": -(-number // _NEIGHBOURS),
        "each": _NEIGHBOURS,
        "now": timezone.now(),
    }
    names = {reason: f"'{reason.value}'" for reason in LeftOut}
    left_out = eligibility.of_person(names=names, nothing="''", gone="'gone'")
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE.format(left_out=left_out, stands=eligibility.STANDS), params)
        return [row[0] for row in cursor.fetchall()]


def lacking(audience: Audience, tags: Sequence[str]) -> dict[str, int]:
    """Count who will get a campaign and has no value for a merge tag, for each of ``tags``.

    One statement over the audience. Tags are those of people: `PERSON_TAGS` or custom fields'.
    """
    if not audience.include or not tags:
        return {}
    try:
        sql, params = verdicts(audience)
    except BrokenSegmentError:
        return {}
    keys = CustomField.objects.filter(workspace=audience.workspace).values_list("key", flat=True)
    fields_by_tag = {tag_of(key): key for key in keys}
    conditions = []
    for place, tag in enumerate(tags):
        if tag in _EMPTY:
            conditions.append(_EMPTY[tag])
        else:
            conditions.append(f"coalesce(person.fields ->> %(field_{place})s, '') IN ('', '[]')")
            params = {**params, f"field_{place}": fields_by_tag.get(tag, tag)}
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {counts} FROM ({sql}) verdicts "  # noqa: S608 - built here, values are parameters
            "JOIN subscribers_subscriber person ON person.id = verdicts.subscriber_id "
            "WHERE left_out = ''",
            params,
        )
        return dict(zip(tags, cursor.fetchone(), strict=True))


_EMPTY = {
    "first_name": "person.first_name = ''",
    "last_name": "person.last_name = ''",
    "name": "person.first_name = '' AND person.last_name = ''",
    "email": "person.email = ''",
    "language": "person.language = ''",
}


def _sample_of_all(audience: Audience, number: int) -> list[int]:
    """Ask for everybody's verdict; a large audience's sample may be half a minute old."""
    key = _key(f"sample:{number}", audience)
    known: list[int] | None = cache.get(key) if len(key) < _LONGEST_KEY else None
    if known is not None:
        return known
    try:
        sql, params = verdicts(audience)
    except BrokenSegmentError:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE_OF_ALL.format(verdicts=sql), {**params, "number": number})
        ids = [row[0] for row in cursor.fetchall()]
    if recent_count(audience).audience >= _LARGE and len(key) < _LONGEST_KEY:
        cache.set(key, ids, _REMEMBERED)
    return ids
