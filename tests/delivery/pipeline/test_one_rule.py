"""Everybody who asks whether a person may be written to gets the same answer.

A population of every standing × exclusion × suppression × wish is asked about by all of them, and
each is compared with the rule as a person would say it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.models import Workspace
from campaigns import lifecycle
from campaigns.audience import rule
from campaigns.audience.chosen import Audience
from campaigns.audience.verdicts import verdicts
from campaigns.models import Campaign
from campaigns.states import CampaignStatus, LeftOut
from delivery.models import Message
from delivery.pipeline import claim, plan
from delivery.states import REASON_OF, MessageState, Reason
from subscribers.models import MailingList, Subscriber, Subscription, Suppression
from subscribers.states import Frequency, SubscriptionStatus, SuppressionReason
from tests.campaigns import makers
from tests.campaigns.segmenting import MakeSegment, make_segment
from tests.delivery import sending

__all__ = ["make_segment"]  # a fixture

pytestmark = pytest.mark.django_db

STANDINGS = (None, *SubscriptionStatus)
# What is suppressed: the address by a member, by the person's wish, only by its hash (somebody with
# it was erased), the same address elsewhere, and another address here.
SUPPRESSIONS = ("", "manual", "wish", "erased", "elsewhere", "another")
WISHES = (
    "",
    "pause",
    "pause over",
    "had one",
    "had one long ago",
    "may have",
    "on its way",
    "idle",
)
COUNTED = {"pause", "had one", "may have", "on its way"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One person: their standing with two included lists and an excluded one, and the rest."""

    news: SubscriptionStatus | None
    offers: SubscriptionStatus | None
    staff: SubscriptionStatus | None
    suppressed: str
    wish: str

    def expected(
        self, *, lists: str = "news offers", excludes: bool = True
    ) -> LeftOut | str | None:
        """Say the rule in plain words; None: gets it; "gone": of no included list."""
        here = {getattr(self, name) for name in lists.split()} - {None}
        if excludes and self.staff is not None:
            return LeftOut.EXCLUDED if here else "gone"
        if not here:
            return "gone"
        if self.suppressed in {"manual", "wish", "erased"}:
            return LeftOut.SUPPRESSED
        if SubscriptionStatus.SUBSCRIBED in here:
            if self.wish == "pause":
                return LeftOut.PAUSED
            return LeftOut.FREQUENCY if self.wish in COUNTED else None
        gone = SubscriptionStatus.UNSUBSCRIBED in here
        return LeftOut.UNSUBSCRIBED if gone else LeftOut.UNCONFIRMED


CASES = [
    Case(news=news, offers=offers, staff=staff, suppressed=suppressed, wish=wish)
    for news, offers, staff, suppressed, wish in product(
        STANDINGS, STANDINGS, (None, SubscriptionStatus.UNSUBSCRIBED), SUPPRESSIONS, WISHES
    )
]


@dataclass(frozen=True, kw_only=True)
class World:
    """The lists and the people, by their keys."""

    workspace: Workspace
    lists: dict[str, MailingList]
    people: dict[int, Case]

    def campaign(self, *lists: str, excludes: bool = True) -> Campaign:
        """Make a draft to these lists, but not to the staff's."""
        found = makers.make_campaign(self.workspace, *(self.lists[name] for name in lists))
        if excludes:
            found.exclude_lists.set([self.lists["staff"]])
        return found

    def expected(self, *lists: str, excludes: bool = True) -> dict[int, str]:
        """Return each person's verdict, as `verdicts` says it, of those in the audience."""
        said = {
            key: case.expected(lists=" ".join(lists), excludes=excludes)
            for key, case in self.people.items()
        }
        return {key: str(verdict or "") for key, verdict in said.items() if verdict != "gone"}


@pytest.fixture
def world(workspace: Workspace, other_workspace: Workspace) -> World:
    now = timezone.now()
    sending.make_account(workspace)
    lists = {name: makers.make_list(workspace, name) for name in ("news", "offers", "staff")}
    people = Subscriber.objects.bulk_create(_person(workspace, n, now) for n in range(len(CASES)))
    known = dict(zip((person.pk for person in people), CASES, strict=True))
    Subscription.objects.bulk_create(
        Subscription(workspace=workspace, list=lists[name], subscriber=person, status=status)
        for person, case in zip(people, CASES, strict=True)
        for name in lists
        if (status := getattr(case, name)) is not None
    )
    Suppression.objects.bulk_create(
        _suppression(person, case.suppressed, other_workspace)
        for person, case in zip(people, CASES, strict=True)
        if case.suppressed
    )
    before = makers.make_campaign(workspace, status=CampaignStatus.SENT)
    beside = makers.make_campaign(workspace, status=CampaignStatus.SENDING)
    resting = makers.make_campaign(workspace, status=CampaignStatus.PAUSED)
    letters = {
        "had one": (before, MessageState.SENT, Reason.NONE, 2),
        "had one long ago": (before, MessageState.SENT, Reason.NONE, 9),
        "may have": (before, MessageState.UNKNOWN, Reason.NO_REPLY, 2),
        "on its way": (beside, MessageState.PLANNED, Reason.NONE, None),
        "idle": (resting, MessageState.PLANNED, Reason.NONE, None),
    }
    Message.objects.bulk_create(
        Message(
            campaign=campaign,
            subscriber=person,
            state=state,
            reason=reason,
            attempted_at=None if days is None else now - timedelta(days=days),
        )
        for person, case in zip(people, CASES, strict=True)
        if case.wish in letters
        for campaign, state, reason, days in [letters[case.wish]]
    )
    with connection.cursor() as cursor:  # plans are chosen by what is known of the tables
        cursor.execute(
            "ANALYZE subscribers_subscriber, subscribers_subscription, subscribers_suppression,"
            " delivery_message"
        )
    return World(workspace=workspace, lists=lists, people=known)


