"""A campaign of a restored database asks; proofs and answers settle who gets it."""

import gzip
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.installation import hold, watch
from accounts.models import Installation, Workspace
from campaigns import lifecycle
from campaigns.audience.chosen import Audience
from campaigns.checks import confirmation
from campaigns.models import Campaign
from campaigns.states import Asks, CampaignStatus
from delivery.health import diagnosis
from delivery.mime import tokens
from delivery.models import Message
from delivery.pipeline import claim, next_campaign, plan, settle, sweep
from delivery.restoring import answers, pending, proof_files, proofs
from delivery.states import MessageState, Reason
from tests.campaigns import makers
from tests.delivery import sending
from tests.people import Cast

Because = Installation.Because
pytestmark = pytest.mark.django_db


def restore() -> None:
    """Do what a look does when it finds a restored database."""
    assert watch.look() is None
    Installation.objects.update(pulse=-1)
    assert watch.look() is Because.WENT_BACK
    watch.forget()


def go() -> None:
    watch.let_go()


def take(campaign: Campaign, text: str | bytes, name: str = "mail.log") -> proofs.ProofsTaken:
    data = text.encode() if isinstance(text, str) else text
    return proofs.take(campaign, io.BytesIO(data), name=name)


def message_id(message: int) -> str:
    return f"{tokens.make(message, tokens.Purpose.MESSAGE)}@kopisenja.example"


def test_nothing_is_offered_claimed_planned_or_swept_while_held(workspace: Workspace) -> None:
    campaign = sending.planned(workspace, 10)
    held = sending.take(campaign)
    claim.release(held)
    restore()
    assert next_campaign.waiting() == {}
    assert not next_campaign.is_anything_due()
    assert claim.take(campaign.pk, worker="x", token="t", epoch="run:1") is None
    assert plan.unfinished() == []
    assert not sweep.everything()
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENDING


def test_a_claim_itself_refuses_in_a_restored_table_before_anybody_looked(
    workspace: Workspace,
) -> None:
    campaign = sending.planned(workspace, 10)
    assert watch.may_send()
    Installation.objects.update(home="1/1")
    assert claim.take(campaign.pk, worker="x", token="t", epoch="run:1") is None


def test_claims_that_a_dump_holds_do_not_become_unknown(workspace: Workspace) -> None:
    campaign = sending.planned(workspace, 10)
    sending.take(campaign)
    restore()
    go()
    sweep.everything()
    assert sending.states(campaign) == {MessageState.PLANNED: 10}
    assert answers.send(campaign, confirmed=None)
    assert sending.states(campaign) == {MessageState.PLANNED: 10}
    assert claim.take(campaign.pk, worker="x", token="t2", epoch="run:1") is not None


def test_a_word_for_all_is_no_answer_about_a_campaign(workspace: Workspace) -> None:
    campaign = sending.planned(workspace, 10)
    restore()
    go()
    assert next_campaign.waiting() == {}
    assert claim.take(campaign.pk, worker="x", token="t", epoch="run:1") is None
    answers.send(campaign, confirmed=None)
    assert list(next_campaign.waiting()) == [campaign.pk]


def test_numbers_of_mails_are_never_given_twice(workspace: Workspace) -> None:
    """Links in mails of the lost time would unsubscribe somebody else."""
    campaign = sending.planned(workspace, 3)
    last = max(sending.messages(campaign))
    restore()
    go()
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('delivery_message', 'id'))")
        assert cursor.fetchone()[0] > last + 900_000_000


