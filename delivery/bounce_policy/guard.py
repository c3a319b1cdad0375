"""A mailbox provider that suddenly refuses everybody is in trouble, or has trouble with us.

Then no list of people is emptied: who would be suppressed is held back, a person decides, and mail
to a large provider waits. Refusals are counted by the hour they happened in; what they are a share
of is what went there in the same time (`SendMinute`; for a smaller domain, its people's mails; see
`_is_large`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import F, Sum
from django.utils import timezone

from delivery.models import BouncePolicy, ProviderAlarm, RefusalHour, SendMinute
from subscribers.models import Subscriber
from subscribers.states import DomainGroup

PAUSE: Final = timedelta(hours=1)  # doubled each time that nothing has changed
LONGEST_PAUSE: Final = timedelta(hours=12)
NEWS: Final = timedelta(hours=2)  # only what happened lately keeps mail from being sent
LATE: Final = timedelta(days=5)  # mails come back for so long
KEPT: Final = timedelta(days=14)
MOST_PEOPLE_READ: Final = 100_000  # to count the mails of a small domain
Provider = tuple[int, str]  # domain group, and the domain where the group is OTHER

_ADD: Final = """
INSERT INTO delivery_refusalhour AS known (workspace_id, domain_group, domain, hour, refused)
SELECT %(workspace)s, * FROM unnest(%(groups)s::smallint[], %(domains)s::text[],
    %(hours)s::timestamptz[], %(counts)s::int[]) AS more (domain_group, domain, hour, refused)
ORDER BY 2, 3, 4
ON CONFLICT (workspace_id, domain_group, domain, hour)
DO UPDATE SET refused = known.refused + EXCLUDED.refused
"""
_SENT_TO_DOMAIN: Final = """
SELECT count(*) FROM subscribers_subscriber person
JOIN delivery_message message ON message.subscriber_id = person.id
WHERE person.workspace_id = %(workspace)s AND person.email_key LIKE %(ending)s
    AND message.attempted_at BETWEEN %(since)s AND %(until)s
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A mail that a mailbox provider refused for good."""

    provider: Provider
    at: datetime


def provider_of(domain_group: int, address_key: str) -> Provider:
    """Return by what a person's mailbox provider is told apart."""
    if domain_group != DomainGroup.OTHER:
        return domain_group, ""
    return domain_group, address_key.rpartition("@")[2][:253]


def note(policy: BouncePolicy, refusals: Iterable[Refusal]) -> list[ProviderAlarm]:
    """Count refusals; returns the alarms that they raise, new or anew."""
    hours: Counter[tuple[Provider, datetime]] = Counter()
    newest: dict[Provider, datetime] = {}
    for refusal in refusals:
        hours[refusal.provider, _hour(refusal.at)] += 1
        newest[refusal.provider] = max(refusal.at, newest.get(refusal.provider, refusal.at))
    if not hours:
        return []
    _add(policy.workspace_id, hours)
    if not policy.guard:
        return []
    more = Counter[Provider]()
    for (provider, _), count in hours.items():
        more[provider] += count
    many = _many(policy, newest)
    found = (
        _judge(policy, who, at=at, more=more[who])
        for who, at in sorted(newest.items())
        if who in many
    )
    return [alarm for alarm in found if alarm is not None]