def _person(workspace: Workspace, number: int, now: datetime) -> Subscriber:
    wish = CASES[number].wish
    pauses = {"pause": now + timedelta(days=3), "pause over": now - timedelta(minutes=1)}
    email = f"p{number}@x.example"
    return Subscriber(
        workspace=workspace,
        email=email,
        email_key=email,
        address_hash=makers.hash_of(workspace, email),
        domain_group=number % 4,
        paused_until=pauses.get(wish),
        frequency=Frequency.ALL if wish in {"", *pauses} else Frequency.WEEKLY,
    )


def _suppression(person: Subscriber, kind: str, elsewhere: Workspace) -> Suppression:
    digest, key = person.address_hash, person.email_key
    if kind == "another":
        key = f"other-{key}"
        digest = makers.hash_of(person.workspace, key)
    return Suppression(
        workspace=elsewhere if kind == "elsewhere" else person.workspace,
        address_hash=digest,
        email_key="" if kind == "erased" else key,
        reason={
            "wish": SuppressionReason.UNSUBSCRIBED,
            "erased": SuppressionReason.ERASED,
        }.get(kind, SuppressionReason.MANUAL),
    )


def judged(chosen: Audience, **bounds: int | None) -> dict[int, str]:
    sql, params = verdicts(chosen, **bounds)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    found = dict(rows)
    assert len(found) == len(rows)
    return found


def planned(campaign: Campaign) -> dict[int, str]:
    names = {reason: str(left_out) for left_out, reason in REASON_OF.items()} | {Reason.NONE: ""}
    rows = Message.objects.filter(campaign=campaign).values_list("subscriber_id", "reason")
    return {key: names[Reason(reason)] for key, reason in rows}


def claimed(campaign: Campaign, chosen: Audience) -> dict[int, Reason]:
    """Have a claim look at everybody whom planning took, as if all of them were to be sent to."""
    rows = Message.objects.filter(campaign=campaign)
    rows.update(state=MessageState.PLANNED, reason=Reason.NONE)
    people = dict(rows.order_by("pk").values_list("pk", "subscriber_id"))
    held = claim.Held(
        id=0,
        campaign=campaign.pk,
        attempt=0,
        first=min(people),
        last=max(people),
        messages=None,
        token="",
    )
    due, left_out = sending.read(held, chosen)
    assert {one.message_id for one in due}.isdisjoint(left_out)
    found = {people[pk]: reason for pk, reason in left_out.items()}
    return found | {one.subscriber_id: Reason.NONE for one in due}


def reasons(expected: dict[int, str]) -> dict[int, Reason]:
    numbers = {str(left_out): reason for left_out, reason in REASON_OF.items()}
    return {key: numbers.get(verdict, Reason.NONE) for key, verdict in expected.items()}


@pytest.mark.parametrize("excludes", [True, False])
@pytest.mark.parametrize("lists", [("news",), ("news", "offers")])
def test_all_who_ask_agree(world: World, lists: tuple[str, ...], *, excludes: bool) -> None:
    expected = world.expected(*lists, excludes=excludes)
    assert set(expected.values()) == {"", *LeftOut} - (set() if excludes else {LeftOut.EXCLUDED})
    campaign = world.campaign(*lists, excludes=excludes)
    chosen = Audience.of(campaign)
    getting = {key for key, verdict in expected.items() if not verdict}

    assert judged(chosen) == expected
    middle = sorted(world.people)[len(world.people) // 2]
    assert judged(chosen, through=middle) | judged(chosen, after=middle) == expected
    counted = rule.breakdown(campaign)
    assert counted.audience == len(expected)
    assert counted.will_get == len(getting)
    assert counted.left_out == {
        reason: list(expected.values()).count(reason.value)
        for reason in LeftOut
        if reason.value in expected.values()
    }
    everybody = rule.sample(campaign, len(world.people))
    assert {person.pk for person in everybody} == getting

    assert lifecycle.schedule(campaign, at=timezone.now())
    assert plan.begin(campaign)
    sending.plan_all(campaign)
    assert planned(campaign) == expected
    assert claimed(campaign, chosen) == reasons(expected)


def test_a_claim_says_of_whom_no_list_is_left(world: World) -> None:
    campaign = world.campaign("news", "offers")
    chosen = Audience.of(campaign)
    Message.objects.bulk_create(
        Message(campaign=campaign, subscriber_id=key, state=MessageState.PLANNED)
        for key in sorted(world.people)
    )
    found = claimed(campaign, chosen)
    for key, case in world.people.items():
        if case.expected() != "gone":
            continue
        if case.staff is not None:
            assert found[key] is Reason.EXCLUDED
        elif case.suppressed in {"manual", "wish", "erased"}:
            assert found[key] is Reason.SUPPRESSED
        else:
            assert found[key] is Reason.GONE


def test_a_sample_by_segments_agrees(world: World, make_segment: MakeSegment) -> None:
    segment = make_segment(world.workspace, "Everybody", Q())
    campaign = world.campaign("news", "offers")
    campaign.include_segments.set([segment])
    expected = world.expected("news", "offers")
    assert judged(Audience.of(campaign)) == expected
    found = {person.pk for person in rule.sample(campaign, len(world.people))}
    assert found == {key for key, verdict in expected.items() if not verdict}