def test_postfix_tells_by_our_message_ids_and_by_addresses(workspace: Workspace) -> None:
    campaign = sending.planned(workspace, 6)
    known, lost, foreign, bounced, other = sending.messages(campaign)[:5]
    restore()
    far = 10**12  # planned in the time that is lost
    at = timezone.localtime()
    mails = [
        ("4F1A2B3C", message_id(known), "x@y.example", "sent"),
        ("5F1A2B3C", message_id(far), "READER1@example.net", "deferred"),
        ("6F1A2B3C", "somebody.else@other.example", "reader2@example.net", "sent"),
        ("7F1A2B3C", "", "reader3@example.net", "bounced"),
        ("8F1A2B3C", "", "nobody@example.net", "sent"),
    ]
    log = "".join(
        (
            f"{at:%b %e %H:%M:%S} mx postfix/cleanup[1]: {queued}: message-id=<{named}>\n"
            * bool(named)
        )
        + f"{at:%b %e %H:%M:%S} mx postfix/smtp[2]: {queued}: to=<{to}>, status={how} (x)\n"
        + f"{at:%b %e %H:%M:%S} mx postfix/qmgr[2]: {queued}: removed\n"
        for queued, named, to, how in mails
    )
    taken = take(campaign, log)
    assert taken.as_json() == {"marked": 3, "known": 0, "others": 1, "unread": 1}
    by_pk = dict(Message.objects.filter(campaign=campaign).values_list("pk", "state"))
    sent = {pk for pk, state in by_pk.items() if state == MessageState.SENT}
    assert sent == {known, lost, bounced}
    assert by_pk[foreign] == by_pk[other] == MessageState.PLANNED
    assert Message.objects.get(pk=known).reply.text == "Known from mail.log"
    assert sending.tallies(campaign) == {
        (MessageState.SENT, Reason.NONE): 3,
        (MessageState.PLANNED, Reason.NONE): 3,
    }
    assert take(campaign, log).as_json() == {"marked": 0, "known": 3, "others": 1, "unread": 1}


