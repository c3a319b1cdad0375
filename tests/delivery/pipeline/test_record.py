"""Outcomes: what may follow what, counts that equal the ledger, whatever comes twice or late."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Workspace
from campaigns import lifecycle
from campaigns.models import Campaign
from delivery.models import Message, SendMinute, ServerReply
from delivery.pipeline import claim, record, settle, sweep
from delivery.states import TRANSITIONS, MessageState, Reason
from delivery.transports.protocol import Verdict
from subscribers.models import Suppression
from tests.delivery import sending
from tests.people import Cast

pytestmark = pytest.mark.django_db

STORED = frozenset(MessageState) - {MessageState.CLAIMED, MessageState.HANDED_OVER}


def test_only_transitions_of_the_table_are_written(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 1)
    (message,) = sending.messages(campaign)
    for source in STORED:
        for target in STORED:
            Message.objects.filter(pk=message).update(state=source, reason=0)
            change = record.MessageChange(message_id=message, state=target)
            if target in TRANSITIONS[source]:
                assert record.apply(sending.writer(campaign), [change], source=source) == [message]
                assert Message.objects.get(pk=message).state == target
            else:
                with pytest.raises(AssertionError):
                    record.apply(sending.writer(campaign), [change], source=source)


def test_a_message_in_another_state_is_left_alone(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 1)
    (message,) = sending.messages(campaign)
    for state in STORED - {MessageState.PLANNED, MessageState.UNKNOWN}:
        Message.objects.filter(pk=message).update(state=state, attempts=1)
        assert record.outcomes(sending.writer(campaign), sending.sent([message])) == 0
        assert Message.objects.get(pk=message).state == state


def test_sent_messages_are_counted_by_minute_provider_and_shard(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 8)
    ids = sending.messages(campaign)
    assert record.outcomes(sending.writer(campaign, shard=2), sending.sent(ids[:6])) == 6
    assert sending.tallies(campaign) == {
        (MessageState.SENT, Reason.NONE): 6,
        (MessageState.PLANNED, Reason.NONE): 2,
    }
    minutes = SendMinute.objects.filter(campaign=campaign)
    assert sum(row.sent for row in minutes) == 6
    assert {row.domain_group: row.sent for row in minutes} == {0: 2, 1: 2, 2: 1, 3: 1}
    first = Message.objects.get(pk=ids[0])
    assert (first.attempts, first.content_version, first.reply_id) == (1, 1, None)
    assert first.attempted_at is not None


def test_each_verdict_with_its_reason(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 6)
    ids = sending.messages(campaign)
    batch = [
        sending.outcome(ids[0], Verdict.SENT, 250),
        sending.outcome(ids[1], Verdict.DEFERRED, 451, "4.7.1", "Greylisted"),
        sending.outcome(ids[2], Verdict.DEFERRED),
        sending.outcome(
            ids[3], Verdict.FAILED, 550, "5.1.1", "<reader3@example.net>: no such user"
        ),
        sending.outcome(ids[4], Verdict.FAILED, 554, "5.7.1", "Looks like spam"),
        sending.outcome(ids[5], Verdict.UNKNOWN),
    ]
    assert record.outcomes(sending.writer(campaign), batch) == 6
    expected = {
        (MessageState.SENT, Reason.NONE): 1,
        (MessageState.DEFERRED, Reason.TEMPORARY): 1,
        (MessageState.DEFERRED, Reason.CONNECTION_LOST): 1,
        (MessageState.FAILED, Reason.ADDRESS_INVALID): 1,
        (MessageState.FAILED, Reason.POLICY): 1,
        (MessageState.UNKNOWN, Reason.NO_REPLY): 1,
    }
    assert sending.ledger(campaign) == expected == sending.tallies(campaign)
    reply = ServerReply.objects.get(code=550)
    assert reply.text == "<…>: no such user"  # nobody's address
    suppressed = Suppression.objects.get(workspace=cast.workspace)
    assert (suppressed.email_key, suppressed.reason) == ("reader3@example.net", "bounced")


def test_a_late_answer_settles_what_counted_as_unknown(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 2)
    ids = sending.messages(campaign)
    record.outcomes(sending.writer(campaign), [sending.outcome(pk, Verdict.UNKNOWN) for pk in ids])
    assert record.outcomes(sending.writer(campaign), sending.sent(ids[:1])) == 1
    assert sending.states(campaign) == {MessageState.SENT: 1, MessageState.UNKNOWN: 1}
    assert Message.objects.get(pk=ids[0]).attempts == 1
    assert sending.tallies(campaign) == sending.ledger(campaign)


def test_an_answer_of_an_earlier_attempt_changes_nothing(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 1)
    (message,) = sending.messages(campaign)
    Message.objects.filter(pk=message).update(attempts=2)
    assert record.outcomes(sending.writer(campaign, attempt=0), sending.sent([message])) == 0
    assert record.outcomes(sending.writer(campaign, attempt=2), sending.sent([message])) == 1


def test_time_over_fails_as_expired(cast: Cast, settings: Any) -> None:
    settings.RETRY_FOR = settings.RETRY_FOR * 0
    campaign = sending.planned(cast.workspace, 1)
    (message,) = sending.messages(campaign)
    record.outcomes(
        sending.writer(campaign), [sending.outcome(message, Verdict.DEFERRED, 451, "", "later")]
    )
    assert sending.ledger(campaign) == {(MessageState.FAILED, Reason.EXPIRED): 1}


LATE = timedelta(hours=49)


def deferred(campaign: Campaign, message: int, *, attempt: int = 0) -> Message:
    """Have a server answer 451 to an attempt."""
    outcome = sending.outcome(message, Verdict.DEFERRED, 451, "4.7.1", "greylisted")
    assert record.outcomes(sending.writer(campaign, attempt=attempt), [outcome]) == 1
    return Message.objects.get(pk=message)


def wait_for_warm_up(campaign: Campaign, message: int) -> int:
    """A limit, a warm-up or an account in trouble: the claim goes back, with a time to wait."""
    held = sending.take(campaign)
    claim.release(held, not_before=timezone.now() + LATE, waiting_for="warm-up")
    return 0


def pause_and_resume(campaign: Campaign, message: int) -> int:
    """Somebody pauses the campaign over a weekend."""
    assert lifecycle.pause(campaign, reason="weekend")
    assert lifecycle.resume(campaign)
    return 0


def send_again_late(campaign: Campaign, message: int) -> int:
    """Nobody knows whether it arrived; two days later somebody sends it again."""
    record.outcomes(sending.writer(campaign), [sending.outcome(message, Verdict.UNKNOWN)])
    Message.objects.filter(pk=message).update(attempted_at=timezone.now() - LATE)
    assert settle.send_again(campaign) == 1
    return 1


def send_again_after_deferrals(campaign: Campaign, message: int) -> int:
    """It was deferred for two days before nobody knew; sent again, it begins anew."""
    deferred(campaign, message)
    long_ago = timezone.now() - LATE
    Message.objects.filter(pk=message).update(not_before=long_ago, deferred_since=long_ago)
    assert sweep.retry() == 1
    writer = sending.writer(campaign, attempt=1)
    record.outcomes(writer, [sending.outcome(message, Verdict.UNKNOWN)])
    assert settle.send_again(campaign) == 1
    return 2


@pytest.mark.parametrize(
    "way",
    [wait_for_warm_up, pause_and_resume, send_again_late, send_again_after_deferrals],
)
def test_however_late_the_first_attempt_is_it_may_be_deferred(
    cast: Cast, way: Callable[[Campaign, int], int]
) -> None:
    campaign = sending.planned(cast.workspace, 1)
    (message,) = sending.messages(campaign)
    Message.objects.filter(pk=message).update(created_at=timezone.now() - LATE)
    row = deferred(campaign, message, attempt=way(campaign, message))
    assert row.state == MessageState.DEFERRED
    assert row.deferred_since == row.attempted_at
    assert row.not_before is not None
    assert row.not_before > timezone.now()


def test_the_time_allowed_counts_from_the_first_deferral(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 2)
    early, late = sending.messages(campaign)
    for message in (early, late):
        deferred(campaign, message)
    now = timezone.now()
    Message.objects.filter(pk=early).update(
        deferred_since=now - timedelta(hours=47), not_before=now
    )
    Message.objects.filter(pk=late).update(deferred_since=now - LATE, not_before=now)
    assert sweep.retry() == 2
    assert deferred(campaign, early, attempt=1).state == MessageState.DEFERRED
    given_up = deferred(campaign, late, attempt=1)
    assert (given_up.state, given_up.reason) == (MessageState.FAILED, Reason.EXPIRED)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    batches=st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 5),
                st.sampled_from([v for v in Verdict if v is not Verdict.NOT_SENT]),
                st.integers(0, 2),
            ),
            min_size=1,
            max_size=6,
            unique_by=lambda item: item[0],
        ),
        min_size=1,
        max_size=6,
    ),
    twice=st.booleans(),
)
def test_tallies_equal_the_ledger_whatever_comes(
    batches: list[list[tuple[int, Verdict, int]]], *, twice: bool, cast: Cast
) -> None:
    workspace = Workspace.objects.create(name="W", slug=f"w{Workspace.objects.count()}")
    campaign = sending.planned(workspace, 6)
    ids = sending.messages(campaign)
    ended: dict[int, int] = {}
    for batch in [again for one in batches for again in [one] * (1 + twice)]:
        for attempt in {attempt for _, _, attempt in batch}:
            outcomes = [
                sending.outcome(ids[number], verdict, 451 if verdict is Verdict.DEFERRED else 0)
                for number, verdict, of_attempt in batch
                if of_attempt == attempt
            ]
            record.outcomes(sending.writer(campaign, attempt=attempt), outcomes)
        assert sending.tallies(campaign) == sending.ledger(campaign)
        for message in Message.objects.filter(campaign=campaign):
            assert ended.get(message.pk, message.state) == message.state
            if not TRANSITIONS[MessageState(message.state)]:
                ended[message.pk] = message.state
    assert sum(sending.tallies(campaign).values()) == 6
