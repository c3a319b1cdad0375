"""How many people an audience has, for a page that answers at once.

Small workspaces and small lists are counted. Else some people are drawn one by one and judged by
the very statement that planning uses (`verdicts`); each figure comes with its range, as
for a segment (docs/decisions/0078-estimate-by-random-samples.md). What is confirmed
before sending is always counted: `audience.breakdown`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Sum
from django.utils import timezone

from accounts.models import Workspace
from campaigns.audience import rule
from campaigns.audience.chosen import Audience
from campaigns.audience.rule import Breakdown
from campaigns.audience.verdicts import BrokenSegmentError, getting
from campaigns.models import Campaign
from campaigns.states import LeftOut
from subscribers.models import Subscriber, Subscription, SubscriptionTally
from subscribers.segments import estimating, members
from subscribers.segments.estimating import Estimate

FEW: Final = 5_000  # people on the chosen lists; so many are judged one by one


@dataclass(frozen=True, kw_only=True)
class Estimated(Breakdown):
    """A division that was estimated: its figures are the middles of ranges.

    ``ranges`` holds them by figure: "audience", "will_get", and each reason of ``left_out``. Empty:
    asking took too long, and nothing is known yet. ``trouble`` says why no exact number comes.
    """

    ranges: Mapping[str, Estimate] = field(default_factory=dict)
    asked: int = 0
    trouble: str = ""

    @property
    def is_exact(self) -> bool:
        """Never."""
        return False


def quick(chosen: Audience) -> Breakdown:
    """Return how an audience divides, at once: counted where that is cheap, else `Estimated`."""
    known = rule.remembered(chosen)
    if known is not None or not chosen.include:
        return known or Breakdown()
    if chosen.everybody < estimating.MANY:
        return rule.recent_count(chosen)
    try:
        listed = _listed(chosen)
        if listed <= FEW:
            return rule.count(chosen, among=_on_lists(chosen))
        return _estimate(chosen, listed=listed)
    except members.TooMuch:
        return Estimated()


def exactly(chosen: Audience) -> Breakdown:
    """Count an audience however long that takes, within reason; else what is estimated, and why."""
    try:
        with members.in_time():
            is_dear = chosen.everybody >= estimating.MANY
            return rule.recent_count(chosen, keep=is_dear)
    except members.TooMuch as wrong:
        about = quick(chosen)
        if isinstance(about, Estimated):
            return Estimated(
                audience=about.audience,
                will_get=about.will_get,
                left_out=about.left_out,
                ranges=about.ranges,
                asked=about.asked,
                trouble=wrong.faults[0].message,
            )
        return about


def sample(campaign: Campaign, number: int, *, chosen: Audience | None = None) -> list[Subscriber]:
    """Return up to ``number`` people who will get a campaign, spread over the audience.

    Where segments decide, people drawn one by one are asked; all only if none of those gets it, and
    not for long.
    """
    chosen = chosen or Audience.of(campaign)
    if chosen.everybody < estimating.MANY:
        return rule.sample(campaign, number, chosen=chosen)
    try:
        with members.in_time():
            found = _readers(chosen, number)
            if not found:
                return rule.sample(campaign, number, chosen=chosen)
    except members.TooMuch:
        return []
    return list(Subscriber.objects.filter(pk__in=found).order_by("pk"))


def _readers(chosen: Audience, number: int) -> list[int]:
    """Return keys of people drawn one by one who get it; none where everybody can be asked."""
    by_segment = chosen.include_segments or chosen.exclude_segments
    if not (chosen.include and by_segment):
        return []
    listed = _listed(chosen)
    keys = _on_lists(chosen) if listed <= FEW else _drawn(chosen, listed=listed)
    try:
        found = getting(chosen, among=keys)
    except BrokenSegmentError:
        return []
    return [found[place * len(found) // number] for place in range(min(number, len(found)))]


def _listed(chosen: Audience) -> int:
    """Return how often people stand on the chosen lists: those on two count twice."""
    tallies = SubscriptionTally.objects.filter(list__in=chosen.include)
    return int(tallies.aggregate(people=Sum("count"))["people"] or 0)


def _on_lists(chosen: Audience) -> list[int]:
    rows = Subscription.objects.filter(list__in=chosen.include).order_by()
    return sorted(set(rows.values_list("subscriber_id", flat=True)))


def _drawn(chosen: Audience, *, listed: int) -> list[int]:
    seed = f"{chosen.workspace} {timezone.now():%Y-%m-%d}"
    share = min(listed / chosen.everybody, 1)
    workspace = Workspace(pk=chosen.workspace)
    return estimating.draw(workspace, whole=chosen.everybody, seed=seed, share=share)


def _estimate(chosen: Audience, *, listed: int) -> Breakdown:
    whole = chosen.everybody
    with members.in_time(milliseconds=estimating.MILLISECONDS):
        keys: Sequence[int] = _drawn(chosen, listed=listed)
        if len(chosen.include) == 1:  # how many they are is known: only their shares are not
            rows = Subscription.objects.filter(list=chosen.include[0], subscriber__in=keys)
            keys, whole = list(rows.order_by().values_list("subscriber_id", flat=True)), listed
        if not keys:
            return Estimated()
        found = rule.count(chosen, among=keys)

    def scaled(people: int) -> Estimate:
        return estimating.scaled(people, asked=len(keys), whole=whole)

    def known(people: int) -> Estimate:
        return Estimate(value=people, low=people, high=people, of=whole, asked=len(keys))

    is_known = len(chosen.include) == 1 and not chosen.include_segments
    ranges = {
        "audience": known(whole) if is_known else scaled(found.audience),
        "will_get": scaled(found.will_get),
        "left_out": scaled(found.left_out_total),
        **{reason.value: scaled(found.left_out.get(reason, 0)) for reason in LeftOut},
    }
    return Estimated(
        audience=ranges["audience"].value,
        will_get=ranges["will_get"].value,
        left_out={reason: ranges[reason.value].value for reason in found.left_out},
        ranges=ranges,
        asked=len(keys),
    )
