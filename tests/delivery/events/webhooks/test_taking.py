"""Events that wait become what happened to mails, in any order, once, one bad one by itself."""

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from delivery.events import applying
from delivery.events.webhooks import log, taking
from delivery.mime import tokens
from delivery.models import Message, ProviderEvent
from delivery.states import EventKind, MessageState, Provider, ProviderEventState
from tests.delivery.events.webhooks.posting import address_at, post, sendgrid
from tests.delivery.makers import make_list, make_message, make_sent_campaign, make_subscriber


@pytest.fixture
def sent(workspace: Any) -> list[Message]:
    news = make_list(workspace, "News")
    campaign = make_sent_campaign(workspace, news)
    return [
        make_message(
            campaign,
            make_subscriber(workspace, f"reader{n}@example.org", news),
            provider_id=f"anymail-{n}",
            attempted_at=timezone.now() - timedelta(hours=1),
        )
        for n in range(1, 6)
    ]


def told(number: int, event: str = "delivered", **changes: Any) -> dict[str, Any]:
    at = int(timezone.now().timestamp()) - 600
    return sendgrid(number, event, **{"timestamp": at} | changes)


def take() -> None:
    while taking.next_batch():
        pass


def states() -> list[ProviderEventState]:
    found = ProviderEvent.objects.order_by("pk").values_list("state", flat=True)
    return [ProviderEventState(state) for state in found]


def test_an_event_reaches_the_mail_by_the_providers_id(workspace, sent):
    post(address_at(workspace), [told(1), told(2, "bounce", reason="550 5.1.1 no such user")])
    take()
    first, second = (Message.objects.get(pk=message.pk) for message in sent[:2])
    assert first.delivered_at
    assert second.bounced_at
    event = ProviderEvent.objects.earliest("pk")
    assert (event.message_id, event.state) == (first.pk, ProviderEventState.APPLIED)
    assert event.confidence >= 75


def test_our_own_mark_proves_which_mail_it_is(workspace, sent):
    mark = tokens.make(sent[0].pk, tokens.Purpose.MESSAGE)
    event = told(9, anymail_id="unknown", warta_message=mark, email="moved@elsewhere.example")
    post(address_at(workspace), [event])
    take()
    assert ProviderEvent.objects.get().message_id == sent[0].pk
    assert ProviderEvent.objects.get().confidence == 100


def test_another_workspaces_mail_is_no_match(workspace, other_workspace, sent):
    mark = tokens.make(sent[0].pk, tokens.Purpose.MESSAGE)
    post(address_at(other_workspace), [told(1, "spamreport", warta_message=mark)])
    take()
    assert states() == [ProviderEventState.UNMATCHED]
    assert not Message.objects.exclude(complained_at=None).exists()


def test_what_is_unmatched_is_kept_said_and_looked_at_again(workspace, sent):
    address = address_at(workspace)
    post(address, [told(77, "bounce")])
    take()
    event = ProviderEvent.objects.get()
    assert event.state == ProviderEventState.UNMATCHED
    assert event.trouble
    Message.objects.filter(pk=sent[0].pk).update(provider_id="anymail-77")
    assert log.tell_again(ProviderEvent.objects.all()) == 1
    assert log.tell_again(ProviderEvent.objects.all()) == 0
    take()
    event.refresh_from_db()
    assert (event.state, event.message_id) == (ProviderEventState.APPLIED, sent[0].pk)
    assert event.trouble == ""


def test_an_event_that_was_faster_than_our_own_note_finds_its_mail_by_itself(workspace, sent):
    post(address_at(workspace), [told(77)])
    take()
    Message.objects.filter(pk=sent[0].pk).update(provider_id="anymail-77")
    assert taking.try_again() == 0  # in a minute
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    assert taking.try_again() == 1
    take()
    assert states() == [ProviderEventState.APPLIED]
    ProviderEvent.objects.update(
        state=ProviderEventState.UNMATCHED, received_at=timezone.now() - timedelta(hours=2)
    )
    assert taking.try_again() == 0


def test_what_nobody_knows_is_looked_at_a_few_times_and_not_each_minute(workspace, sent):
    post(address_at(workspace), [told(77)])
    take()
    looks = 0
    for minute in range(40):
        ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=minute))
        looks += taking.try_again()
        take()
    assert len(taking.LOOKS) <= looks <= 2 * len(taking.LOOKS)


STORY = ("processed", "deferred", "delivered", "open", "spamreport")


