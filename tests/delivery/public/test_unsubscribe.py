"""Leaving: only by POST, at once, and exactly taken back by undo."""

import pytest
from django.test import Client
from django.utils import timezone

from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from delivery.models import Event, EventTally, Message, UnsubscribeReason
from delivery.public import unsubscribing
from delivery.states import AgentClass, EventKind, MessageState, Reason
from subscribers.consent import lifecycle
from subscribers.models import ConsentEvent, MailingList, Segment, Subscription, Suppression
from subscribers.states import ConsentKind, ConsentSource, SubscriptionStatus
from tests.delivery import makers
from tests.delivery.public.everything import snapshot

ONE_CLICK = "List-Unsubscribe=One-Click"
PAGE = ConsentSource.UNSUBSCRIBE_PAGE


@pytest.fixture
def address(letter):
    return f"/u/{letter.token(Purpose.UNSUBSCRIBE)}/"


def statuses(person):
    rows = Subscription.objects.filter(subscriber=person).values_list("list__name", "status")
    return {name: str(status) for name, status in rows}


def unsubscribed_tally(campaign):
    row = EventTally.objects.filter(campaign=campaign, kind=EventKind.UNSUBSCRIBED).first()
    return (row.total, row.unique) if row else (0, 0)


def test_the_button_unsubscribes_from_the_campaigns_lists(client, letter, address):
    answer = client.post(address, {"do": "leave"}, headers={"user-agent": "Firefox"})
    assert (answer.status_code, answer["Location"]) == (303, address)
    assert statuses(letter.person) == {"Kopi Senja Weekly": "unsubscribed", "Offers": "subscribed"}
    event = ConsentEvent.objects.order_by("id").last()
    assert (event.kind, event.source, event.message_id, event.ip, event.user_agent) == (
        ConsentKind.UNSUBSCRIBED,
        PAGE,
        letter.message.pk,
        "127.0.0.1",
        "Firefox",
    )
    message = Message.objects.get(pk=letter.message.pk)
    assert message.unsubscribed_at == event.at or message.unsubscribed_at
    assert unsubscribed_tally(letter.campaign) == (1, 1)
    told = Event.objects.get(kind=EventKind.UNSUBSCRIBED)
    assert (told.message_id, told.agent) == (letter.message.pk, AgentClass.HUMAN)
    page = client.get(address).text
    assert "You are unsubscribed from <em>Kopi Senja Weekly</em>" in page
    assert "a•••@example.org has been unsubscribed from these emails." in page
    assert "ana@example.org" not in page


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (
            (
                '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
                "One-Click\r\n--b--\r\n"
            ),
            "multipart/form-data; boundary=b",
        ),
    ],
)
def test_one_click_in_both_encodings(letter, address, body, content_type):
    strict = Client(enforce_csrf_checks=True)
    for _again in range(3):
        answer = strict.post(address, body, content_type=content_type)
        assert answer.status_code == 200
        assert not answer.cookies
    assert statuses(letter.person)["Kopi Senja Weekly"] == "unsubscribed"
    sources = ConsentEvent.objects.filter(kind=ConsentKind.UNSUBSCRIBED).values_list("source")
    assert list(sources) == [(ConsentSource.ONE_CLICK,)]
    assert unsubscribed_tally(letter.campaign) == (1, 1)


@pytest.mark.parametrize(
    "body", [{}, {"List-Unsubscribe": ""}, {"do": ""}, {"do": "preview"}, {"list": "1"}]
)
def test_a_post_that_presses_no_button_changes_nothing(client, letter, address, body):
    before = snapshot()
    answer = client.post(address, body)
    assert answer.status_code == 400
    assert "Unsubscribe from" in answer.text
    assert snapshot() == before