EXIM = """\
2026-11-30 11:00:00 1r8abc-0001Ab-2C <= a@b.example H=x [1.2.3.4] P=esmtp S=900 id={first}
2026-11-30 11:00:01 1r8abc-0001Ab-2C => reader0@example.net R=dns T=remote H=mx [1.2.3.4] C="250 ok"
2026-11-30 11:00:01 1r8abd-0001Ab-2C ** reader1@example.net R=dns T=remote: 550 no
2026-11-30 11:00:01 1r8abc-0001Ab-2C Completed
"""
SENDGRID = """\
"processed","message_id","event","api_key_id","email","smtp-id"
"2099-11-30 11:00:00","x.y","delivered","","reader0@example.net","<{first}>"
"2099-11-30 11:00:00","x.z","dropped","","reader1@example.net",""
"2099-11-30 11:00:00","x.w","deferred","","reader2@example.net",""
"""
MAILGUN = """\
{"event": "delivered", "message": {"headers": {"to": "x@y.example", "message-id": "{first}"}}}
{"event": "rejected", "recipient": "reader1@example.net"}
{"event": "failed", "recipient": "reader2@example.net"}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (EXIM.replace("2026-", "2099-"), {0, 1}),
        (SENDGRID, {0, 2}),
        (MAILGUN, {0, 2}),
        ("To;MessageID\nReader0@Example.net;abc\n", {0}),
        ("reader0@example.net\nreader1@example.net\n", {0, 1}),
        ("﻿Email\nreader0@example.net\n", {0}),
    ],
)
def test_other_servers_and_providers(workspace: Workspace, text: str, expected: set[int]) -> None:
    campaign = sending.planned(workspace, 3)
    ids = sending.messages(campaign)
    restore()
    text = text.replace("{first}", message_id(ids[0]))
    take(campaign, gzip.compress(text.encode()))
    states = Message.objects.filter(campaign=campaign, state=MessageState.SENT)
    assert set(states.values_list("pk", flat=True)) == {ids[number] for number in expected}


def test_lines_of_before_the_campaign_are_of_another(workspace: Workspace) -> None:
    campaign = sending.planned(workspace, 2)
    restore()
    text = "email,timestamp\nreader0@example.net,2020-01-01T00:00:00Z\n"
    assert take(campaign, text).as_json() == {"marked": 0, "known": 0, "others": 0, "unread": 1}


def test_a_mail_of_another_campaign_is_no_proof(workspace: Workspace) -> None:
    campaign = sending.planned(workspace, 2)
    other = makers.make_campaign(workspace, campaign.include_lists.get(), name="Other")
    lifecycle.schedule(other, at=timezone.now())
    plan.begin(other)
    sending.plan_all(other)
    restore()
    text = f"email,message-id\nreader0@example.net,<{message_id(sending.messages(other)[0])}>\n"
    assert take(campaign, text).marked == 0


def test_who_was_not_planned_yet_may_have_it_too(workspace: Workspace) -> None:
    campaign = sending.start(workspace, 4)  # begun; nobody is planned
    restore()
    assert take(campaign, "reader2@example.net\n").marked == 1
    assert sending.states(campaign) == {MessageState.SENT: 1, MessageState.PLANNED: 3}


def test_a_scheduled_campaign_takes_proofs_without_sending(workspace: Workspace) -> None:
    mailing_list = makers.make_list(workspace)
    sending.make_people(workspace, mailing_list, 3)
    sending.make_account(workspace)
    campaign = makers.make_campaign(workspace, mailing_list)
    assert lifecycle.schedule(campaign, at=timezone.now())
    restore()
    assert take(campaign, "reader2@example.net\n").marked == 1
    assert claim.take(campaign.pk, worker="x", token="t", epoch="run:1") is None
    go()
    answers.send(campaign, confirmed=None)
    found = claim.read(sending.take(campaign), Audience.of(campaign))
    assert {due.email for due in found.due} == {"reader0@example.net", "reader1@example.net"}


def test_a_campaign_of_next_week_can_have_reached_nobody(workspace: Workspace) -> None:
    mailing_list = makers.make_list(workspace)
    sending.make_people(workspace, mailing_list, 1)
    campaign = makers.make_campaign(workspace, mailing_list)
    lifecycle.schedule(campaign, at=timezone.now() + timedelta(days=7))
    restore()
    with pytest.raises(proofs.ProofError, match="its time has not come"):
        take(campaign, "reader0@example.net\n")
    go()
    answers.send(campaign, confirmed=None)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SCHEDULED
    assert campaign.send_at > timezone.now()


def test_a_file_that_says_nothing_is_refused_in_words(workspace: Workspace) -> None:
    campaign = sending.planned(workspace, 1)
    restore()
    with pytest.raises(proofs.ProofError, match="a CSV file with a column"):
        take(campaign, "Hello\nWorld\n")


def test_who_is_left_becomes_unknown_and_is_listed(workspace: Workspace) -> None:
    campaign = sending.start(workspace, 5)
    restore()
    assert answers.leave(campaign)
    go()
    sweep.everything()
    assert sending.ledger(campaign) == {(MessageState.UNKNOWN, Reason.MAY_HAVE_GONE): 5}
    assert sending.tallies(campaign) == sending.ledger(campaign)
    sweep.everything()
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENT
    assert settle.undecided(campaign).count() == 5
    assert settle.send_again(campaign, messages=[sending.messages(campaign)[0]]) == 1


def test_what_is_deferred_counts_as_left_too(workspace: Workspace) -> None:
    campaign = sending.planned(workspace, 2)
    Message.objects.filter(campaign=campaign).update(
        state=MessageState.DEFERRED, reason=Reason.TEMPORARY, not_before=timezone.now()
    )
    restore()
    assert take(campaign, "reader0@example.net\n").marked == 1


# Schedules whose time is over


def overdue(workspace: Workspace, hours: float = 2) -> Campaign:
    mailing_list = makers.make_list(workspace)
    sending.make_people(workspace, mailing_list, 3)
    sending.make_account(workspace)
    campaign = makers.make_campaign(workspace, mailing_list)
    assert lifecycle.schedule(campaign, at=timezone.now())
    Campaign.objects.update(send_at=timezone.now() - timedelta(hours=hours))
    campaign.refresh_from_db()
    return campaign


def test_a_schedule_that_is_an_hour_late_asks(workspace: Workspace) -> None:
    campaign = overdue(workspace)
    plan.begin_due()
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SCHEDULED
    assert campaign.asks_because == Asks.OVERDUE
    assert "Is it still wanted?" in diagnosis.explain(campaign).sentence
    assert answers.send(campaign, confirmed=confirmation.shown(campaign))
    plan.begin_due()
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENDING


def test_one_that_is_late_by_minutes_goes(workspace: Workspace) -> None:
    campaign = overdue(workspace, hours=0.9)
    plan.begin_due()
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENDING


def test_the_question_stands_on_its_page_and_an_answer_is_held_to_what_was_shown(
    workspace: Workspace, editor_client: Client
) -> None:
    campaign = overdue(workspace)
    plan.begin_due()
    for name in ("campaign_live", "campaign_review"):
        page = editor_client.get(reverse(name, args=[campaign.pk]))
        assert "Is it still wanted?" in page.content.decode()
    shown = confirmation.shown(Campaign.objects.get(pk=campaign.pk))
    campaign.content.subject = "Another"
    campaign.content.save()
    url = reverse("campaign_answer", args=[campaign.pk])
    answer = editor_client.post(url, {"answer": "send", "confirmed": shown})
    assert answer.status_code == 409
    assert "The subject is now “Another”." in answer.content.decode()
    campaign.refresh_from_db()
    assert campaign.asks_since is not None
    fresh = confirmation.shown(campaign)
    assert editor_client.post(url, {"answer": "send", "confirmed": fresh}).status_code == 302
    campaign.refresh_from_db()
    assert campaign.asks_since is None


def test_it_can_go_back_to_draft(workspace: Workspace, editor_client: Client) -> None:
    campaign = overdue(workspace)
    plan.begin_due()
    editor_client.post(reverse("campaign_answer", args=[campaign.pk]), {"answer": "draft"})
    campaign.refresh_from_db()
    assert (campaign.status, campaign.asks_since) == (CampaignStatus.DRAFT, None)


def test_after_an_absence_what_was_under_way_asks_and_the_rest_goes_on(
    workspace: Workspace,
) -> None:
    campaign = sending.planned(workspace, 3)
    assert watch.look() is None
    Installation.objects.update(pulse_at=timezone.now() - timedelta(hours=2))
    assert watch.look() is None
    campaign.refresh_from_db()
    assert campaign.asks_because == Asks.AWAY
    assert hold.state() is None
    answers.send(campaign, confirmed=None)
    assert watch.look() is None
    assert list(next_campaign.waiting()) == [campaign.pk]


# Pages


def test_owners_see_it_on_every_page_and_say_go(
    workspace: Workspace, owner_client: Client, editor_client: Client, cast: Cast
) -> None:
    campaign = sending.planned(workspace, 10)
    restore()
    told = "Nothing is sent until a person says go."
    for name in ("home", "campaign_list", "subscriber_list", "settings_team"):
        assert told in owner_client.get(reverse(name)).content.decode()
    assert told not in editor_client.get(reverse("campaign_list")).content.decode()
    page = owner_client.get(reverse("sending_held")).content.decode()
    assert "10 people would get it" in page
    assert editor_client.get(reverse("sending_held")).status_code == 403
    # Another owner's workspace is in the installation, so this owner answers for their own only.
    assert owner_client.post(reverse("hold_go")).status_code == 403
    assert hold.state() is not None
    cast.owner.is_staff = True
    cast.owner.save()
    assert owner_client.post(reverse("hold_go")).status_code == 302
    assert hold.state() is None
    assert "waits for your answer" in owner_client.get(reverse("home")).content.decode()
    assert pending.of_workspace(workspace).campaigns[0].asks
    url = reverse("campaign_proof", args=[campaign.pk])
    file = io.BytesIO(b"reader0@example.net\n")
    file.name = "got-it.csv"
    editor_client.post(url, {"file": file})
    assert sending.states(campaign)[MessageState.SENT] == 1


def test_another_workspaces_campaign_is_not_found(
    workspace: Workspace, outsider_client: Client
) -> None:
    campaign = sending.planned(workspace, 1)
    restore()
    url = reverse("campaign_answer", args=[campaign.pk])
    assert outsider_client.post(url, {"answer": "send"}).status_code == 404
    campaign.refresh_from_db()
    assert campaign.asks_since is not None


def test_a_line_is_read_of_any_time() -> None:
    read = proof_files._moment
    assert read("2026-11-30T11:00:00+07:00 x").isoformat() == "2026-11-30T04:00:00+00:00"
    assert read("1764500000").year == 2025
    assert read("Feb 31 11:00:00 mx") is None
    assert read("x") is None
