"""Whom bounces suppress: by the workspace's numbers, never a whole provider's list."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.bounce_policy import guard, lifting, runs, trying
from delivery.events import applying
from delivery.models import (
    BounceException,
    BouncePolicy,
    Event,
    HeldBack,
    Message,
    ProviderAlarm,
    RefusalHour,
    SendMinute,
    SoftBounces,
)
from delivery.pipeline import record
from delivery.states import Effect, EventKind, FeedbackSource, MessageState, Reason
from delivery.transports.protocol import Verdict
from subscribers.consent import suppression
from subscribers.models import Subscriber, Suppression
from subscribers.states import DomainGroup, SuppressionReason
from tests.delivery import makers, sending
from tests.delivery.events.telling import key, news

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)


def days_ago(days):
    return timezone.now() - timedelta(days=days)


def sent(workspace, person, days, **fields):
    campaign = makers.make_sent_campaign(workspace)
    return makers.make_message(campaign, person, attempted_at=days_ago(days), **fields)


def bounce(message, effect, *, days=0.0, number=0):
    return news(
        message,
        EventKind.BOUNCED,
        effect=effect,
        at=days_ago(days),
        key=key(number or message.pk),
    )


def suppressed(workspace):
    rows = Suppression.objects.filter(workspace=workspace)
    return dict(rows.values_list("email_key", "reason"))


@pytest.fixture
def ana(workspace):
    return makers.make_subscriber(workspace, "ana@example.org")


@pytest.fixture
def policy(workspace):
    return BouncePolicy.objects.create(workspace=workspace, soft_count=3, soft_days=14)


def test_a_full_mailbox_suppresses_after_so_many_in_a_row_over_so_many_days(workspace, ana, policy):
    for days in (20, 12):
        applying.apply([bounce(sent(workspace, ana, days), Effect.MAILBOX_FULL, days=days)])
        assert suppressed(workspace) == {}
    row = SoftBounces.objects.get(subscriber=ana)
    assert row.count == 2
    applying.apply([bounce(sent(workspace, ana, 2), Effect.MAILBOX_FULL, days=2)])
    assert suppressed(workspace) == {"ana@example.org": "bounced"}
    detail = Suppression.objects.get().detail
    assert detail == "3 bounces in a row: The mailbox is full"


def test_so_many_in_a_row_within_fewer_days_do_not(workspace, ana, policy):
    for days in (6, 4, 3, 2, 1):
        applying.apply([bounce(sent(workspace, ana, days), Effect.MAILBOX_FULL, days=days)])
    assert SoftBounces.objects.get().count == 5
    assert suppressed(workspace) == {}


@pytest.mark.parametrize("proof", ["delivered_at", "opened_at", "clicked_at", None])
def test_a_mail_between_that_arrived_begins_anew(workspace, ana, policy, proof):
    for days in (30, 20):
        applying.apply([bounce(sent(workspace, ana, days), Effect.MAILBOX_FULL, days=days)])
    # Without proof: accepted, and nothing heard of it for longer than servers try.
    sent(workspace, ana, 15, **({proof: days_ago(14)} if proof else {}))
    applying.apply([bounce(sent(workspace, ana, 3), Effect.MAILBOX_FULL, days=3)])
    assert SoftBounces.objects.get().count == 1
    assert suppressed(workspace) == {}


def test_a_young_mail_of_which_nothing_was_heard_says_nothing_yet(workspace, ana, policy):
    for days in (30, 20):
        applying.apply([bounce(sent(workspace, ana, days), Effect.MAILBOX_FULL, days=days)])
    sent(workspace, ana, 4)
    applying.apply([bounce(sent(workspace, ana, 3), Effect.MAILBOX_FULL, days=1)])
    assert suppressed(workspace) == {"ana@example.org": "bounced"}


def test_the_order_of_bounces_does_not_matter(workspace, ana, policy):
    messages = [sent(workspace, ana, days) for days in (20, 12, 2)]
    for message in (messages[2], messages[0], messages[1]):
        applying.apply([bounce(message, Effect.TRANSIENT)])
    assert suppressed(workspace) == {"ana@example.org": "bounced"}


def test_a_mailbox_that_is_switched_off_has_less_patience(workspace, ana, policy):
    applying.apply([bounce(sent(workspace, ana, 3), Effect.MAILBOX_INACTIVE, days=3)])
    assert suppressed(workspace) == {}
    applying.apply([bounce(sent(workspace, ana, 2), Effect.MAILBOX_INACTIVE, days=2)])
    assert suppressed(workspace) == {"ana@example.org": "bounced"}


@pytest.mark.parametrize("value", ["ana@example.org", "example.org"])
def test_exceptions_are_never_suppressed_by_bounces(workspace, ana, value):
    BounceException.objects.create(workspace=workspace, value=value)
    applying.apply([bounce(sent(workspace, ana, 1), Effect.ADDRESS_INVALID)])
    assert suppressed(workspace) == {}


def test_a_released_address_begins_anew_and_old_news_does_not_suppress_it_again(
    workspace, ana, policy
):
    messages = [sent(workspace, ana, days) for days in (20, 12, 2)]
    for message in messages:
        applying.apply([bounce(message, Effect.MAILBOX_FULL, days=1)])
    row = Suppression.objects.get(workspace=workspace)
    assert suppression.release(workspace, suppression_id=row.pk)
    known = SoftBounces.objects.get()
    assert (known.count, known.cleared_at is not None) == (0, True)
    late = bounce(messages[1], Effect.ADDRESS_INVALID, days=1, number=999)
    applying.apply([late])
    assert suppressed(workspace) == {}
    assert runs.of([ana.pk])[ana.pk].count == 0


def test_refusals_while_sending_feed_the_same_policy(cast):
    campaign = sending.planned(cast.workspace, 4)
    ids = sending.messages(campaign)
    batch = [
        sending.outcome(ids[0], Verdict.FAILED, 550, "5.1.1", "No such user"),
        sending.outcome(ids[1], Verdict.FAILED, 552, "5.2.2", "Mailbox full"),
        sending.outcome(ids[2], Verdict.FAILED, 554, "5.7.1", "Blocked for spam"),
    ]
    record.outcomes(sending.writer(campaign), batch)
    assert suppressed(cast.workspace) == {"reader0@example.net": "bounced"}
    assert list(SoftBounces.objects.values_list("subscriber__email", "count")) == [
        ("reader1@example.net", 1)
    ]
    events = Event.objects.order_by("message_id").values_list("source", "reply__code")
    server = FeedbackSource.SERVER
    assert list(events) == [(server, 550), (server, 552), (server, 554)]
    effects = Event.objects.order_by("message_id").values_list("effect", flat=True)
    assert list(effects)[:2] == [Effect.ADDRESS_INVALID, Effect.MAILBOX_FULL]
    reasons = Message.objects.filter(pk__in=ids[:3]).order_by("pk")
    assert list(reasons.values_list("reason", flat=True)) == [
        Reason.ADDRESS_INVALID,
        Reason.REFUSED,
        Reason.POLICY,
    ]


def test_a_deferral_counts_only_once_it_has_expired(cast, settings):
    campaign = sending.planned(cast.workspace, 1)
    (message,) = sending.messages(campaign)
    full = [sending.outcome(message, Verdict.DEFERRED, 452, "4.2.2", "Mailbox full")]
    record.outcomes(sending.writer(campaign), full)
    assert not SoftBounces.objects.exists()
    settings.RETRY_FOR *= 0
    Message.objects.update(state=MessageState.PLANNED, reason=0)
    record.outcomes(sending.writer(campaign, attempt=1), full)
    assert Message.objects.get().reason == Reason.EXPIRED
    assert SoftBounces.objects.get().count == 1


def everybody(workspace, count, *, group=DomainGroup.GMAIL, domain="gmail.com", start=0):
    """Make people at one provider who were sent a campaign just now."""
    campaign = makers.make_sent_campaign(workspace)
    found = []
    for number in range(start, start + count):
        person = makers.make_subscriber(workspace, f"p{number}@{domain}", domain_group=group)
        found.append(
            makers.make_message(campaign, person, attempted_at=timezone.now(), domain_group=group)
        )
    SendMinute.objects.create(
        campaign=campaign,
        minute=timezone.now().replace(second=0, microsecond=0),
        domain_group=group,
        sent=count,
    )
    return found


def hard(messages):
    return [bounce(message, Effect.ADDRESS_INVALID) for message in messages]


def test_a_provider_that_refuses_everybody_empties_no_list(workspace):
    messages = everybody(workspace, 60)
    news_of_all = hard(messages)
    applying.apply(news_of_all[:15])  # fewer than the guard looks at
    assert len(suppressed(workspace)) == 15
    applying.apply(news_of_all[15:])
    assert suppressed(workspace) == {}  # those, too
    alarm = ProviderAlarm.objects.get()
    assert (alarm.domain_group, alarm.refused, alarm.of) == (DomainGroup.GMAIL, 60, 60)
    assert HeldBack.objects.filter(alarm=alarm).count() == 60
    assert set(guard.paused(workspace.pk)) == {DomainGroup.GMAIL}


def test_a_few_bad_addresses_among_many_raise_no_alarm(workspace):
    messages = everybody(workspace, 100)
    applying.apply(hard(messages[:25]))
    assert len(suppressed(workspace)) == 25
    assert not ProviderAlarm.objects.exists()


def test_a_small_domain_that_refuses_everybody_is_held_back_and_not_paused(workspace):
    messages = everybody(workspace, 30, group=DomainGroup.OTHER, domain="firma.example")
    other = everybody(workspace, 30, group=DomainGroup.OTHER, domain="else.example", start=100)
    applying.apply(hard([*messages, other[0]]))
    assert suppressed(workspace) == {"p100@else.example": "bounced"}
    alarm = ProviderAlarm.objects.get()
    assert (alarm.domain, alarm.paused_until) == ("firma.example", None)
    assert guard.paused(workspace.pk) == {}


def test_alarms_are_of_one_workspace(workspace, other_workspace):
    applying.apply(hard(everybody(workspace, 25)))
    applying.apply(hard(everybody(other_workspace, 10)))
    assert len(suppressed(other_workspace)) == 10
    assert ProviderAlarm.objects.get().workspace == workspace


def test_a_person_decides_about_those_who_are_held_back(workspace, owner):
    applying.apply(hard(everybody(workspace, 25)))
    alarm = ProviderAlarm.objects.get()
    assert lifting.close(alarm, suppress=False, actor=owner) == 25
    assert suppressed(workspace) == {}
    assert SoftBounces.objects.exclude(cleared_at=None).count() == 25
    assert guard.paused(workspace.pk) == {}
    applying.apply(hard(everybody(workspace, 30, start=500)))
    again = ProviderAlarm.objects.get(closed_at=None)
    held = HeldBack.objects.filter(alarm=again).count()
    assert lifting.close(again, suppress=True, actor=owner) == held
    assert len(suppressed(workspace)) == held
    assert lifting.close(again, suppress=True, actor=owner) == 0  # somebody was quicker


def test_what_others_suppressed_is_not_taken_back_by_an_alarm(workspace, owner):
    messages = everybody(workspace, 40)
    suppression.suppress(workspace, email="p0@gmail.com", reason=SuppressionReason.MANUAL)
    applying.apply(hard(messages))
    assert suppressed(workspace) == {"p0@gmail.com": "manual"}


def test_refusals_for_our_name_pause_a_provider_and_suppress_nobody(workspace):
    messages = everybody(workspace, 30)
    applying.apply([bounce(one, Effect.SENDER_BLOCKED) for one in messages])
    assert ProviderAlarm.objects.get().refused == 30
    assert not HeldBack.objects.exists()
    assert suppressed(workspace) == {}


def test_counts_of_long_ago_are_forgotten(workspace):
    applying.apply(hard(everybody(workspace, 2)))
    RefusalHour.objects.update(hour=days_ago(20))
    assert guard.forget_old() == 1
    assert Subscriber.objects.exists()


def told_often(message, *, count=26):
    """Return news of one mail, as a mail that came back again and again under other names."""
    return [
        news(
            message,
            EventKind.BOUNCED,
            effect=Effect.ADDRESS_INVALID,
            at=timezone.now(),
            source=FeedbackSource.BOUNCE_MAIL if number else FeedbackSource.PROVIDER,
            key=key(10_000 + number),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("at_once", [1, 26])
def test_one_mail_counts_once_for_the_guard_however_often_it_is_told(workspace, at_once):
    messages = everybody(workspace, 30)
    applying.apply(hard(messages[:1]))  # a true one
    news_of_one = told_often(messages[1])
    for first in range(0, len(news_of_one), at_once):
        applying.apply(news_of_one[first : first + at_once])
    assert sum(RefusalHour.objects.values_list("refused", flat=True)) == 2
    assert not ProviderAlarm.objects.exists()
    assert guard.paused(workspace.pk) == {}
    assert suppressed(workspace) == {"p0@gmail.com": "bounced", "p1@gmail.com": "bounced"}


def test_a_full_mailbox_that_is_gone_in_the_end_counts_for_the_guard(workspace):
    (message,) = everybody(workspace, 1)
    applying.apply([bounce(message, Effect.MAILBOX_FULL, number=1)])
    assert not RefusalHour.objects.exists()
    applying.apply([bounce(message, Effect.ADDRESS_INVALID, number=2)])
    assert RefusalHour.objects.get().refused == 1


def test_a_mail_refused_while_sending_is_not_counted_again_when_it_is_told(cast):
    campaign = sending.planned(cast.workspace, 1)
    ids = sending.messages(campaign)
    refusal = sending.outcome(ids[0], Verdict.FAILED, 550, "5.1.1", "No such user")
    record.outcomes(sending.writer(campaign), [refusal])
    applying.apply([bounce(Message.objects.get(pk=ids[0]), Effect.ADDRESS_INVALID)])
    assert RefusalHour.objects.get().refused == 1


def by_address(workspace, person, days, effect=Effect.MAILBOX_INACTIVE):
    """Return news that anybody could have sent: a mail that names an address alone."""
    return news(
        None,
        EventKind.BOUNCED,
        workspace_id=workspace.pk,
        recipient=person.email,
        effect=effect,
        at=days_ago(days) + timedelta(minutes=5),
        key=key(70_000 + days),
        source=FeedbackSource.BOUNCE_MAIL,
    )


def test_bounces_of_an_unsure_match_count_for_nothing(workspace, ana, policy):
    for days in (20, 12):
        sent(workspace, ana, days)
        applying.apply([by_address(workspace, ana, days)])
    last = sent(workspace, ana, 1)
    applying.apply([by_address(workspace, ana, 1, Effect.ADDRESS_INVALID)])
    tried = trying.of(workspace, BouncePolicy(workspace=workspace, soft_count=1, soft_days=0))
    assert tried.suppressed == {}
    applying.apply([bounce(last, Effect.TRANSIENT)])
    assert suppressed(workspace) == {}
    assert SoftBounces.objects.get().count == 1
    assert Message.objects.filter(bounced_at=None).count() == 0  # they stand with their mails
    unsure = Event.objects.filter(source=FeedbackSource.MAIL_UNSURE)
    assert unsure.values_list("effect", flat=True).order_by("-id")[0] == Effect.ADDRESS_INVALID


def test_an_unsure_bounce_of_a_mail_that_arrived_does_not_hide_that(workspace, ana, policy):
    for days in (30, 25, 20):
        applying.apply([bounce(sent(workspace, ana, days), Effect.TRANSIENT, days=days)])
        Suppression.objects.all().delete()
    sent(workspace, ana, 12, delivered_at=days_ago(12))
    applying.apply([by_address(workspace, ana, 12)])
    applying.apply([bounce(sent(workspace, ana, 1), Effect.TRANSIENT, days=1)])
    assert SoftBounces.objects.get().count == 1


def test_what_was_unsure_before_counts_for_the_guard_once_it_is_sure(workspace, ana):
    message = sent(workspace, ana, 1)
    applying.apply([by_address(workspace, ana, 1, Effect.ADDRESS_INVALID)])
    assert not RefusalHour.objects.exists()
    applying.apply([bounce(message, Effect.ADDRESS_INVALID)])
    assert RefusalHour.objects.get().refused == 1


@pytest.mark.parametrize("others", [30, 100])
def test_in_a_large_workspace_no_people_are_walked_for_a_small_domain(
    workspace, monkeypatch, others
):
    monkeypatch.setattr(guard, "MOST_PEOPLE_READ", 30)
    monkeypatch.setattr(guard, "_SENT_TO_DOMAIN", "SELECT 1 / 0")
    messages = everybody(workspace, 30, group=DomainGroup.OTHER, domain="firma.example")
    campaign = messages[0].campaign
    SendMinute.objects.filter(campaign=campaign).update(sent=30 + others)
    applying.apply(hard(messages))
    found = ProviderAlarm.objects.values_list("domain", "refused", "of")
    assert list(found) == ([("firma.example", 30, 60)] if others == 30 else [])
    assert len(suppressed(workspace)) == (0 if others == 30 else 30)
