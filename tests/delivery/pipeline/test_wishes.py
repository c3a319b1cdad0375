"""People who asked for a pause or for fewer letters, at planning and again at the claim."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Workspace
from campaigns import lifecycle
from campaigns.audience import rule
from campaigns.audience.chosen import Audience
from campaigns.models import Campaign
from campaigns.states import CampaignStatus, LeftOut
from delivery.models import Message
from delivery.pipeline import plan
from delivery.states import MessageState, Reason
from subscribers.models import MailingList, Segment, Subscriber
from subscribers.states import Frequency
from tests.campaigns import makers
from tests.campaigns.segmenting import MakeSegment, make_segment
from tests.delivery import sending
from tests.people import Cast

__all__ = ["make_segment"]  # a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def news(cast: Cast) -> MailingList:
    sending.make_account(cast.workspace)
    return makers.make_list(cast.workspace, "News")


def reader(news: MailingList, name: str, **wishes: object) -> Subscriber:
    return makers.make_reader(news.workspace, news, f"{name}@x.example", **wishes)


def send(news: MailingList) -> Campaign:
    """Begin a campaign to the list, and plan it."""
    campaign = makers.make_campaign(news.workspace, news)
    assert lifecycle.schedule(campaign, at=timezone.now())
    assert plan.begin(campaign)
    sending.plan_all(campaign)
    return campaign


def had_letter(person: Subscriber, *, days: float, state: MessageState = MessageState.SENT) -> None:
    earlier = makers.make_campaign(person.workspace, status=CampaignStatus.SENT)
    Message.objects.create(
        campaign=earlier,
        subscriber=person,
        state=state,
        reason=Reason.NO_REPLY if state is MessageState.UNKNOWN else Reason.NONE,
        attempted_at=timezone.now() - timedelta(days=days),
    )


def why(campaign: Campaign, person: Subscriber) -> Reason:
    return Reason(Message.objects.get(campaign=campaign, subscriber=person).reason)


def test_a_pause_that_lasts_is_respected_one_that_is_over_not(news: MailingList) -> None:
    now = timezone.now()
    resting = reader(news, "resting", paused_until=now + timedelta(days=3))
    back = reader(news, "back", paused_until=now - timedelta(minutes=1))
    draft = makers.make_campaign(news.workspace, news)
    assert rule.breakdown(draft).left_out == {LeftOut.PAUSED: 1}
    assert rule.sample(draft, 5) == [back]
    campaign = send(news)
    assert why(campaign, resting) is Reason.PAUSED
    assert why(campaign, back) is Reason.NONE
    assert sending.tallies(campaign) == sending.ledger(campaign)


@pytest.mark.parametrize(
    ("frequency", "days", "state", "reason"),
    [
        (Frequency.WEEKLY, 6.0, MessageState.SENT, Reason.WANTS_FEWER),
        (Frequency.WEEKLY, 6.0, MessageState.UNKNOWN, Reason.WANTS_FEWER),
        (Frequency.WEEKLY, 6.0, MessageState.FAILED, Reason.NONE),
        (Frequency.WEEKLY, 6.9, MessageState.SENT, Reason.NONE),  # as last week, only a bit earlier
        (Frequency.WEEKLY, 8.0, MessageState.SENT, Reason.NONE),
        (Frequency.MONTHLY, 29.0, MessageState.SENT, Reason.WANTS_FEWER),
        (Frequency.MONTHLY, 31.0, MessageState.SENT, Reason.NONE),
        (Frequency.ALL, 0.1, MessageState.SENT, Reason.NONE),
    ],
)
def test_who_wants_fewer_letters_gets_them_so_far_apart(
    news: MailingList, frequency: Frequency, days: float, state: MessageState, reason: Reason
) -> None:
    person = reader(news, "ani", frequency=frequency)
    had_letter(person, days=days, state=state)
    draft = makers.make_campaign(news.workspace, news)
    assert rule.breakdown(draft).will_get == (reason is Reason.NONE)
    assert len(rule.sample(draft, 5)) == (reason is Reason.NONE)
    assert why(send(news), person) is reason


def test_wishes_since_planning_are_seen_at_the_claim(news: MailingList) -> None:
    resting, weekly, other = (reader(news, name) for name in ("resting", "weekly", "other"))
    campaign = send(news)
    assert sending.states(campaign) == {MessageState.PLANNED: 3}
    Subscriber.objects.filter(pk=resting.pk).update(paused_until=timezone.now() + timedelta(days=1))
    Subscriber.objects.filter(pk=weekly.pk).update(frequency=Frequency.WEEKLY)
    had_letter(weekly, days=2)
    of = {m.subscriber_id: m.pk for m in Message.objects.filter(campaign=campaign)}
    due, left_out = sending.read(sending.take(campaign), Audience.of(campaign))
    assert left_out == {of[resting.pk]: Reason.PAUSED, of[weekly.pk]: Reason.WANTS_FEWER}
    assert [message.subscriber_id for message in due] == [other.pk]


def test_consent_comes_before_wishes(news: MailingList) -> None:
    person = reader(news, "ani", paused_until=timezone.now() + timedelta(days=1))
    makers.suppress(person)
    assert why(send(news), person) is Reason.SUPPRESSED


def test_of_two_campaigns_at_once_only_the_first_reaches_them(news: MailingList) -> None:
    person = reader(news, "ani")
    first, second = send(news), send(news)
    Subscriber.objects.filter(pk=person.pk).update(frequency=Frequency.WEEKLY)
    due, _ = sending.read(sending.take(first, token="a"), Audience.of(first))
    assert [message.subscriber_id for message in due] == [person.pk]
    held = sending.take(second, token="b")
    _, left_out = sending.read(held, Audience.of(second))
    assert list(left_out.values()) == [Reason.WANTS_FEWER]
    lifecycle.cancel(first)
    due, _ = sending.read(held, Audience.of(second))
    assert len(due) == 1


def test_the_next_campaign_leaves_out_who_has_one_on_its_way(news: MailingList) -> None:
    person = reader(news, "ani", frequency=Frequency.MONTHLY)
    assert why(send(news), person) is Reason.NONE
    assert why(send(news), person) is Reason.WANTS_FEWER


def test_a_second_try_is_not_a_second_letter(news: MailingList) -> None:
    person = reader(news, "ani", frequency=Frequency.WEEKLY)
    campaign = send(news)
    Message.objects.filter(campaign=campaign).update(attempted_at=timezone.now())
    due, left_out = sending.read(sending.take(campaign), Audience.of(campaign))
    assert ([message.subscriber_id for message in due], left_out) == ([person.pk], {})


def test_segments_decide_at_planning_and_lists_again_at_the_claim(
    news: MailingList, make_segment: MakeSegment
) -> None:
    ani, beni, cici = (reader(news, name, first_name=name) for name in ("ani", "beni", "cici"))
    campaign = makers.make_campaign(news.workspace, news)
    campaign.include_segments.add(make_segment(news.workspace, "In", ~Q(first_name="cici")))
    campaign.exclude_segments.add(make_segment(news.workspace, "Out", Q(first_name="beni")))
    assert lifecycle.schedule(campaign, at=timezone.now())
    assert plan.begin(campaign)
    sending.plan_all(campaign)
    assert why(campaign, beni) is Reason.EXCLUDED
    assert not Message.objects.filter(campaign=campaign, subscriber=cici).exists()
    Subscriber.objects.update(first_name="cici")  # nobody is in the segment any more
    due, left_out = sending.read(sending.take(campaign), Audience.of(campaign))
    assert ([message.subscriber_id for message in due], left_out) == ([ani.pk], {})


def test_chunks_of_a_segment_are_ranges_of_it(
    cast: Cast, make_segment: MakeSegment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FIRST_CHUNK", 5)
    monkeypatch.setattr(plan, "CHUNK", 10)
    campaign = sending.start(cast.workspace, 42)
    some = make_segment(cast.workspace, "Some", Q(first_name__in=["Name1", "Name7", "Name41"]))
    campaign.include_segments.add(some)
    with CaptureQueriesContext(connection) as seen:
        sending.plan_all(campaign)
    inserts = [
        q["sql"] for q in seen.captured_queries if "INSERT INTO delivery_message" in q["sql"]
    ]
    assert len(inserts) == 5
    assert all(sql.count('"subscribers_subscriber"."id" > ') == 1 for sql in inserts)
    assert sending.states(campaign) == {MessageState.PLANNED: 3}


def test_a_segment_that_breaks_pauses_the_campaign_and_says_so(
    cast: Cast, make_segment: MakeSegment
) -> None:
    campaign = sending.start(cast.workspace, 3)
    broken = Segment.objects.create(workspace=cast.workspace, name="Broken")
    campaign.include_segments.add(broken)
    assert plan.step(campaign.pk).is_done
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.PAUSED
    assert campaign.pause_reason == "The rules of the segment “Broken” can't be read any more."
    assert plan.unfinished() == [campaign.pk]
    campaign.include_segments.clear()
    sending.plan_all(campaign)
    assert sending.states(campaign) == {MessageState.PLANNED: 3}


def test_nobody_elses_letters_are_looked_up(workspace: Workspace, cast: Cast) -> None:
    """The ledger is asked by the person's own index, and of people with a wish only."""
    campaign = sending.planned(workspace, 3)
    held = sending.take(campaign)
    with CaptureQueriesContext(connection) as seen:
        sending.read(held, Audience.of(campaign))
    with connection.cursor() as cursor:
        # A handful of rows tempts the planner to plans that no real ledger sees.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT TEXT) {seen.captured_queries[-1]['sql']}")
        lines = [row[0] for row in cursor.fetchall()]
    letter = next(line for line in lines if " letter " in line)
    assert "message_by_subscriber" in letter
    assert "never executed" in letter