def test_the_answer_may_be_in_their_own_words(client, letter, address):
    client.post(address, {"do": "leave"})
    words = "  Terlalu sering,\r\n=cmd|'/C calc'!A0 <script>alert(1)</script> " + "x" * 900
    client.post(address, {"do": "why", "why": "other", "words": words})
    kept = UnsubscribeReason.objects.get().words
    assert kept.startswith("Terlalu sering, =cmd|'/C calc'!A0 <script>")
    assert len(kept) == unsubscribing.LONGEST_WORDS
    assert "<script>" not in client.get(address).text


def test_looking_changes_nothing(client, letter, address):
    before = snapshot()
    for _again in range(2):
        assert client.get(address).status_code == 200
        assert client.head(address).status_code == 200
        assert client.get(f"{address}?do=leave&List-Unsubscribe=One-Click").status_code == 200
    assert client.put(address).status_code == 405
    assert snapshot() == before


def test_the_page_keeps_no_cookies_and_is_kept_from_caches_and_search(client, address):
    answer = client.get(address)
    assert not answer.cookies
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    assert "<script" not in answer.text


def test_undo_restores_exactly_what_was_changed(client, letter, address):
    before = statuses(letter.person)
    message = Message.objects.filter(pk=letter.message.pk).values().get()
    client.post(address, {"do": "leave"})
    client.post(address, {"do": "why", "why": "too_many"})
    answer = client.post(address, {"do": "undo"})
    assert answer["Location"] == f"{address}?news=back"
    assert statuses(letter.person) == before
    assert Message.objects.filter(pk=letter.message.pk).values().get() == message
    assert unsubscribed_tally(letter.campaign) == (0, 0)
    assert not Event.objects.exists()
    assert not UnsubscribeReason.objects.exists()
    kinds = list(ConsentEvent.objects.order_by("id").values_list("kind", flat=True))
    assert kinds[-2:] == [ConsentKind.UNSUBSCRIBED, ConsentKind.RESUBSCRIBED]
    assert "Welcome back" in client.get(answer["Location"]).text


def test_undo_leaves_the_unconfirmed_unconfirmed(client, workspace, letter, address):
    other = makers.make_list(workspace, "Panduan")
    letter.campaign.include_lists.add(other)
    lifecycle.ask(letter.person, mailing_list=other, source=ConsentSource.FORM)
    client.post(address, {"do": "leave"})
    client.post(address, {"do": "undo"})
    assert statuses(letter.person) == {
        "Kopi Senja Weekly": "subscribed",
        "Offers": "subscribed",
        "Panduan": "unconfirmed",
    }


def test_undo_brings_back_only_what_this_mail_took_away(client, letter, address):
    lifecycle.unsubscribe(letter.person, lists=[letter.offers.pk], source=ConsentSource.PREFERENCES)
    client.post(address, {"do": "all"})
    assert Suppression.objects.count() == 1
    client.post(address, {"do": "undo"})
    assert statuses(letter.person) == {
        "Kopi Senja Weekly": "subscribed",
        "Offers": "unsubscribed",
    }
    assert not Suppression.objects.exists()


def test_nothing_is_undone_after_something_else_happened(client, letter, address):
    client.post(address, {"do": "leave"})
    lifecycle.resubscribe(letter.person, lists=[letter.weekly.pk], source=ConsentSource.PREFERENCES)
    lifecycle.unsubscribe(letter.person, lists=[letter.weekly.pk], source=ConsentSource.PREFERENCES)
    assert unsubscribing.undoable(letter.reader()) == []
    answer = client.post(address, {"do": "undo"})
    assert answer["Location"] == f"{address}?news=late"
    assert statuses(letter.person)["Kopi Senja Weekly"] == "unsubscribed"


def test_all_mail(client, letter, address):
    client.post(address, {"do": "all"})
    assert set(statuses(letter.person).values()) == {str(SubscriptionStatus.UNSUBSCRIBED)}
    assert [bytes(one.address_hash) for one in Suppression.objects.all()] == [
        bytes(letter.person.address_hash)
    ]
    assert "You won't get any more email from <em>Kopi Senja</em>" in client.get(address).text
    client.post(address, {"do": "all"})
    assert unsubscribed_tally(letter.campaign) == (1, 1)


