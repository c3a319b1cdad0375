"""Every recipient accounted for: each place that shows a campaign says the same, and it adds up."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from accounts.team import api_keys
from campaigns import lifecycle
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.figures import ledgers
from delivery.models import Claim, Message, SendMinute
from delivery.pipeline import record, settle, sweep
from delivery.states import EventKind, MessageState, Reason
from delivery.transports.protocol import Verdict
from subscribers.models import Segment
from tests.campaigns import makers
from tests.delivery import sending
from tests.people import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


@pytest.fixture
def campaign(cast: Cast) -> Campaign:
    """Twenty people, in every state that a message can have."""
    campaign = sending.planned(cast.workspace, 20)
    ids = sending.messages(campaign)
    writer = sending.writer(campaign)
    sending.take(campaign)
    slow = "Our system has detected an unusual rate of mail"
    record.outcomes(
        writer,
        [
            *sending.sent(ids[:8]),
            *(sending.outcome(pk, Verdict.DEFERRED, 421, "4.7.28", slow) for pk in ids[8:10]),
            sending.outcome(ids[10], Verdict.FAILED, 550, "5.1.1", "User unknown"),
            *(sending.outcome(pk, Verdict.UNKNOWN) for pk in ids[11:15]),
        ],
    )
    record.skip(writer, {ids[15]: Reason.UNSUBSCRIBED, ids[16]: Reason.PAUSED})
    settle.leave(campaign, messages=[ids[14]])
    return campaign


EXPECTED = {
    "sent": 8, "deferred": 2, "failed": 1, "unknown": 4, "skipped": 2, "planned": 3,
}  # fmt: skip


def legend(page: str) -> dict[str, int]:
    """Read the ledger bar's legend, as people do."""
    found = re.findall(r"w-swatch is-(\w+)\"></span>[^<]*<strong>([\d,]+)</strong>", page)
    return {key: int(number.replace(",", "")) for key, number in found}


def audience_of(page: str) -> int:
    found = re.search(r"= audience <strong>([\d,]+)</strong>", page)
    assert found is not None
    return int(found[1].replace(",", ""))


@pytest.fixture
def program(cast: Cast) -> Client:
    key = api_keys.create(cast.workspace, name="Web shop", role=Role.EDITOR, by=cast.owner)
    return Client(headers={"authorization": f"Bearer {key}"})


def test_page_list_report_api_and_command_say_the_same_and_add_up(
    campaign: Campaign, editor_client: Client, program: Client
) -> None:
    live = editor_client.get(reverse("campaign_live", args=[campaign.pk])).content.decode()
    report = editor_client.get(reverse("campaign_report", args=[campaign.pk])).content.decode()
    for page in (live, report):
        assert legend(page) == EXPECTED
        assert audience_of(page) == 20 == sum(EXPECTED.values())
    listed = editor_client.get(reverse("campaign_list")).content.decode()
    said = re.search(r"8 sent.*?3 to send", listed, re.DOTALL)
    assert said is not None
    assert sum(map(int, re.findall(r"\b\d+(?= \w)", re.sub(r"<[^>]+>", "", said[0])))) == 20
    (head,) = program.get("/api/v1/campaigns").json()
    one = program.get(f"/api/v1/campaigns/{campaign.pk}").json()
    out = StringIO()
    call_command("campaign_status", str(campaign.pk), "--json", stdout=out)
    for found in (head, one, json.loads(out.getvalue())):
        assert sum(found["states"].values()) == found["audience"] == 20
    # Three messages are in a worker's hands; programs that ask about one campaign see that.
    assert head["states"]["planned"] == 3
    assert (one["states"]["planned"], one["states"]["claimed"]) == (0, 3)
    assert one["undecided"] == 3
    assert one["reasons"]["no_reply"] == 3
    assert one["reasons"]["no_reply_left"] == 1


