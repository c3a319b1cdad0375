"""Answering a mail of the sandbox: by its buttons and by its address, over the real return path."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from delivery.mime import tokens
from delivery.models import Event, Message, SandboxMessage
from delivery.sandbox import addresses, answering, follow_up, inbox
from delivery.sandbox.smtp_record import Received
from delivery.states import AgentClass, EventKind, SandboxAnswer
from delivery.tracking import ingest
from subscribers.models import Subscription
from subscribers.states import SubscriptionStatus
from tests.delivery.sandbox import mails


@pytest.fixture
def sent(workspace, redis_client):
    return mails.sent(workspace)


@pytest.fixture
def came_back(monkeypatch) -> list[Any]:
    """What was handed to the intake of returned mails, which has tests of its own."""
    handed: list[Any] = []
    monkeypatch.setattr(
        answering, "hand_in", lambda raw, **more: handed.append(SimpleNamespace(raw=raw, **more))
    )
    return handed


def press(client, mail, answer, **fields):
    address = reverse("sandbox_answer", args=[mail.pk])
    return client.post(address, {"answer": int(answer), **fields}, follow=True)


@pytest.mark.parametrize("answer", sorted(answering.MAILED))
def test_what_comes_back_goes_to_the_return_path(editor_client, sent, came_back, answer):
    _campaign, _person, message, mail = sent
    page = press(editor_client, mail, answer).text
    assert "was sent to the return path kabar@kopisenja.example" in page
    (handed,) = came_back
    assert handed.workspace.pk == mail.workspace_id
    assert handed.envelope_to == "kabar@kopisenja.example"
    if answer != SandboxAnswer.AUTO_REPLY:  # that one names the mail by its Message-ID alone
        assert tokens.make(message.pk, tokens.Purpose.MESSAGE).encode() in handed.raw
    assert "Answered so far" in page
    mail.refresh_from_db()
    assert [(one["answer"], one["by"]) for one in mail.answers] == [(answer, "Budi")]


def test_an_open_and_a_click_are_counted_as_those_of_a_person(editor_client, sent):
    campaign, person, message, mail = sent
    page = press(editor_client, mail, SandboxAnswer.OPEN, visitor="phone").text
    assert f'href="/kopi-senja/subscribers/{person.pk}/"' in page
    assert f'href="/kopi-senja/campaigns/{campaign.pk}/report/"' in page
    press(editor_client, mail, SandboxAnswer.CLICK, link=1)
    ingest.next_batch()
    message.refresh_from_db()
    assert message.opened_at
    assert message.clicked_at
    events = Event.objects.filter(message=message).order_by("kind")
    assert [(one.kind, one.agent, one.link_ordinal) for one in events] == [
        (EventKind.OPENED, AgentClass.HUMAN, 0),
        (EventKind.CLICKED, AgentClass.HUMAN, 1),
    ]


@pytest.mark.parametrize(
    ("visitor", "agent"), [("apple", AgentClass.PROXY), ("scanner", AgentClass.SCANNER)]
)
def test_machines_are_told_from_people(editor_client, sent, visitor, agent):
    _campaign, _person, message, mail = sent
    press(editor_client, mail, SandboxAnswer.OPEN, visitor=visitor)
    ingest.next_batch()
    message.refresh_from_db()
    assert message.opened_at is None
    assert Event.objects.get(message=message).agent == agent


def test_one_click_unsubscribes(editor_client, sent):
    _campaign, person, message, mail = sent
    press(editor_client, mail, SandboxAnswer.ONE_CLICK)
    subscription = Subscription.objects.get(subscriber=person)
    assert subscription.status == SubscriptionStatus.UNSUBSCRIBED
    message.refresh_from_db()
    assert message.unsubscribed_at
    assert "on none of its lists" in press(editor_client, mail, SandboxAnswer.ONE_CLICK).text


def test_only_editors_of_the_same_workspace_answer(
    analyst_client, outsider_client, editor_client, sent, came_back
):
    mail = sent[3]
    address = reverse("sandbox_answer", args=[mail.pk])
    assert analyst_client.post(address, {"answer": 1}).status_code == 403
    assert outsider_client.post(address, {"answer": 1}).status_code == 404
    assert editor_client.get(address).status_code == 405
    for wrong in ("", "0", "99", "x", "9" * 40):
        assert editor_client.post(address, {"answer": wrong}).status_code == 400
    assert came_back == []


def test_mail_of_the_installation_is_not_answered(owner, owner_client, came_back, redis_client):
    owner.is_superuser = True
    owner.save()
    mail = mails.keep(None, b"Subject: Reset\r\n\r\nx")
    address = reverse("sandbox_answer", args=[mail.pk])
    assert owner_client.post(address, {"answer": 1}).status_code == 404
    assert came_back == []


def test_a_mail_cannot_speak_for_another_workspaces_message(
    outsider_client, other_workspace, sent, came_back
):
    message = sent[2]
    theirs = mails.keep(other_workspace, mails.campaign_mail(message), ledger_id=message.pk)
    for answer in (SandboxAnswer.OPEN, SandboxAnswer.CLICK, SandboxAnswer.ONE_CLICK):
        page = press(outsider_client, theirs, answer, link=1).text
        assert "no part of a campaign" in page
    ingest.next_batch()
    message.refresh_from_db()
    assert (message.opened_at, message.unsubscribed_at) == (None, None)


def test_what_a_mail_has_not_got_cannot_be_pressed(editor_client, workspace, sent, came_back):
    message = sent[2]
    token = tokens.make(message.pk, tokens.Purpose.MESSAGE)
    bare = mails.keep(
        workspace,
        f"X-Warta-Message: {token}\r\n\r\nHalo".encode(),
        ledger_id=message.pk,
        envelope_from="",
    )
    said = {
        SandboxAnswer.OPEN: "no open pixel",
        SandboxAnswer.CLICK: "Choose one of the tracked links",
        SandboxAnswer.ONE_CLICK: "no one-click unsubscribe",
        SandboxAnswer.SPAM: "no return path",
    }
    for answer, words in said.items():
        assert words in press(editor_client, bare, answer, link=7).text
    assert came_back == []
    bare.refresh_from_db()
    assert bare.answers == []


def test_the_list_of_answers_is_bounded(editor_client, sent, monkeypatch):
    monkeypatch.setattr(answering, "MOST_NOTED", 2)
    for _press in range(4):
        press(editor_client, sent[3], SandboxAnswer.OPEN)
    mail = SandboxMessage.objects.get(pk=sent[3].pk)
    assert len(mail.answers) == 2


# --- by the address itself


def take(workspace, to: str, raw: bytes) -> SandboxMessage:
    inbox.keep(
        [
            Received(
                envelope_from="kabar@kopisenja.example",
                envelope_to=(to,),
                data=raw,
                user=f"sandbox-{workspace.pk}",
                session=1,
                secure=False,
            )
        ]
    )
    mail = SandboxMessage.objects.latest("pk")
    long_ago = timezone.now() - timedelta(minutes=1)
    SandboxMessage.objects.filter(pk=mail.pk).update(received_at=long_ago)
    return mail


def test_every_address_that_misbehaves_is_described():
    described = {one.address for one in addresses.every()}
    behaving = {*addresses.REFUSED, *addresses.TREATED}
    behaving |= {f"{name}@{addresses.DOMAIN}" for name in addresses.ANSWERED}
    assert described == behaving


@pytest.mark.parametrize("name", sorted(addresses.ANSWERED))
def test_an_address_answers_once_and_by_itself(workspace, sent, came_back, name):
    _campaign, _person, message, _mail = sent
    raw = mails.campaign_mail(message)
    mail = take(workspace, f"{name.upper()}+anna@Sandbox.example", raw)
    assert mail.ledger_id == message.pk
    assert (follow_up.answer_due(), follow_up.answer_due()) == (1, 0)
    ingest.next_batch()
    message.refresh_from_db()
    answer = addresses.ANSWERED[name]
    effects = {
        "mail": bool(came_back),
        "open": bool(message.opened_at),
        "click": bool(message.clicked_at),
        "leave": bool(message.unsubscribed_at),
    }
    wanted = {
        "mail": answer in answering.MAILED,
        "open": answer in {SandboxAnswer.OPEN, SandboxAnswer.CLICK},
        "click": answer == SandboxAnswer.CLICK,
        "leave": answer == SandboxAnswer.ONE_CLICK,
    }
    assert effects == wanted
    mail.refresh_from_db()
    assert [(one["answer"], one["by"]) for one in mail.answers] == [(answer, "")]


def test_it_answers_when_the_ledger_says_that_the_mail_was_sent(workspace, sent, came_back):
    mail = take(workspace, "bounce-later@sandbox.example", mails.campaign_mail(sent[2]))
    SandboxMessage.objects.filter(pk=mail.pk).update(received_at=timezone.now())
    assert follow_up.answer_due() == 0
    assert came_back == []


def test_one_answer_that_fails_spoils_no_other(workspace, sent, monkeypatch):
    raw = mails.campaign_mail(sent[2])
    first = take(workspace, "bounce-later@sandbox.example", raw)
    take(workspace, "opens@sandbox.example", raw)

    def fail(*_args: Any, **_more: Any) -> None:
        raise ValueError(first.pk)

    monkeypatch.setattr(answering, "hand_in", fail)
    assert follow_up.answer_due() == 1
    ingest.next_batch()
    assert Message.objects.get(pk=sent[2].pk).opened_at
    assert follow_up.answer_due() == 0


def test_a_mail_that_cannot_be_read_spoils_no_other(workspace, monkeypatch):
    poisoned = mails.keep(workspace, b"\r\npoison")
    good = mails.keep(workspace, b"\r\nCoffee")
    words_of = follow_up.words_of

    def read(mail: Any) -> str:
        if mail.text == "poison":
            raise ValueError(poisoned.pk)
        return words_of(mail)

    monkeypatch.setattr(follow_up, "words_of", read)
    follow_up.read_words()
    found = dict(SandboxMessage.objects.values_list("pk", "words"))
    assert found == {poisoned.pk: "", good.pk: "coffee"}


@pytest.mark.parametrize(
    "address", ["bounce-later@example.org", "later@sandbox.example", "@sandbox.example", "", "x"]
)
def test_other_addresses_answer_nothing(address):
    assert addresses.answer_of(address) is None


def test_a_token_of_a_test_mail_names_no_message(workspace):
    token = tokens.make(2**47 + 5, tokens.Purpose.MESSAGE)
    mail = take(workspace, "a@b.example", f"X-Warta-Message: {token}\r\n\r\nx".encode())
    assert mail.ledger_id is None
    forged = take(workspace, "a@b.example", b"X-Warta-Message: AAAAAAAAAAAAAAAAAAAAAA\r\n\r\nx")
    assert forged.ledger_id is None


@pytest.mark.django_db(transaction=True)
def test_a_bounce_is_taken_in_and_counted(editor_client, sent):
    _campaign, _person, message, mail = sent
    press(editor_client, mail, SandboxAnswer.NO_MAILBOX)
    message.refresh_from_db()
    assert message.bounced_at
    assert Event.objects.filter(message=message, kind=EventKind.BOUNCED).count() == 1
