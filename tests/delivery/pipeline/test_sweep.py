"""After a crash: each claim settled by its journal; retries, endings, cancelled campaigns."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from campaigns import lifecycle
from campaigns.audience.chosen import Audience
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.models import Claim, Message
from delivery.pipeline import claim, journal, record, settle, sweep
from delivery.states import ClaimState, EventKind, MessageState, Reason
from delivery.transports.protocol import Verdict
from tests.delivery import sending
from tests.people import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def line(redis_client: redis.Redis) -> Iterator[journal.JournalConnection]:
    line = journal.JournalConnection()
    yield line
    line.close()


def expire() -> None:
    Claim.objects.filter(state=ClaimState.HELD).update(held_until=timezone.now() - timedelta(1))


def test_a_dead_workers_claim_is_settled_by_its_journal(
    cast: Cast, line: journal.JournalConnection
) -> None:
    campaign = sending.planned(cast.workspace, 10)
    held = sending.take(campaign, token=line.open(), epoch=line.epoch)
    notes = line.use(held.token, version=1)
    ids = sending.messages(campaign)
    for message in ids[:4]:
        notes.announce(message)
    for outcome in sending.sent(ids[:3]):
        notes.settle(outcome)
    notes.confirm(ids[3])
    record.outcomes(sending.writer(campaign), sending.sent(ids[:2]))  # recorded before it died
    expire()
    assert sweep.recover() == 1
    assert sending.states(campaign) == {
        MessageState.SENT: 3,
        MessageState.UNKNOWN: 1,
        MessageState.PLANNED: 6,
    }
    assert sending.tallies(campaign) == sending.ledger(campaign)
    assert Message.objects.get(pk=ids[2]).content_version == 1
    assert sweep.recover() == 0
    again = sending.take(campaign)
    due, _ = sending.read(again, audience(campaign))
    assert [message.message_id for message in due] == ids[4:]


def test_what_an_earlier_release_left_behind_is_understood(
    cast: Cast, redis_client: redis.Redis
) -> None:
    """Claims and journals as they stand stored: only a new number in the header may change them."""
    campaign = sending.planned(cast.workspace, 7)
    first, second, third, fourth, fifth, *_ = sending.messages(campaign)
    redis_client.rpush(
        "warta:journal:5f2c9a",
        "warta-journal-1",
        "v3",
        f"{first}",
        f"{second}<{first}",
        f"{first}=sent|250|2.0.0||",
        f"{third}<{second}",
        f"{fourth}",
        f"{fourth}=failed|550|5.1.1||no such user | here",
        f"{fifth}",
        f"{fifth}=deferred|451|4.7.1||greylisted",
    )
    Claim.objects.filter(campaign=campaign).update(
        state=2,
        worker="old-host:4711",
        token="5f2c9a",
        journal_epoch="8c1d:1",
        held_until=timezone.now() - timedelta(hours=1),
    )
    assert sweep.recover() == 1
    rows = Message.objects.filter(campaign=campaign).order_by("pk")
    found = list(rows.values_list("state", "attempts", "content_version"))
    assert found == [
        (4, 1, 3),
        (7, 1, 3),
        (1, 0, None),
        (6, 1, 3),
        (5, 1, 3),
        (1, 0, None),
        (1, 0, None),
    ]
    again = sending.take(campaign)
    due, _ = sending.read(again, audience(campaign))
    assert len(due) == 3


def test_a_journal_of_a_release_we_do_not_know_is_in_doubt_not_sent_again(
    cast: Cast, redis_client: redis.Redis
) -> None:
    campaign = sending.planned(cast.workspace, 3)
    redis_client.rpush("warta:journal:77aa", "warta-journal-2", "something else")
    Claim.objects.filter(campaign=campaign).update(
        state=2, worker="new-host:1", token="77aa", journal_epoch="8c1d:1", held_until=None
    )
    assert sweep.recover() == 1
    assert sending.states(campaign) == {MessageState.UNKNOWN: 3}


def audience(campaign: Campaign) -> Audience:
    return Audience.of(campaign)


def test_a_living_lease_is_left_alone(cast: Cast, line: journal.JournalConnection) -> None:
    campaign = sending.planned(cast.workspace, 3)
    sending.take(campaign, token=line.open(), epoch=line.epoch)
    assert sweep.recover() == 0


def test_a_lost_journal_makes_the_claim_unknown_never_sent_again(
    cast: Cast, redis_client: redis.Redis, line: journal.JournalConnection
) -> None:
    campaign = sending.planned(cast.workspace, 5)
    held = sending.take(campaign, token=line.open(), epoch=line.epoch)
    record.outcomes(sending.writer(campaign), sending.sent(sending.messages(campaign)[:2]))
    redis_client.flushdb()
    expire()
    assert sweep.recover() == 1
    assert sending.ledger(campaign) == {
        (MessageState.SENT, Reason.NONE): 2,
        (MessageState.UNKNOWN, Reason.JOURNAL_LOST): 3,
    }
    assert Claim.objects.get(pk=held.id).state == ClaimState.SETTLED
    assert sweep.finish() == 1  # unknown doesn't hold a campaign up


def test_the_former_owner_can_neither_renew_nor_settle(
    cast: Cast, line: journal.JournalConnection
) -> None:
    campaign = sending.planned(cast.workspace, 3)
    held = sending.take(campaign, token=line.open(), epoch=line.epoch)
    expire()
    sweep.recover()
    assert not claim.renew(held)
    assert not claim.settle(held)
    assert not claim.release(held)


def test_due_retries_get_a_claim_of_their_own(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 4)
    first = sending.take(campaign)
    ids = sending.messages(campaign)
    record.outcomes(
        sending.writer(campaign),
        [sending.outcome(pk, Verdict.DEFERRED, 451, "4.7.1", "later") for pk in ids[:2]],
    )
    assert sweep.retry() == 0
    Message.objects.filter(campaign=campaign, state=MessageState.DEFERRED).update(
        not_before=timezone.now()
    )
    assert sweep.retry() == 2
    assert sending.tallies(campaign) == sending.ledger(campaign)
    claim.release(first)  # the old range still covers the two: it must not own them
    taken = [sending.read(sending.take(campaign, token=t), audience(campaign))[0] for t in "ab"]
    assert [[m.message_id for m in due] for due in taken] == [ids[2:], ids[:2]]


def test_a_campaign_ends_when_nothing_is_open(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    assert sweep.finish() == 0
    held = sending.take(campaign)
    record.outcomes(sending.writer(campaign), sending.sent(sending.messages(campaign)))
    assert sweep.finish() == 0  # the claim is still held
    claim.settle(held)
    assert sweep.finish() == 1
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENT
    assert campaign.finished_at is not None


def test_an_empty_audience_ends_at_once(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 0)
    assert sweep.finish() == 1
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENT


def test_planned_messages_without_a_claim_are_found_again(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    Claim.objects.all().delete()
    assert sweep.finish() == 0
    due, _ = sending.read(sending.take(campaign), audience(campaign))
    assert [message.message_id for message in due] == sending.messages(campaign)
    assert sweep.finish() == 0
    assert sending.open_claims(campaign) == 1


def test_cancelling_ends_what_is_planned_and_deferred(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 6)
    held = sending.take(campaign)
    ids = sending.messages(campaign)
    record.outcomes(
        sending.writer(campaign),
        [
            *sending.sent(ids[:2]),
            *(sending.outcome(pk, Verdict.DEFERRED, 451) for pk in ids[2:4]),
        ],
    )
    assert lifecycle.cancel(campaign)
    assert sweep.cancel() == 2  # the deferred ones; the others are held
    claim.release(held)
    assert sweep.cancel() == 2
    assert sending.ledger(campaign) == {
        (MessageState.SENT, Reason.NONE): 2,
        (MessageState.CANCELLED, Reason.CANCELLED): 4,
    }
    assert sending.tallies(campaign) == sending.ledger(campaign)
    assert sending.open_claims(campaign) == 0


def test_unknown_messages_are_sent_again_when_a_person_says_so(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    held = sending.take(campaign)
    ids = sending.messages(campaign)
    record.outcomes(
        sending.writer(campaign),
        [*sending.sent(ids[:1]), *(sending.outcome(pk, Verdict.UNKNOWN) for pk in ids[1:])],
    )
    claim.settle(held)
    assert sweep.finish() == 1
    campaign.refresh_from_db()
    assert settle.send_again(campaign, messages=ids[1:2]) == 1
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENDING
    due, _ = sending.read(sending.take(campaign), audience(campaign))
    assert [message.message_id for message in due] == ids[1:2]
    assert sending.tallies(campaign) == sending.ledger(campaign)


def test_unknown_messages_are_left_when_a_person_says_so(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 2)
    ids = sending.messages(campaign)
    record.outcomes(sending.writer(campaign), [sending.outcome(p, Verdict.UNKNOWN) for p in ids])
    assert settle.leave(campaign, messages=ids[:1]) == 1
    assert sending.ledger(campaign) == {
        (MessageState.UNKNOWN, Reason.NO_REPLY): 1,
        (MessageState.UNKNOWN, Reason.NO_REPLY_LEFT): 1,
    }
    assert sending.tallies(campaign) == sending.ledger(campaign)
    assert settle.leave(campaign) == 1
    assert settle.send_again(campaign) == 0


def test_an_event_settles_an_unknown_message(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    ids = sending.messages(campaign)
    record.outcomes(
        sending.writer(campaign), [sending.outcome(p, Verdict.UNKNOWN) for p in ids[:2]]
    )
    assert settle.by_event(ids[0], EventKind.OPENED)
    assert settle.by_events({ids[1]: False}) == 1  # its provider never sent it
    assert not settle.by_event(ids[2], EventKind.BOUNCED)
    assert not settle.by_event(ids[0], EventKind.OPENED)
    assert sending.states(campaign) == {
        MessageState.SENT: 1,
        MessageState.FAILED: 1,
        MessageState.PLANNED: 1,
    }
    assert sending.tallies(campaign) == sending.ledger(campaign)


def test_what_waits_for_a_paused_campaign_is_not_walked(cast: Cast) -> None:
    paused = sending.planned(cast.workspace, 400)
    ids = sending.messages(paused)
    later = [sending.outcome(pk, Verdict.DEFERRED, 451, "4.3.0", "later") for pk in ids]
    record.outcomes(sending.writer(paused), later)
    Message.objects.filter(campaign=paused).update(not_before=timezone.now())
    assert lifecycle.pause(paused)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_message")
        cursor.execute("SET LOCAL enable_seqscan = off")  # 400 rows are few to a planner
        before = _rows_read(cursor)
        assert sweep.retry() == 0
        assert _rows_read(cursor) - before == 0
        assert lifecycle.resume(paused)
        assert sweep.retry() == 400


def _rows_read(cursor: CursorWrapper) -> int:
    cursor.execute(
        "SELECT pg_stat_get_xact_tuples_fetched('delivery_message'::regclass)"
        " + pg_stat_get_xact_tuples_returned('delivery_message'::regclass)"
        " + sum(pg_stat_get_xact_tuples_returned(indexrelid))"
        " FROM pg_index WHERE indrelid = 'delivery_message'::regclass"
    )
    row = cursor.fetchone()
    return int(row[0])