def test_lanes_add_up_to_the_ledger(campaign: Campaign) -> None:
    ledger = ledgers.of(campaign)
    assert sum(lane.audience for lane in ledger.lanes.values()) == ledger.audience
    for state in MessageState:
        assert sum(lane.count(state) for lane in ledger.lanes.values()) == ledger.count(state)
    assert ledgers.of_all([campaign.pk])[campaign.pk].counts == ledger.counts


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (EventKind.OPENED, MessageState.SENT),
        (EventKind.CLICKED, MessageState.SENT),
        (EventKind.UNSUBSCRIBED, MessageState.SENT),
        (EventKind.DELIVERED, MessageState.SENT),
        (EventKind.COMPLAINED, MessageState.SENT),
        (EventKind.BOUNCED, MessageState.SENT),  # whoever returned it had taken it
    ],
)
def test_an_event_settles_what_was_unknown(
    campaign: Campaign, kind: EventKind, state: MessageState
) -> None:
    before = Message.objects.filter(campaign=campaign, reason=Reason.NO_REPLY).first()
    assert before is not None
    assert settle.by_event(before.pk, kind)
    after = Message.objects.get(pk=before.pk)
    assert after.state == state
    assert (after.attempts, after.attempted_at) == (before.attempts, before.attempted_at)
    assert sending.tallies(campaign) == sending.ledger(campaign)
    assert ledgers.of(campaign).audience == 20


def test_unknown_ones_are_settled_one_by_one_on_the_page(
    campaign: Campaign, editor_client: Client
) -> None:
    page = editor_client.get(
        reverse("campaign_live", args=[campaign.pk]), {"state": "unknown"}
    ).content.decode()
    assert "For 3 people the connection broke after the last byte" in page
    assert "1 message was left as it is" in page
    offered = [int(pk) for pk in re.findall(r'name="message" value="(\d+)"', page)]
    undecided = Message.objects.filter(campaign=campaign, reason=Reason.NO_REPLY)
    assert sorted(offered) == sorted(undecided.values_list("pk", flat=True))
    address = reverse("campaign_settle_unknown", args=[campaign.pk])
    editor_client.post(address, {"chosen": "1", "decision": "send-again", "message": offered[:1]})
    assert Message.objects.get(pk=offered[0]).state == MessageState.PLANNED
    editor_client.post(address, {"chosen": "1", "decision": "leave"})
    assert undecided.count() == 2  # nobody chosen is nobody
    editor_client.post(address, {"decision": "leave"})
    assert undecided.count() == 0
    assert sending.tallies(campaign) == sending.ledger(campaign)


def test_an_analyst_is_offered_no_decision(campaign: Campaign, analyst_client: Client) -> None:
    path = reverse("campaign_live", args=[campaign.pk])
    page = analyst_client.get(path, {"state": "unknown"}).content.decode()
    assert "For 3 people the connection broke" in page
    assert 'name="message"' not in page
    assert reverse("campaign_settle_unknown", args=[campaign.pk]) not in page


def test_programs_list_and_settle_unknown_ones(
    campaign: Campaign, program: Client, cast: Cast
) -> None:
    base = f"/api/v1/campaigns/{campaign.pk}/unknown"
    found = program.get(base).json()
    assert [row["undecided"] for row in found].count(True) == 3
    assert found[0]["email"].endswith("@example.net")
    again = program.get(base, {"after": found[-1]["subscriber"]}).json()
    assert again == []

    def post(decision: str, body: dict[str, Any]) -> Any:
        return program.post(f"{base}/{decision}", body, content_type="application/json")

    answer = post("send-again", {"messages": [found[0]["id"]]}).json()
    assert (answer["settled"], answer["undecided"]) == (1, 2)
    assert sum(answer["states"].values()) == answer["audience"] == 20
    assert post("leave", {}).json()["settled"] == 2
    assert post("leave", {}).json()["settled"] == 0
    assert post("forget", {}).status_code == 404
    assert lifecycle.cancel(campaign)
    assert post("send-again", {}).status_code == 409
    theirs = sending.planned(cast.other_workspace, 1)
    assert program.get(f"/api/v1/campaigns/{theirs.pk}/unknown").status_code == 404
    reader = api_keys.create(cast.workspace, name="Board", role=Role.ANALYST, by=cast.owner)
    client = Client(headers={"authorization": f"Bearer {reader}"})
    assert client.get(base).status_code == 403  # it lists addresses
    assert client.post(f"{base}/leave", {}, content_type="application/json").status_code == 403