@pytest.mark.parametrize("order", list(itertools.permutations(range(5), 5))[::17])
def test_the_order_of_events_changes_nothing(workspace, sent, order):
    address = address_at(workspace)
    at = int(timezone.now().timestamp()) - 600
    for number in order:
        event = told(1, STORY[number], sg_event_id=f"e{number}", timestamp=at + number)
        post(address, [event])
        take()
    message = Message.objects.get(pk=sent[0].pk)
    assert message.delivered_at
    assert message.complained_at
    assert not message.bounced_at


def test_events_told_again_change_nothing(workspace, sent):
    address = address_at(workspace)
    events = [told(n, event) for n in range(1, 6) for event in ("delivered", "spamreport")]
    events = [event | {"sg_event_id": f"e{n}"} for n, event in enumerate(events)]
    post(address, events)
    take()
    before = list(Message.objects.order_by("pk").values())
    for _ in range(3):
        post(address, list(reversed(events)))
        take()
    ProviderEvent.objects.update(state=ProviderEventState.WAITING)  # as after a crash
    take()
    assert list(Message.objects.order_by("pk").values()) == before
    assert set(states()) == {ProviderEventState.KNOWN}


def test_an_unknown_mail_settles_by_what_comes_of_it(workspace, sent):
    Message.objects.filter(pk=sent[0].pk).update(state=MessageState.UNKNOWN, reason=60)
    post(address_at(workspace), [told(1)])
    take()
    assert Message.objects.get(pk=sent[0].pk).state == MessageState.SENT


def test_one_poisoned_event_among_a_thousand_is_set_aside_alone(workspace, sent):
    address = address_at(workspace)
    post(address, [told(n) for n in range(1_000)])
    poisoned = ProviderEvent.objects.order_by("pk")[500]
    ProviderEvent.objects.filter(pk=poisoned.pk).update(payload='{"event": ')
    take()
    poisoned.refresh_from_db()
    assert poisoned.state == ProviderEventState.FAILED
    assert states().count(ProviderEventState.FAILED) == 1
    assert states().count(ProviderEventState.APPLIED) == 5
    assert states().count(ProviderEventState.UNMATCHED) == 994


def test_news_that_nobody_can_apply_leaves_the_others_alone(workspace, sent, monkeypatch):
    apply = applying.apply

    def choosy(news: Any) -> Any:
        if any(one.provider_id == "anymail-3" for one in news):
            raise ValueError
        return apply(news)

    monkeypatch.setattr(applying, "apply", choosy)
    post(address_at(workspace), [told(n) for n in range(1, 6)])
    take()
    assert states() == [
        ProviderEventState.FAILED if n == 3 else ProviderEventState.APPLIED for n in range(1, 6)
    ]


def test_what_no_mails_story_knows_waits_for_nobody(workspace, sent):
    post(address_at(workspace), [told(1, "processed"), told(2, "group_resubscribe")])
    assert states() == [ProviderEventState.IGNORED] * 2


def test_an_event_about_two_people_that_was_not_readable_becomes_two(workspace, sent):
    address = address_at(workspace, Provider.AMAZON_SES)
    bounce = {
        "notificationType": "Bounce",
        "mail": {"messageId": "anymail-1", "destination": ["a@b.example", "c@d.example"]},
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "timestamp": timezone.now().isoformat(),
            "bouncedRecipients": [{"emailAddress": "a@b.example"}, {"emailAddress": "c@d.example"}],
        },
    }
    payload = json.dumps({"Type": "Notification", "Message": json.dumps(bounce)})
    ProviderEvent.objects.create(
        workspace=workspace,
        account=address.account,
        key=b"k" * 16,
        payload=payload,
        state=ProviderEventState.FAILED,
    )
    assert log.tell_again(ProviderEvent.objects.all()) == 1
    take()
    found = ProviderEvent.objects.order_by("pk").values_list("recipient", "kind")
    assert list(found) == [("a@b.example", EventKind.BOUNCED), ("c@d.example", EventKind.BOUNCED)]


def test_old_events_are_forgotten(workspace, sent):
    post(address_at(workspace), [told(1), told(2)])
    first = ProviderEvent.objects.earliest("pk")
    ProviderEvent.objects.filter(pk=first.pk).update(
        received_at=timezone.now() - timedelta(days=31)
    )
    assert taking.forget_old(timezone.now() - timedelta(days=30)) == 1
    assert ProviderEvent.objects.count() == 1
