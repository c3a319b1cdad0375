"""The mail that news is about is found by what proves most, within its workspace alone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delivery.events import applying, matching
from delivery.events.feedback import Fate
from delivery.mime import tokens
from delivery.models import Message
from delivery.states import Effect, EventKind, FeedbackSource, MessageState
from subscribers.models import Suppression
from subscribers.people import merging
from tests.delivery import makers
from tests.delivery.events.telling import key, news

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(workspace):
    return makers.make_sent_campaign(workspace, makers.make_list(workspace, "Mingguan"))


@pytest.fixture
def ana(workspace):
    return makers.make_subscriber(workspace, "ana@example.org")


@pytest.fixture
def message(campaign, ana):
    return makers.make_message(campaign, ana, provider_id="<prov-1@mg.example>")


def found(workspace, **fields):
    (target,) = matching.find([news(workspace_id=workspace.pk, **fields)])
    return (target.message_id, target.confidence) if target else None


def header(message):
    return f"{tokens.make(message.pk, tokens.Purpose.MESSAGE)}@kopisenja.example"


def test_by_what_proves_most(workspace, message):
    assert found(workspace, message_id=message.pk) == (message.pk, 100)
    assert found(workspace, header_id=header(message)) == (message.pk, 95)
    assert found(workspace, header_id=f"<{header(message)}>") == (message.pk, 95)
    assert found(workspace, provider_id="<prov-1@mg.example>") == (message.pk, 90)
    assert found(workspace, provider_id="prov-1@mg.example") == (message.pk, 90)
    assert found(workspace, recipient="<Ana@Example.ORG>") == (message.pk, 70)
    proven = found(workspace, header_id=header(message), recipient="somebody@else.example")
    assert proven == (message.pk, 95)


def test_tokens_for_other_purposes_or_of_others_name_nothing(workspace, message):
    tracking = tokens.make(message.pk, tokens.Purpose.TRACK)
    for wrong in (tracking, "A" * 22, "CAF7@mail.gmail.com", "", "@", "é@x"):
        assert found(workspace, header_id=wrong) is None


def test_a_provider_id_of_many_mails_is_told_apart_by_the_recipient(workspace, campaign):
    people = [makers.make_subscriber(workspace, f"p{n}@example.org") for n in range(3)]
    messages = [makers.make_message(campaign, one, provider_id="batch") for one in people]
    assert found(workspace, provider_id="batch", recipient="p1@example.org") == (
        messages[1].pk,
        90,
    )
    assert found(workspace, provider_id="batch") is None


def test_a_forwarded_mail_is_found_with_less_confidence(workspace, message):
    told = {"provider_id": "prov-1@mg.example", "recipient": "elsewhere@example.net"}
    assert found(workspace, **told) == (message.pk, 75)


def test_by_address_the_newest_mail_before_the_news_is_meant(workspace, message, ana):
    later = makers.make_sent_campaign(workspace)
    second = makers.make_message(later, ana, attempted_at=makers.SENT_AT + timedelta(days=2))
    third = makers.make_sent_campaign(workspace)
    makers.make_message(third, ana, attempted_at=makers.SENT_AT + timedelta(days=9))
    at = makers.SENT_AT + timedelta(days=3)
    assert found(workspace, recipient="ana@example.org", at=at) == (second.pk, 55)


def test_by_address_old_mails_count_little_and_very_old_ones_not_at_all(workspace, message):
    old = makers.SENT_AT + timedelta(days=20)
    assert found(workspace, recipient="ana@example.org", at=old) == (message.pk, 40)
    older = makers.SENT_AT + timedelta(days=31)
    assert found(workspace, recipient="ana@example.org", at=older) is None


def test_by_address_nobody_is_found_who_was_not_written_to(workspace, campaign, ana):
    makers.make_message(campaign, ana, state=MessageState.SKIPPED)
    assert found(workspace, recipient="ana@example.org") is None
    assert found(workspace, recipient="nobody@example.org") is None
    assert found(workspace, recipient="no address") is None


def test_nothing_of_another_workspace_is_found(other_workspace, message):
    for told in (
        {"message_id": message.pk},
        {"header_id": header(message)},
        {"provider_id": "<prov-1@mg.example>"},
        {"recipient": "ana@example.org"},
    ):
        assert found(other_workspace, **told) is None


def test_what_an_old_address_alone_says_suppresses_nobody(workspace, message):
    long_ago = makers.SENT_AT - timedelta(days=20)
    Message.objects.filter(pk=message.pk).update(attempted_at=long_ago)
    bounce = news(
        workspace_id=workspace.pk,
        kind=EventKind.BOUNCED,
        effect=Effect.ADDRESS_INVALID,
        recipient="ana@example.org",
        at=makers.SENT_AT,
    )
    (taken,) = applying.apply([bounce])
    assert (taken.fate, taken.confidence) == (Fate.APPLIED, 40)
    assert Message.objects.get(pk=message.pk).bounced_at == bounce.at
    assert not Suppression.objects.exists()


def test_a_bounce_of_a_former_address_does_not_suppress_the_new_one(workspace, message, ana):
    other = makers.make_subscriber(workspace, "ana@new.example")
    merging.merge(merging.Pair(keep=other, away=ana), actor=None)
    bounce = news(
        workspace_id=workspace.pk,
        header_id=header(message),
        kind=EventKind.BOUNCED,
        effect=Effect.ADDRESS_INVALID,
        recipient="ana@example.org",
    )
    applying.apply([bounce])
    assert not Suppression.objects.filter(email_key="ana@new.example").exists()


def test_a_thousand_are_found_in_a_few_statements(workspace, campaign):
    people = [makers.make_subscriber(workspace, f"p{n}@example.org") for n in range(40)]
    messages = [makers.make_message(campaign, one, provider_id=f"i{one.pk}") for one in people]
    told = []
    for number, message in enumerate(messages):
        fields = [
            {"message_id": message.pk},
            {"header_id": header(message)},
            {"provider_id": message.provider_id},
            {"recipient": people[number].email},
        ][number % 4]
        told.append(news(workspace_id=workspace.pk, key=key(number), **fields))
    with CaptureQueriesContext(connection) as queries:
        targets = matching.find(told)
    assert [target.message_id for target in targets] == [message.pk for message in messages]
    assert len(queries) == 3


@pytest.mark.parametrize("recipient", ["", "ana@example.org", "elsewhere@example.net"])
def test_a_providers_id_in_a_mail_that_came_back_suppresses_nobody(workspace, message, recipient):
    bounce = news(
        workspace_id=workspace.pk,
        kind=EventKind.BOUNCED,
        effect=Effect.ADDRESS_INVALID,
        provider_id="prov-1@mg.example",
        recipient=recipient,
        source=FeedbackSource.BOUNCE_MAIL,
    )
    (taken,) = applying.apply([bounce])
    assert (taken.message_id, taken.confidence) == (message.pk, 70)
    assert not Suppression.objects.exists()


GONE = {"kind": EventKind.BOUNCED, "effect": Effect.ADDRESS_INVALID}


@pytest.mark.parametrize(
    ("told", "is_found"),
    [
        ({"kind": EventKind.DELIVERED}, False),
        ({"kind": EventKind.OPENED}, False),
        ({"kind": EventKind.UNSUBSCRIBED}, False),
        ({"kind": EventKind.BOUNCED, "effect": Effect.MAILBOX_FULL}, False),
        (GONE, True),
        ({"kind": EventKind.COMPLAINED, "effect": Effect.COMPLAINT}, True),
    ],
)
def test_a_strange_provider_id_leaves_to_the_address_only_what_is_of_the_person(
    workspace, campaign, ana, told, is_found
):
    now = timezone.now()
    message = makers.make_message(campaign, ana, attempted_at=now - timedelta(days=1))  # no id
    strange = {"provider_id": "invoice-77", "recipient": "ana@example.org", **told}
    strange["at"] = now - timedelta(hours=1)
    assert found(workspace, **strange) == ((message.pk, 70) if is_found else None)
    assert found(workspace, **(strange | {"provider_id": ""})) == (message.pk, 70)


def test_a_strange_provider_id_means_no_mail_that_has_another(workspace, message):
    strange = {"provider_id": "invoice-77", "recipient": "ana@example.org"}
    assert found(workspace, **strange, **GONE) is None


def test_an_early_event_waits_for_its_own_mail(workspace, ana):
    now = timezone.now()
    old, new = (makers.make_sent_campaign(workspace) for _ in range(2))
    makers.make_message(old, ana, attempted_at=now - timedelta(days=3))
    mail = makers.make_message(new, ana, state=MessageState.PLANNED, attempted_at=None)
    early = news(
        workspace_id=workspace.pk, provider_id="new-1", recipient="ana@example.org", at=now, **GONE
    )
    assert [one.fate for one in applying.apply([early])] == [Fate.UNMATCHED]
    Message.objects.filter(pk=mail.pk).update(
        state=MessageState.SENT, provider_id="new-1", attempted_at=now
    )
    (taken,) = applying.apply([early])
    assert (taken.fate, taken.message_id) == (Fate.APPLIED, mail.pk)