def test_the_reason_is_kept_once_and_only_of_people_who_left(client, letter, address):
    client.post(address, {"do": "why", "why": "too_many"})
    assert not UnsubscribeReason.objects.exists()
    client.post(address, {"do": "leave"})
    client.post(address, {"do": "why", "why": "nonsense"})
    assert not UnsubscribeReason.objects.exists()
    client.post(address, {"do": "why", "why": "too_many"})
    client.post(address, {"do": "why", "why": "other"})
    assert [one.answer for one in UnsubscribeReason.objects.all()] == ["other"]


def test_tokens_of_other_purposes_people_and_damaged_ones(client, letter):
    own = letter.token(Purpose.UNSUBSCRIBE)
    bad = [letter.token(purpose) for purpose in Purpose if purpose != Purpose.UNSUBSCRIBE]
    bad += [
        own[:-4] + "AAAA",
        own[:-1],
        own + "A",
        "x",
        "é",
        tokens.make(10**9, Purpose.UNSUBSCRIBE),
    ]
    before = snapshot()
    for token in bad:
        for answer in (client.get(f"/u/{token}/"), client.post(f"/u/{token}/", {"do": "leave"})):
            assert answer.status_code == 404
            assert "Nothing was changed." in answer.text
    assert snapshot() == before


def test_the_pages_speak_the_persons_language(client, letter, address):
    answer = client.get(f"{address}?language=id")
    assert '<html lang="id">' in answer.text
    assert client.post(f"{address}?language=id", {"do": "leave"})["Location"].endswith(
        "?language=id"
    )
    assert '<html lang="en">' in client.get(address, headers={"accept-language": "id"}).text


def test_somebody_erased(client, letter, workspace, address):
    from subscribers.privacy import erasure

    erasure.erase(workspace, subscriber_id=letter.person.pk)
    assert "erased your data" in client.get(address).text
    assert (
        client.post(
            address, ONE_CLICK, content_type="application/x-www-form-urlencoded"
        ).status_code
        == 200
    )


def test_leaving_settles_a_message_of_which_nobody_knew(client, letter, address):
    Message.objects.filter(pk=letter.message.pk).update(
        state=MessageState.UNKNOWN, reason=Reason.NO_REPLY
    )
    client.post(address, {"do": "leave"})
    message = Message.objects.get(pk=letter.message.pk)
    assert (message.state, message.reason) == (MessageState.SENT, Reason.NONE)
    assert message.attempted_at == letter.message.attempted_at


def test_who_got_it_by_a_segment_of_all_lists_leaves_all_of_them(client, letter, address):
    letter.campaign.include_lists.clear()
    segment = Segment.objects.create(workspace=letter.campaign.workspace, name="Bandung")
    letter.campaign.include_segments.add(segment)
    client.post(address, {"do": "leave"})
    assert statuses(letter.person) == {
        "Kopi Senja Weekly": "unsubscribed",
        "Offers": "unsubscribed",
    }


def test_a_list_that_was_archived_since_is_left_too(client, letter, address):
    letter.campaign.include_lists.clear()
    segment = Segment.objects.create(workspace=letter.campaign.workspace, name="Bandung")
    letter.campaign.include_segments.add(segment)
    MailingList.objects.filter(name="Offers").update(archived_at=timezone.now())
    client.post(address, {"do": "leave"})
    assert statuses(letter.person)["Offers"] == "unsubscribed"


def test_words_of_an_erased_person_are_forgotten_and_the_answer_still_counts(
    client, workspace, letter, address
):
    from subscribers.privacy import erasure

    client.post(address, {"do": "leave"})
    client.post(address, {"do": "why", "why": "other", "words": "I am Ana of Braga street."})
    erasure.erase(workspace, subscriber_id=letter.person.pk)
    kept = UnsubscribeReason.objects.get()
    assert (kept.answer, kept.words) == ("other", "")