def _many(policy: BouncePolicy, newest: Mapping[Provider, datetime]) -> set[Provider]:
    """Return those of these providers that may have refused enough to be looked at one by one."""
    since = _hour(min(newest.values())) - timedelta(hours=policy.guard_hours)
    rows = (
        RefusalHour.objects.filter(workspace_id=policy.workspace_id, hour__gte=since)
        .filter(
            domain_group__in={group for group, _domain in newest},
            domain__in={domain for _group, domain in newest},
        )
        .values_list("domain_group", "domain")
        .annotate(n=Sum("refused"))
        .filter(n__gte=policy.guard_least)
    )
    return {(group, domain) for group, domain, _n in rows}


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _add(workspace_id: int, hours: Mapping[tuple[Provider, datetime], int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD,
            {
                "workspace": workspace_id,
                "groups": [group for (group, _domain), _hour in hours],
                "domains": [domain for (_group, domain), _hour in hours],
                "hours": [hour for _provider, hour in hours],
                "counts": list(hours.values()),
            },
        )


def _judge(
    policy: BouncePolicy, provider: Provider, *, at: datetime, more: int
) -> ProviderAlarm | None:
    """Raise the alarm, or keep it up, if the numbers say so; None: they do not."""
    known = open_alarm(policy.workspace_id, provider)
    since = _hour(at) - timedelta(hours=policy.guard_hours)
    if known and known.paused_until:
        if known.paused_until > at:
            return None
        since = max(since, _hour(known.paused_until))
    counted = RefusalHour.objects.filter(
        workspace_id=policy.workspace_id,
        domain_group=provider[0],
        domain=provider[1],
        hour__gte=since,
        hour__lte=at,
    )
    refused = counted.aggregate(n=Sum("refused"))["n"] or 0
    if refused < policy.guard_least or not _is_asked(policy, provider, refused, more=more):
        return None
    of = _sent(policy.workspace_id, provider, since, at)
    if of < refused:  # mails that went out before and come back now
        of = _sent(policy.workspace_id, provider, since - LATE, at)
    of = max(of, refused)
    if refused * 100 < policy.guard_percent * of:
        return None
    return _raise(policy.workspace_id, provider, known, refused=refused, of=of, at=at)


def _is_asked(policy: BouncePolicy, provider: Provider, refused: int, *, more: int) -> bool:
    """Say whether to count the mails that went there: of a small domain that reads all people.

    So there only when the refusals have reached the least, and when they have doubled since.
    """
    if provider[0] != DomainGroup.OTHER:
        return True
    step = policy.guard_least
    while step * 2 <= refused:
        step *= 2
    return refused - more < step <= refused


def _sent(workspace_id: int, provider: Provider, since: datetime, until: datetime) -> int:
    group, domain = provider
    if group != DomainGroup.OTHER or _is_large(workspace_id):
        minutes = SendMinute.objects.filter(
            campaign__workspace_id=workspace_id,
            domain_group=group,
            minute__gte=since,
            minute__lte=until,
        )
        return int(minutes.aggregate(n=Sum(F("sent") + F("failed")))["n"] or 0)
    # A domain holds nothing that LIKE reads as more than itself but the underscore.
    ending = "%@" + domain.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
    with connection.cursor() as cursor:
        cursor.execute(
            _SENT_TO_DOMAIN,
            {"workspace": workspace_id, "ending": ending, "since": since, "until": until},
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _is_large(workspace_id: int) -> bool:
    """Say whether a workspace has too many people to look for those of one domain.

    The rows of mails are locked meanwhile. There a small domain's refusals are a share of what went
    to all small domains, which is more: no false alarm comes of it.
    """
    people = Subscriber.objects.filter(workspace_id=workspace_id).order_by()
    return people.values("pk")[:MOST_PEOPLE_READ].count() >= MOST_PEOPLE_READ


def _raise(  # noqa: PLR0913 - what an alarm says
    workspace_id: int,
    provider: Provider,
    known: ProviderAlarm | None,
    *,
    refused: int,
    of: int,
    at: datetime,
) -> ProviderAlarm:
    alarm = known or _opened(workspace_id, provider, refused=refused, of=of, at=at)
    alarm.refused, alarm.of = refused, of
    now = timezone.now()
    if provider[0] != DomainGroup.OTHER and at > now - NEWS:
        wait = min(PAUSE * 2 ** min(alarm.pauses, 8), LONGEST_PAUSE)
        alarm.paused_until = now + wait
        alarm.pauses += 1
    alarm.save()
    return alarm


def _opened(
    workspace_id: int, provider: Provider, *, refused: int, of: int, at: datetime
) -> ProviderAlarm:
    """Open an alarm, or return the one that another process opens at this moment."""
    group, domain = provider
    alarm, _is_new = ProviderAlarm.objects.get_or_create(
        workspace_id=workspace_id,
        domain_group=group,
        domain=domain,
        closed_at=None,
        defaults={"refused": refused, "of": of, "since": at},
    )
    return alarm


def open_alarm(workspace_id: int, provider: Provider) -> ProviderAlarm | None:
    """Return the alarm about a provider that nobody has decided about."""
    return (
        ProviderAlarm.objects.select_for_update()
        .filter(
            workspace_id=workspace_id,
            domain_group=provider[0],
            domain=provider[1],
            closed_at=None,
        )
        .first()
    )


def alarms(workspace_id: int) -> list[ProviderAlarm]:
    """Return the alarms of a workspace that nobody has decided about, newest first."""
    rows = ProviderAlarm.objects.filter(workspace_id=workspace_id, closed_at=None)
    return list(rows.order_by("-since"))


def pausing(workspaces: Iterable[int]) -> list[ProviderAlarm]:
    """Return the alarms of these workspaces for which mail waits now."""
    rows = ProviderAlarm.objects.filter(
        workspace_id__in=set(workspaces), closed_at=None, paused_until__gt=timezone.now()
    )
    return list(rows.order_by("pk"))


def paused(workspace_id: int) -> dict[int, datetime]:
    """Return the large providers that nothing is sent to now, and until when."""
    found = pausing([workspace_id])
    return {one.domain_group: one.paused_until for one in found if one.paused_until}


def forget_old() -> int:
    """Forget the counts of hours that no window reaches back to; returns how many."""
    gone, _each = RefusalHour.objects.filter(hour__lt=timezone.now() - KEPT).delete()
    return gone
