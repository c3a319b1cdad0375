"""News becomes events, moments, figures and consequences: once, in any order, of its workspace."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import SetAside
from delivery.events import applying
from delivery.events.feedback import Fate
from delivery.models import (
    BouncePolicy,
    Dispatch,
    Event,
    EventTally,
    FeedbackReceipt,
    Message,
    MessageTally,
    SoftBounces,
)
from delivery.states import Effect, EventKind, MessageState, Reason
from subscribers.consent import lifecycle, suppression
from subscribers.models import ConsentEvent, MailingList, Subscription, Suppression
from subscribers.states import ConsentSource
from tests.delivery import makers
from tests.delivery.events import telling
from tests.delivery.events.telling import key, news
from tests.poison import execute, poison

DELIVERED, BOUNCED = EventKind.DELIVERED, EventKind.BOUNCED
COMPLAINED, UNSUBSCRIBED = EventKind.COMPLAINED, EventKind.UNSUBSCRIBED
SENT, UNKNOWN, FAILED = MessageState.SENT, MessageState.UNKNOWN, MessageState.FAILED

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailing_list(workspace):
    return makers.make_list(workspace, "Mingguan")


@pytest.fixture
def campaign(workspace, mailing_list):
    return makers.make_sent_campaign(workspace, mailing_list)


@pytest.fixture
def ana(workspace, mailing_list):
    return makers.make_subscriber(workspace, "ana@example.org", mailing_list)


@pytest.fixture
def message(campaign, ana):
    return makers.make_message(campaign, ana)


def fates(given_news):
    return [taken.fate for taken in applying.apply(given_news)]


def suppressed(workspace):
    rows = Suppression.objects.filter(workspace=workspace)
    return dict(rows.values_list("email_key", "reason"))


def test_a_delivery_is_noted_with_its_event_and_counted(campaign, message):
    (taken,) = applying.apply([news(message)])
    assert (taken.fate, taken.message_id, taken.confidence) == (Fate.APPLIED, message.pk, 100)
    assert telling.columns(message) == (makers.after(60), None, None)
    event = Event.objects.get(message=message)
    assert (event.kind, event.source, event.at) == (DELIVERED, 1, makers.after(60))
    assert telling.figures(campaign) == {"DELIVERED": (1, 1)}


def test_the_same_news_told_again_changes_nothing(campaign, message):
    once = news(message)
    assert fates([once, once]) == [Fate.APPLIED, Fate.KNOWN]
    assert fates([once]) == [Fate.KNOWN]
    assert telling.figures(campaign) == {"DELIVERED": (1, 1)}


def test_a_hard_bounce_suppresses_and_keeps_the_servers_words(workspace, campaign, message):
    bounce = news(
        message,
        BOUNCED,
        effect=Effect.ADDRESS_INVALID,
        cause=1,
        code=550,
        enhanced="5.1.1",
        text="ana@example.org: no such user\x00",
    )
    assert fates([bounce]) == [Fate.APPLIED]
    event = Event.objects.get(message=message)
    assert (event.cause, event.effect) == (1, Effect.ADDRESS_INVALID)
    assert str(event.reply) == "550 5.1.1 <…>: no such user"
    assert suppressed(workspace) == {"ana@example.org": "bounced"}
    assert telling.minutes(campaign)["bounced"] == 1


@pytest.mark.parametrize(
    "effect",
    [
        Effect.CONTENT,
        Effect.SENDER_BLOCKED,
        Effect.AUTH_POLICY,
        Effect.CONFIG,
        Effect.THROTTLED,
        Effect.UNDECIDED,
        Effect.NONE,
    ],
)
def test_what_is_about_us_never_counts_against_the_person(workspace, message, effect):
    applying.apply([news(message, BOUNCED, effect=effect)])
    assert telling.columns(message)[1] == makers.after(60)
    assert suppressed(workspace) == {}
    assert not SoftBounces.objects.exists()


def test_a_bounce_stands_after_a_delivery_and_before_one(message):
    hard = news(message, BOUNCED, key=key(2), at=makers.after(90), effect=Effect.ADDRESS_INVALID)
    applying.apply([news(message), hard])
    late = news(message, key=key(3), at=makers.after(30))
    delayed = news(message, EventKind.DELAYED, key=key(4), at=makers.after(300))
    applying.apply([late, delayed])
    assert telling.columns(message) == (makers.after(30), makers.after(90), None)


def test_a_delivery_after_a_passing_trouble_ends_the_bounce(campaign, message):
    soft = news(message, BOUNCED, key=key(2), at=makers.after(30), effect=Effect.MAILBOX_FULL)
    applying.apply([soft])
    assert telling.columns(message)[1] is not None
    assert SoftBounces.objects.get().count == 1
    applying.apply([news(message, at=makers.after(60))])
    assert telling.columns(message) == (makers.after(60), None, None)
    assert SoftBounces.objects.get().count == 0
    assert telling.figures(campaign) == {"DELIVERED": (1, 1), "BOUNCED": (1, 0)}
    assert telling.minutes(campaign)["bounced"] == 0


def test_a_complaint_takes_the_person_off_all_lists(workspace, campaign, message, ana):
    other = makers.make_list(workspace, "Harian")
    lifecycle.subscribe(ana, mailing_list=other, source=ConsentSource.FORM)
    applying.apply([news(message, COMPLAINED)])
    assert suppressed(workspace) == {"ana@example.org": "complained"}
    assert set(Subscription.objects.values_list("status", flat=True)) == {"unsubscribed"}
    left = ConsentEvent.objects.filter(kind="unsubscribed")
    assert Counter(left.values_list("source", flat=True)) == {"complaint": 3}  # two lists, and all
    assert set(left.values_list("message_id", flat=True)) == {message.pk}
    assert telling.minutes(campaign)["complained"] == 1


def test_a_providers_unsubscription_is_the_persons_and_says_how(workspace, campaign, message):
    told = news(message, UNSUBSCRIBED)
    assert fates([told, news(message, UNSUBSCRIBED, key=key(2))]) == [Fate.APPLIED] * 2
    assert suppressed(workspace) == {"ana@example.org": "unsubscribed"}
    sources = ConsentEvent.objects.filter(kind="unsubscribed").values_list("source", flat=True)
    assert set(sources) == {"provider"}
    assert telling.figures(campaign) == {"UNSUBSCRIBED": (1, 1)}


def test_an_unsubscription_that_comes_late_undoes_no_return(workspace, message, ana, mailing_list):
    lifecycle.unsubscribe(ana, lists=[mailing_list.pk], source=ConsentSource.UNSUBSCRIBE_PAGE)
    lifecycle.resubscribe(ana, lists=[mailing_list.pk], source=ConsentSource.PREFERENCES)
    applying.apply([news(message, UNSUBSCRIBED)])
    assert suppressed(workspace) == {}
    assert Subscription.objects.get().status == "subscribed"


@pytest.mark.parametrize(
    ("kind", "cause", "state"),
    [
        (DELIVERED, 0, SENT),
        (COMPLAINED, 0, SENT),
        (UNSUBSCRIBED, 0, SENT),
        (EventKind.OPENED, 0, SENT),
        (EventKind.CLICKED, 0, SENT),
        (EventKind.AUTO_REPLIED, 0, SENT),
        (EventKind.DELAYED, 0, UNKNOWN),
        (BOUNCED, 1, SENT),
        (BOUNCED, 11, FAILED),  # on the provider's list: never sent
    ],
)
def test_what_nobody_knew_settles_itself(campaign, ana, kind, cause, state):
    message = makers.make_message(campaign, ana, state=UNKNOWN, reason=Reason.NO_REPLY_LEFT)
    MessageTally.objects.create(
        campaign=campaign, domain_group=0, state=UNKNOWN, reason=Reason.NO_REPLY_LEFT, count=1
    )
    applying.apply([news(message, kind, cause=cause)])
    row = Message.objects.get(pk=message.pk)
    assert row.state == state
    tallies = MessageTally.objects.exclude(count=0).values_list("state", "reason", "count")
    assert list(tallies) == [(row.state, row.reason, 1)]


def test_opens_and_clicks_of_providers_are_counted_like_ours(campaign, message):
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
    fields = {"user_agent": firefox, "ip": "203.0.113.7"}
    given_news = [
        news(message, EventKind.OPENED, **fields),
        news(message, EventKind.OPENED, key=key(2), **fields),  # ours, a moment later
        news(
            message,
            EventKind.CLICKED,
            key=key(3),
            at=makers.after(90),
            url="https://kopisenja.example/2",
            **fields,
        ),
    ]
    assert fates(given_news) == [Fate.APPLIED] * 3
    row = Message.objects.get(pk=message.pk)
    assert (row.opened_at, row.clicked_at) == (makers.after(60), makers.after(90))
    kinds = Event.objects.values_list("kind", "link_ordinal").order_by("id")
    assert list(kinds) == [(EventKind.OPENED, 0), (EventKind.CLICKED, 2)]


def test_where_nothing_is_tracked_no_open_is_kept(campaign, message):
    type(campaign).objects.filter(pk=campaign.pk).update(track_opens=False, track_clicks=False)
    applying.apply([news(message, EventKind.OPENED)])
    assert not Event.objects.exists()


def test_news_of_another_workspace_touches_nothing(other_workspace, message):
    forged = news(message, BOUNCED, effect=Effect.ADDRESS_INVALID, workspace_id=other_workspace.pk)
    assert fates([forged]) == [Fate.UNMATCHED]
    assert telling.columns(message) == (None, None, None)
    assert not Event.objects.exists()
    assert not FeedbackReceipt.objects.exists()
    assert not Suppression.objects.exists()


def test_unmatched_news_is_applied_once_its_mail_is_there(workspace, campaign, ana):
    told = news(workspace_id=workspace.pk, provider_id="abc")
    assert fates([told]) == [Fate.UNMATCHED]
    makers.make_message(campaign, ana, provider_id="abc")
    assert fates([told]) == [Fate.APPLIED]


def test_one_poisoned_mail_spoils_none_of_the_others(workspace, campaign, mailing_list):
    people = [
        makers.make_subscriber(workspace, f"reader{n}@example.org", mailing_list) for n in range(20)
    ]
    messages = [makers.make_message(campaign, person) for person in people]
    told = [news(one, key=key(n)) for n, one in enumerate(messages)]
    poison("delivery_event", f"NEW.message_id = {messages[7].pk}", events="INSERT")
    found = fates(told)
    assert [n for n, fate in enumerate(found) if fate is Fate.FAILED] == [7]
    assert Counter(found) == {Fate.APPLIED: 19, Fate.FAILED: 1}
    assert telling.figures(campaign) == {"DELIVERED": (19, 19)} == telling.recounted(campaign)
    assert SetAside.objects.get().kind == applying.NEWS
    execute("DROP TRIGGER poison ON delivery_event")
    assert fates(told) == [Fate.KNOWN] * 7 + [Fate.APPLIED] + [Fate.KNOWN] * 12


def test_hostile_values_are_made_harmless(workspace, message):
    hostile = news(
        message,
        BOUNCED,
        at=datetime.max.replace(tzinfo=UTC),
        effect=Effect.CONTENT,
        cause=10**12,
        code=-4,
        enhanced="5.1.1" * 99,
        text="\x00\ud800" + "z" * 100_000,
        recipient="\x00<script>@" * 99,
        header_id="\ud800@\x00",
        provider_id="\x00" * 10_000,
        ip="nowhere",
        url="javascript:\x00",
        account_id=10**30,
    )
    naive = news(message, key=key(2), at=datetime(1, 1, 1))  # noqa: DTZ001 - as others send it
    unkeyed = news(message, key=b"short")
    assert fates([hostile, naive, unkeyed]) == [Fate.APPLIED, Fate.APPLIED, Fate.FAILED]
    delivered_at, bounced_at, _ = telling.columns(message)
    assert delivered_at.year == 2000
    assert bounced_at <= timezone.now() + timedelta(minutes=6)


def test_a_batch_costs_a_fixed_number_of_statements(workspace, campaign, mailing_list):
    def told(first, count):
        made = [
            makers.make_message(
                campaign, makers.make_subscriber(workspace, f"p{n}@example.org", mailing_list)
            )
            for n in range(first, first + count)
        ]
        return [news(one, key=key(one.pk), kind=DELIVERED) for one in made]

    asked = []
    for first, count in ((0, 2), (10, 60)):
        batch = told(first, count)
        with CaptureQueriesContext(connection) as queries:
            applying.apply(batch)
        asked.append(len(queries))
    assert asked[0] == asked[1] < 15


def test_a_recount_puts_right_what_was_lost(workspace, campaign, message, mailing_list):
    Dispatch.objects.create(campaign=campaign, workspace=workspace)
    soft = news(message, BOUNCED, key=key(2), at=makers.after(30), effect=Effect.MAILBOX_FULL)
    applying.apply([news(message), soft])
    other = makers.make_message(
        campaign,
        makers.make_subscriber(workspace, "budi@example.org", mailing_list),
        bounced_at=makers.after(1),  # nobody told that
    )
    expected = telling.columns(message), telling.figures(campaign)
    Message.objects.filter(pk=message.pk).update(delivered_at=None, complained_at=makers.after(9))
    EventTally.objects.filter(campaign=campaign).update(total=7, unique=7)
    call_command("recount_feedback", str(campaign.pk), stdout=StringIO())
    assert (telling.columns(message), telling.figures(campaign)) == expected
    assert telling.columns(other) == (None, None, None)
    assert telling.minutes(campaign)["bounced"] == 0


STEPS = st.permutations(
    [
        ("delivered", DELIVERED, 30, Effect.NONE),
        ("delivered again", DELIVERED, 400, Effect.NONE),
        ("soft", BOUNCED, 60, Effect.MAILBOX_FULL),
        ("hard", BOUNCED, 500, Effect.ADDRESS_INVALID),
        ("complained", COMPLAINED, 90, Effect.NONE),
        ("delayed", EventKind.DELAYED, 20, Effect.NONE),
        ("answered", EventKind.AUTO_REPLIED, 95, Effect.NONE),
        ("opened", EventKind.OPENED, 120, Effect.NONE),
        ("clicked", EventKind.CLICKED, 240, Effect.NONE),
    ]
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    order=STEPS,
    subset=st.sets(st.integers(0, 8), min_size=1),
    cuts=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    state=st.sampled_from([SENT, UNKNOWN]),
)
def test_any_order_twice_says_the_same(cast, order, subset, cuts, state):
    workspace = cast.workspace
    # All examples bounce at one domain; the guard has tests of its own.
    BouncePolicy.objects.update_or_create(workspace=workspace, defaults={"guard": False})
    mailing_list = makers.make_list(workspace, f"L{MailingList.objects.count()}")
    names = sorted({step[0] for step in order})
    chosen = {names[number] for number in subset}
    outcomes = []
    for steps in (sorted(order), order):
        campaign = makers.make_sent_campaign(workspace, mailing_list)
        number = Message.objects.count()
        person = makers.make_subscriber(workspace, f"p{number}@example.org", mailing_list)
        message = makers.make_message(campaign, person, state=state)
        told = [
            news(message, kind, key=key(message.pk * 100 + names.index(name)), at=makers.after(at),
                 effect=effect, url="https://kopisenja.example/1")
            for name, kind, at, effect in steps
            if name in chosen
        ]  # fmt: skip
        if steps is order:  # twice, cut anyhow, shuffled by the draw
            told = told + random.Random(len(cuts)).sample(told, len(told))  # noqa: S311
            while told:
                size = cuts[len(told) % len(cuts)]
                applying.apply(told[:size])
                told = told[size:]
        else:
            applying.apply(told)
        row = Message.objects.get(pk=message.pk)
        assert telling.figures(campaign) == telling.recounted(campaign)
        reason = suppression.reason_of(workspace.pk, address_hash=bytes(person.address_hash))
        outcomes.append(
            (
                telling.columns(message),
                (row.opened_at, row.clicked_at, row.state),
                telling.figures(campaign),
                telling.minutes(campaign),
                reason,
            )
        )
    assert outcomes[0] == outcomes[1]
