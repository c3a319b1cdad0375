"""What follows from refusals for the people they are about, by their workspace's policy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Workspace
from delivery.bounce_policy import effects, guard, rules, runs
from delivery.bounce_policy.runs import Run
from delivery.models import BouncePolicy, Event, HeldBack, ProviderAlarm, SoftBounces
from delivery.states import Effect, EventKind
from subscribers.consent import suppression
from subscribers.models import Subscriber
from subscribers.states import SuppressionReason

MOST_TAKEN_BACK: Final = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """One mail that did not arrive. Its `Event` is written already; ``at``: when that happened.

    ``is_told_again``: its refusal was known before, by other news; the guard counts mails.
    """

    message_id: int
    subscriber_id: int
    effect: Effect
    at: datetime
    is_told_again: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Person:
    id: int
    key: str
    domain_group: int

    @property
    def provider(self) -> guard.Provider:
        return guard.provider_of(self.domain_group, self.key)


def follow(workspace_id: int, refused: Sequence[Refused]) -> None:
    """Suppress, count or hold back, inside the transaction that recorded the refusals.

    Whatever is about the mail, our server or our name changes nothing for a person.
    """
    told = [one for one in refused if one.effect in effects.REFUSALS | effects.COUNTED]
    if not told:
        return
    people = _people(workspace_id, (one.subscriber_id for one in told))
    told = [one for one in told if one.subscriber_id in people]
    policy = rules.of(workspace_id)
    found = _candidates(policy, told)
    alarms = guard.note(policy, _refusals(told, people))
    for alarm in alarms:
        _take_back(policy, alarm)
    excepted = rules.excepted(workspace_id, (people[person].key for person in found))
    due = {person: why for person, why in found.items() if people[person].key not in excepted}
    _suppress(workspace_id, due, people)


def delivered(people: Iterable[int]) -> None:
    """Note that mail arrived at these people: their bounces in a row are over."""
    known = SoftBounces.objects.filter(subscriber_id__in=list(people), count__gt=0)
    ids = list(known.values_list("subscriber_id", flat=True))
    if ids:
        runs.keep(runs.of(ids))


def counted_anew(people: Iterable[int]) -> None:
    """Count these people's bounces in a row from the ledger again."""
    runs.keep(runs.of(people))


def _people(workspace_id: int, ids: Iterable[int]) -> dict[int, _Person]:
    rows = Subscriber.objects.filter(workspace_id=workspace_id, pk__in=set(ids))
    return {
        pk: _Person(id=pk, key=key, domain_group=group)
        for pk, key, group in rows.values_list("pk", "email_key", "domain_group")
    }


def _refusals(told: Iterable[Refused], people: Mapping[int, _Person]) -> list[guard.Refusal]:
    """Return each mail's first refusal: others say of the same mail what it said."""
    first: dict[int, Refused] = {}
    for one in told:
        if one.effect in effects.REFUSALS and not one.is_told_again:
            first.setdefault(one.message_id, one)
    return [
        guard.Refusal(provider=people[one.subscriber_id].provider, at=one.at)
        for one in first.values()
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """Why somebody is written to no more."""

    effect: Effect
    run: Run = Run()  # noqa: RUF009 - frozen

    @property
    def detail(self) -> str:
        """The sentence that stands beside the suppression, in the language in force."""
        if self.effect in effects.HARD or not self.run.count:
            return str(self.effect.label)
        return ngettext(
            "%(count)s bounce in a row: %(effect)s",
            "%(count)s bounces in a row: %(effect)s",
            self.run.count,
        ) % {"count": self.run.count, "effect": self.effect.label}


def _candidates(policy: BouncePolicy, told: Sequence[Refused]) -> dict[int, Why]:
    """Return who is to be suppressed by the numbers alone."""
    cleared = dict(
        SoftBounces.objects.filter(
            subscriber_id__in={one.subscriber_id for one in told}, cleared_at__isnull=False
        ).values_list("subscriber_id", "cleared_at")
    )
    found: dict[int, Why] = {}
    counted: dict[int, Effect] = {}
    for one in told:
        since = cleared.get(one.subscriber_id)
        if since is not None and one.at <= since:  # somebody took back what this would do
            continue
        if one.effect in effects.HARD:
            if policy.suppress_hard:
                found[one.subscriber_id] = Why(effect=one.effect)
        elif one.effect in effects.COUNTED:
            counted[one.subscriber_id] = one.effect
    now = runs.of(counted)
    runs.keep(now)
    for person, effect in counted.items():
        if now[person].exceeds(policy):
            found.setdefault(person, Why(effect=effect, run=now[person]))
    return found


def _suppress(workspace_id: int, due: Mapping[int, Why], people: Mapping[int, _Person]) -> None:
    if not due:
        return
    providers = {people[person].provider for person in due}
    opened = {
        (alarm.domain_group, alarm.domain): alarm
        for alarm in guard.alarms(workspace_id)
        if (alarm.domain_group, alarm.domain) in providers
    }
    held = {person: why for person, why in due.items() if people[person].provider in opened}
    HeldBack.objects.bulk_create(
        [
            HeldBack(alarm=opened[people[person].provider], subscriber_id=person, effect=why.effect)
            for person, why in sorted(held.items())
        ],
        ignore_conflicts=True,
    )
    suppress(
        Workspace.objects.get(pk=workspace_id),
        {people[person].key: why for person, why in due.items() if person not in held},
    )


def suppress(workspace: Workspace, due: Mapping[str, Why]) -> int:
    """Suppress addresses, given by their keys, for bounces; returns how many were not."""
    by_detail: dict[str, list[str]] = {}
    with translation.override(workspace.default_language):
        for key, why in due.items():
            by_detail.setdefault(why.detail, []).append(key)
    return sum(
        suppression.insert(
            workspace, keys=sorted(keys), reason=SuppressionReason.BOUNCED, detail=detail
        )
        for detail, keys in sorted(by_detail.items())
    )


def _take_back(policy: BouncePolicy, alarm: ProviderAlarm) -> None:
    """Hold back whom the refusals that led to the alarm have suppressed already."""
    since = alarm.since - timedelta(hours=policy.guard_hours)
    events = (
        Event.objects.filter(
            campaign__workspace_id=alarm.workspace_id,
            kind=EventKind.BOUNCED,
            effect__in=[effect.value for effect in effects.HARD | effects.COUNTED],
            at__gte=since,
            at__lte=timezone.now(),
        )
        .exclude(source__in=[source.value for source in effects.UNSURE])
        .order_by()
        .values_list("subscriber_id", "effect")
        .distinct()[:MOST_TAKEN_BACK]
    )
    told = {person: effect or 0 for person, effect in events}
    people = Subscriber.objects.filter(
        pk__in=list(told), workspace_id=alarm.workspace_id, domain_group=alarm.domain_group
    )
    if alarm.domain:
        people = people.filter(email_key__endswith=f"@{alarm.domain}")
    keys = dict(people.values_list("email_key", "pk"))
    back = suppression.withdraw(
        alarm.workspace_id, keys=list(keys), reason=SuppressionReason.BOUNCED, since=since
    )
    HeldBack.objects.bulk_create(
        [
            HeldBack(alarm=alarm, subscriber_id=keys[key], effect=told[keys[key]])
            for key in sorted(back)
        ],
        ignore_conflicts=True,
    )


def provider_name(alarm: ProviderAlarm) -> str:
    """Return what people know a mailbox provider by."""
    return alarm.domain or str(alarm.get_domain_group_display()) or _("A mailbox provider")
