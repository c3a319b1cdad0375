"""Claims: nobody takes what another holds, and people are looked at again before mailing."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from campaigns.audience.chosen import Audience
from delivery.models import Claim, Message
from delivery.pipeline import claim, plan
from delivery.states import ClaimState, MessageState, Reason
from subscribers.models import Subscriber, Subscription
from subscribers.states import SubscriptionStatus
from tests.campaigns import makers
from tests.delivery import sending
from tests.people import Cast


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_take_each_claim_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CLAIM_SIZE", 2)
    campaign = sending.planned(cast.workspace, 40)

    def work(worker: int) -> list[int]:
        taken: list[int] = []
        try:
            while held := claim.take(
                campaign.pk, worker=f"w{worker}", token=f"t{worker}-{len(taken)}", epoch="e:1"
            ):
                taken.append(held.id)
        finally:
            connection.close()
        return taken

    with ThreadPoolExecutor(6) as pool:
        taken = [pk for worker in pool.map(work, range(6)) for pk in worker]
    assert sorted(taken) == sorted(Claim.objects.values_list("pk", flat=True))
    assert len(taken) == 20


@pytest.mark.django_db
def test_who_left_after_planning_is_skipped_with_the_reason(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 7)
    staff = makers.make_list(cast.workspace, "Staff")
    campaign.exclude_lists.set([staff])
    people = list(Subscriber.objects.order_by("pk"))
    of = {m.subscriber_id: m.pk for m in Message.objects.filter(campaign=campaign)}
    Subscription.objects.filter(subscriber=people[0]).update(status=SubscriptionStatus.UNSUBSCRIBED)
    makers.suppress(people[1])
    makers.subscribe(people[2], staff)
    Subscription.objects.filter(subscriber=people[3]).delete()
    Subscription.objects.filter(subscriber=people[4]).delete()
    Subscriber.objects.filter(pk=people[4].pk).delete()
    Subscription.objects.filter(subscriber=people[5]).update(status=SubscriptionStatus.UNCONFIRMED)
    due, left_out = sending.read(sending.take(campaign), Audience.of(campaign))
    assert left_out == {
        of[people[0].pk]: Reason.UNSUBSCRIBED,
        of[people[1].pk]: Reason.SUPPRESSED,
        of[people[2].pk]: Reason.EXCLUDED,
        of[people[3].pk]: Reason.GONE,
        of[people[4].pk]: Reason.GONE,
        of[people[5].pk]: Reason.UNCONFIRMED,
    }
    (message,) = due
    assert (message.message_id, message.email, message.first_name, message.fields) == (
        of[people[6].pk],
        people[6].email,
        "Name6",
        {},
    )


@pytest.mark.django_db
def test_a_person_subscribed_to_one_of_two_lists_is_mailed(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 1)
    tea = makers.make_list(cast.workspace, "Tea")
    campaign.include_lists.add(tea)
    makers.subscribe(Subscriber.objects.get(), tea, status=SubscriptionStatus.UNSUBSCRIBED)
    due, left_out = sending.read(sending.take(campaign), Audience.of(campaign))
    assert (len(due), left_out) == (1, {})


@pytest.mark.django_db
def test_a_claim_owns_only_its_campaigns_planned_messages(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    ids = sending.messages(campaign)
    Message.objects.filter(pk=ids[0]).update(state=MessageState.SENT)
    Message.objects.filter(pk=ids[1]).update(attempts=1)
    due, _ = sending.read(sending.take(campaign), Audience.of(campaign))
    assert [message.message_id for message in due] == ids[2:]


@pytest.mark.django_db
def test_a_released_claim_waits_for_its_time(cast: Cast) -> None:
    from datetime import timedelta

    from django.utils import timezone

    campaign = sending.planned(cast.workspace, 3)
    held = sending.take(campaign)
    later = timezone.now() + timedelta(minutes=5)
    assert claim.release(held, not_before=later, waiting_for="the limit per hour")
    assert claim.take(campaign.pk, worker="w", token="t", epoch="e:1") is None
    row = Claim.objects.get(pk=held.id)
    assert (row.state, row.waiting_for, row.token) == (
        ClaimState.WAITING,
        "the limit per hour",
        "",
    )
    Claim.objects.update(not_before=timezone.now())
    assert sending.take(campaign).id == held.id