def test_a_finished_campaign_that_sends_again_finishes_again(campaign: Campaign) -> None:
    ids = sending.messages(campaign)
    settle.leave(campaign, messages=ids[12:14])
    Claim.objects.all().delete()
    record.outcomes(sending.writer(campaign), sending.sent(ids[17:]))
    Message.objects.filter(state=MessageState.DEFERRED).update(not_before=timezone.now())
    sweep.retry()
    held = sending.take(campaign, token="again")
    record.outcomes(sending.writer(campaign, attempt=1), sending.sent(ids[8:10]))
    assert held.attempt == 1
    Claim.objects.all().delete()
    assert sweep.finish() == 1
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENT
    assert settle.send_again(campaign) == 1
    assert campaign.status == CampaignStatus.SENDING
    assert ledgers.of(campaign).audience == 20
    sending.take(campaign, token="once more")
    record.outcomes(sending.writer(campaign, attempt=1), sending.sent(ids[11:12]))
    Claim.objects.all().delete()
    assert sweep.finish() == 1
    assert sending.states(campaign)[MessageState.SENT] == 14


def test_the_live_page_asks_little_however_many_people_there_are(
    cast: Cast, editor_client: Client
) -> None:
    campaign = sending.planned(cast.workspace, 3)
    path = reverse("campaign_live", args=[campaign.pk])
    query = {"part": "figures", "status": "sending"}
    editor_client.get(path, query)
    with CaptureQueriesContext(connection) as few:
        editor_client.get(path, query)
    Message.objects.bulk_create(
        Message(
            campaign=campaign,
            subscriber_id=10_000_000 + number,
            state=MessageState.FAILED,
            reason=Reason.REFUSED,
        )
        for number in range(2_000)
    )
    SendMinute.objects.create(campaign=campaign, minute=timezone.now(), domain_group=1, sent=400)
    with CaptureQueriesContext(connection) as many:
        editor_client.get(path, query)
    assert len(many) <= len(few) + 1  # the minutes' rows, now that there are some
    asked = [entry["sql"] for entry in many.captured_queries]
    # Nothing is counted or listed from the ledger itself, but the newest few errors by index.
    assert [sql for sql in asked if '"delivery_message"' in sql] == []
    (errors,) = [sql for sql in asked if "delivery_message AS" in sql]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_message")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT TEXT) {errors}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "message_by_reason" in plan
    read = [float(number) for number in re.findall(r"actual time=\S+ rows=([\d.]+)", plan)]
    assert max(read) <= 50


def test_the_persons_timeline_says_why_they_were_left_out(
    campaign: Campaign, editor_client: Client
) -> None:
    for reason, words in (
        (Reason.PAUSED, "Asked for a pause"),
        (Reason.WANTS_FEWER, "Wants fewer emails"),
    ):
        message = Message.objects.filter(campaign=campaign, state=MessageState.SKIPPED).first()
        assert message is not None
        Message.objects.filter(pk=message.pk).update(reason=reason)
        path = reverse("subscriber_timeline", args=[message.subscriber_id])
        assert words in editor_client.get(path).content.decode()


def test_programs_choose_an_audience(cast: Cast, program: Client) -> None:
    news = makers.make_list(cast.workspace, "News")
    makers.make_reader(cast.workspace, news, "ani@x.example")
    segment = Segment.objects.create(workspace=cast.workspace, name="Everybody")
    draft = makers.make_campaign(cast.workspace)
    path = f"/api/v1/campaigns/{draft.pk}/audience"

    def put(**choice: list[int]) -> Any:
        return program.put(path, choice, content_type="application/json")

    found = put(lists=[news.pk], segments=[segment.pk]).json()
    assert (found["segments"], found["audience"], found["will_get"]) == ([segment.pk], 1, 1)
    assert program.get(path).json() == found
    theirs = makers.make_list(cast.other_workspace, "Theirs")
    refused = put(lists=[theirs.pk])
    assert refused.status_code == 422
    assert refused.json()["detail"] == f"lists: there is no {theirs.pk} in this workspace."
    assert program.get(path).json() == found
    Campaign.objects.filter(pk=draft.pk).update(status=CampaignStatus.SCHEDULED)
    assert put(lists=[news.pk]).status_code == 409
